using CapVault.Sdk;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Tests.Sdk;

public class IncrementalKeccak256Tests
{
    // Keccak's published hash of nothing; the others are what `cast keccak` answers.
    [Theory]
    [InlineData("", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    [InlineData("hello", "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8")]
    public void It_is_Ethereums_Keccak(string text, string expected)
    {
        var keccak = new IncrementalKeccak256();
        keccak.AppendData(System.Text.Encoding.UTF8.GetBytes(text));
        keccak.GetHashAndReset().ToHex(prefix: true).Should().Be(expected);
    }

    [Fact]
    public void Pieces_make_the_hash_of_the_whole() => Prop.ForAll<byte[][]>(pieces =>
    {
        var keccak = new IncrementalKeccak256();
        foreach (var piece in pieces)
        {
            keccak.AppendData(piece);
        }

        return keccak.GetHashAndReset().SequenceEqual(DeliverableHash.Keccak256([.. pieces.SelectMany(piece => piece)]));
    }).QuickCheckThrowOnFailure();

    // 136 bytes make a block: the padding falls differently around its ends.
    [Fact]
    public void Every_length_around_the_ends_of_blocks_is_right()
    {
        var keccak = new IncrementalKeccak256();
        var content = Enumerable.Range(0, 600).Select(i => (byte)(i * 7)).ToArray();
        for (var length = 0; length <= content.Length; length++)
        {
            foreach (var piece in new[] { 1, 135, 136, 137, 600 })
            {
                for (var at = 0; at < length; at += piece)
                {
                    keccak.AppendData(content.AsSpan(at, Math.Min(piece, length - at)));
                }

                keccak.GetHashAndReset().Should().Equal(DeliverableHash.Keccak256(content.AsSpan(0, length)), $"{length} bytes in pieces of {piece}");
            }
        }
    }
}
