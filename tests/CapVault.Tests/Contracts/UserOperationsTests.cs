using System.Numerics;
using CapVault.Contracts;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Tests.ContractBindings;

public class UserOperationsTests
{
    [Fact]
    public void Gas_limits_and_fees_are_two_halves_of_a_word()
    {
        UserOperations.AccountGasLimits(0x11, 0x22).ToHex().Should().Be("00000000000000000000000000000011" + "00000000000000000000000000000022");
        UserOperations.GasFees(0x11, 0x22).ToHex().Should().Be("00000000000000000000000000000011" + "00000000000000000000000000000022");
        FluentActions.Invoking(() => UserOperations.GasFees(BigInteger.One << 128, 0)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Packed_numbers_survive() => Prop.ForAll<ulong, ulong>((high, low) =>
        UserOperations.Unpack(UserOperations.GasFees((BigInteger)high << 64, low)) == ((BigInteger)high << 64, (BigInteger)low)).QuickCheckThrowOnFailure();

    [Fact]
    public void A_nonce_is_key_and_sequence() => Prop.ForAll<uint, ulong>((key, sequence) =>
        UserOperations.NonceKey(UserOperations.Nonce(key, sequence)) == key && (ulong)(UserOperations.Nonce(key, sequence) & ulong.MaxValue) == sequence)
        .QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("00", 1)]
    [InlineData("3f", 64)]
    [InlineData("40", 1)]
    [InlineData("ff", 64)]
    public void An_orders_key_is_1_plus_orderId_mod_64(string last, int key) =>
        UserOperations.ExecutorKey((new string('a', 62) + last).HexToByteArray()).Should().Be(key);
}
