using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RLP;
using Rlp = Nethereum.RLP.RLP;

namespace CapVault.Tests.NethereumApi;

public class RlpTests
{
    // The examples of the Ethereum wiki's page on RLP.
    [Theory]
    [InlineData("dog", "83646f67")]
    [InlineData("", "80")]
    [InlineData("Lorem ipsum dolor sit amet, consectetur adipisicing elit", "b8384c6f72656d20697073756d20646f6c6f722073697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c6974")]
    public void Strings_of_the_wiki(string text, string encoded) => Rlp.EncodeElement(Encoding.UTF8.GetBytes(text)).ToHex().Should().Be(encoded);

    [Theory]
    [InlineData("00", "00")]
    [InlineData("0f", "0f")]
    [InlineData("0400", "820400")]
    [InlineData("7f", "7f")]
    [InlineData("80", "8180")]
    public void Bytes_of_the_wiki(string bytes, string encoded) => Rlp.EncodeElement(bytes.HexToByteArray()).ToHex().Should().Be(encoded);

    [Fact]
    public void Lists_of_the_wiki()
    {
        var empty = Rlp.EncodeList();
        empty.ToHex().Should().Be("c0");
        Rlp.EncodeList(Rlp.EncodeElement("cat"u8.ToArray()), Rlp.EncodeElement("dog"u8.ToArray())).ToHex().Should().Be("c88363617483646f67");
        // The set of three: [ [], [[]], [ [], [[]] ] ]
        Rlp.EncodeList(empty, Rlp.EncodeList(empty), Rlp.EncodeList(empty, Rlp.EncodeList(empty))).ToHex().Should().Be("c7c0c1c0c3c0c1c0");
    }

    [Theory]
    [InlineData(55)]
    [InlineData(56)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(60_000)]
    public void Long_items_are_those_of_cast(int length)
    {
        var bytes = Enumerable.Repeat((byte)0xab, length).ToArray();
        var encoded = Rlp.EncodeList(Rlp.EncodeElement(bytes));
        encoded.ToHex(prefix: true).Should().Be(Repository.Cast("to-rlp", $"[\"{bytes.ToHex(prefix: true)}\"]"));
        ((RLPCollection)Rlp.Decode(encoded))[0].RLPData.Should().Equal(bytes);
    }

    [Fact]
    public void Lists_survive_encoding() => Prop.ForAll<byte[][]>(items =>
    {
        var decoded = (RLPCollection)Rlp.Decode(Rlp.EncodeList([Rlp.EncodeList([.. items.Select(Rlp.EncodeElement)])]));
        return ((RLPCollection)decoded[0]).Select(item => item.RLPData ?? []).Zip(items, (a, b) => a.SequenceEqual(b)).All(same => same)
            && ((RLPCollection)decoded[0]).Count == items.Length;
    }).QuickCheckThrowOnFailure();
}
