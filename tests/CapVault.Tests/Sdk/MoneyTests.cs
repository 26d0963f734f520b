using System.Numerics;
using CapVault.Sdk;
using FsCheck;
using FsCheck.Fluent;

namespace CapVault.Tests.Sdk;

public sealed class MoneyTests
{
    [Theory]
    [InlineData("1", "1000000")]
    [InlineData("1.00", "1000000")]
    [InlineData("0.000001", "1")]
    [InlineData("80.5", "80500000")]
    [InlineData("340282366920938463463374607431768211456.999999", "340282366920938463463374607431768211456999999")]
    public void Decimal_strings_are_read_exactly(string text, string baseUnits)
    {
        Money.TryParse(text, out var amount).Should().BeTrue();
        amount.Should().Be(BigInteger.Parse(baseUnits));
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("1.")]
    [InlineData(".5")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1e3")]
    [InlineData("1,00")]
    [InlineData("1.0000001")]
    [InlineData("1.2.3")]
    [InlineData(" 1")]
    [InlineData("٣")]
    [InlineData("0x10")]
    public void Anything_else_is_refused(string text) => Money.TryParse(text, out _).Should().BeFalse();

    [Fact]
    public void What_is_formatted_reads_back_as_the_same_amount() => Prop.ForAll(
        ArbMap.Default.ArbFor<BigInteger>(),
        number =>
        {
            var amount = BigInteger.Abs(number);
            return Money.TryParse(Money.Format(amount), out var read) && read == amount;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, "0.00")]
    [InlineData(1, "0.000001")]
    [InlineData(900000, "0.90")]
    [InlineData(125000, "0.125")]
    [InlineData(1000000, "1.00")]
    public void People_read_at_least_two_decimals(long baseUnits, string text) => Money.Format(baseUnits).Should().Be(text);
}
