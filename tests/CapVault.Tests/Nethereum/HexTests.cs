using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;

namespace CapVault.Tests.NethereumApi;

public class HexTests
{
    [Fact]
    public void Bytes_survive_the_way_to_text_and_back() => Prop.ForAll<byte[], bool>((bytes, prefix) =>
        bytes.ToHex(prefix).HexToByteArray().SequenceEqual(bytes)).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("", "")]
    [InlineData("0x", "")]
    [InlineData("0x0aFF", "0aff")]
    [InlineData("0aFF", "0aff")]
    [InlineData("f", "0f")]
    [InlineData("0x123", "0123")]
    public void Text_is_read_with_and_without_prefix_and_with_an_odd_first_digit(string text, string bytes) =>
        text.HexToByteArray().ToHex().Should().Be(bytes);

    [Theory]
    [InlineData("0xzz")]
    [InlineData("12 4")]
    [InlineData("0x0x12")]
    public void Text_that_is_not_hexadecimal_is_refused(string text)
    {
        text.Invoking(t => t.HexToByteArray()).Should().Throw<FormatException>();
        text.IsHex().Should().BeFalse();
    }

    [Theory]
    [InlineData("0xAbCd", "abcd", true)]
    [InlineData("0xabcd", "0xABCD", true)]
    [InlineData("0xabcd", "0xabce", false)]
    public void Hex_is_compared_without_case_and_prefix(string first, string second, bool same) => first.IsTheSameHex(second).Should().Be(same);

    [Theory]
    [InlineData("0", "0x0")]
    [InlineData("1", "0x1")]
    [InlineData("26", "0x1a")]
    [InlineData("256", "0x100")]
    [InlineData("115792089237316195423570985008687907853269984665640564039457584007913129639935", "0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    public void Quantities_are_compact(string number, string hex)
    {
        new HexBigInteger(BigInteger.Parse(number)).HexValue.Should().Be(hex);
        new HexBigInteger(hex).Value.Should().Be(BigInteger.Parse(number));
    }

    [Fact]
    public void Quantities_survive_the_way_to_text_and_back() => Prop.ForAll<ulong, ulong>((high, low) =>
    {
        var value = ((BigInteger)high << 64) | low;
        return new HexBigInteger(new HexBigInteger(value).HexValue).Value == value;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Quantities_are_equal_by_value()
    {
        (new HexBigInteger("0x0a") == new HexBigInteger(10)).Should().BeTrue();
        new HexBigInteger(10).Should().NotBe(new HexBigInteger(11));
    }

    [Fact]
    public void A_negative_quantity_is_refused() => FluentActions.Invoking(() => new HexBigInteger(-1)).Should().Throw<Exception>();
}
