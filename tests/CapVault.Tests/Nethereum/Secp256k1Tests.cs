using FsCheck;
using FsCheck.Fluent;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Org.BouncyCastle.Math;

namespace CapVault.Tests.NethereumApi;

/// <summary>One suite over both implementations of the curve. In CI the native one must be there.</summary>
public sealed class Secp256k1Tests
{
    private static readonly Secp256k1 Bouncy = new BouncySecp256k1();

    private static readonly string[] Names = LibSecp256k1.IsPresent ? ["libsecp256k1", "BouncyCastle"] : ["BouncyCastle"];

    public static TheoryData<string> Implementations => [.. Names];

    [Fact]
    public void The_native_library_is_used_where_it_is_there()
    {
        (LibSecp256k1.IsPresent || Environment.GetEnvironmentVariable("CI") is null or "").Should().BeTrue("CI installs libsecp256k1");
        Secp256k1.Current.Should().BeOfType(LibSecp256k1.IsPresent ? typeof(LibSecp256k1) : typeof(BouncySecp256k1));
    }

    // RFC 6979's nonces on this curve, as published by the libraries that agreed on them (low s).
    [Theory]
    [MemberData(nameof(Signatures))]
    public void Signs_as_published(string implementation, string key, string hash, string r, string s)
    {
        var curve = Of(implementation);
        var signature = curve.Sign(Number(key), hash.HexToByteArray());

        (Hex(signature.R), Hex(signature.S)).Should().Be((r, s));
        curve.Recover(signature.R, signature.S, signature.RecoveryId, hash.HexToByteArray()).Should().Be(curve.PublicKey(Number(key)));
    }

    public static TheoryData<string, string, string, string, string> Signatures()
    {
        // SHA-256 of "Satoshi Nakamoto", and of "All those moments will be lost in time, like tears in rain. Time to die..."
        var data = new TheoryData<string, string, string, string, string>();
        foreach (var implementation in Names)
        {
            data.Add(
                implementation, "01", "a0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e",
                "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8", "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5");
            data.Add(
                implementation, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140", "a0dc65ffca799873cbea0ac274015b9526505daaaed385155425f7337704883e",
                "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0", "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5");
        }

        return data;
    }

    [Fact]
    public void Both_give_the_same_keys_and_signatures()
    {
        foreach (var implementation in Names)
        {
            var curve = Of(implementation);
            Prop.ForAll(Words().ToArbitrary(), Words().ToArbitrary(), (key, hash) =>
            {
                var number = new BigInteger(1, key).Mod(Secp256k1.Order.Subtract(BigInteger.One)).Add(BigInteger.One);
                curve.PublicKey(number).Should().Be(Bouncy.PublicKey(number));
                var signature = curve.Sign(number, hash);
                signature.Should().Be(Bouncy.Sign(number, hash));
                curve.Recover(signature.R, signature.S, signature.RecoveryId, hash).Should().Be(Bouncy.PublicKey(number));
            }).QuickCheckThrowOnFailure();
        }
    }

    [Fact]
    public void Both_agree_on_what_no_key_has_signed()
    {
        foreach (var implementation in Names)
        {
            var curve = Of(implementation);
            Prop.ForAll(Words().ToArbitrary(), Words().ToArbitrary(), Gen.Choose(0, 3).ToArbitrary(), (r, s, recoveryId) =>
            {
                var hash = new byte[32];
                Recovered(curve, r, s, recoveryId, hash).Should().Be(Recovered(Bouncy, r, s, recoveryId, hash));
            }).QuickCheckThrowOnFailure();
        }
    }

    [Theory]
    [MemberData(nameof(Implementations))]
    public void Refuses_values_out_of_range(string implementation)
    {
        var curve = Of(implementation);
        foreach (var wrong in new[] { BigInteger.Zero, Secp256k1.Order, Secp256k1.Order.Add(BigInteger.One) })
        {
            FluentActions.Invoking(() => curve.Recover(wrong, BigInteger.One, 0, new byte[32])).Should().Throw<ArgumentException>().WithMessage("*expected 1 to the curve's order - 1*");
            FluentActions.Invoking(() => curve.Recover(BigInteger.One, wrong, 0, new byte[32])).Should().Throw<ArgumentException>().WithMessage("*expected 1 to the curve's order - 1*");
        }
    }

    private static string Recovered(Secp256k1 curve, byte[] r, byte[] s, int recoveryId, byte[] hash)
    {
        try
        {
            return curve.Recover(new BigInteger(1, r), new BigInteger(1, s), recoveryId, hash).GetEncoded(true).ToHex();
        }
        catch (ArgumentException)
        {
            return "none";
        }
    }

    private static Gen<byte[]> Words() => Gen.Choose(0, 255).Select(number => (byte)number).ArrayOf(32);

    private static Secp256k1 Of(string implementation) => implementation == "BouncyCastle" ? Bouncy : new LibSecp256k1();

    private static BigInteger Number(string hex) => new(hex, 16);

    private static string Hex(BigInteger number) => number.ToString(16).PadLeft(64, '0');
}
