using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;

namespace Nethereum.Signer;

/// <summary>The curve's arithmetic. Both implementations give the same bytes.</summary>
internal abstract class Secp256k1
{
    // The custom implementation of this curve's field is several times faster than the generic one of the same name.
    private protected static readonly X9ECParameters Curve = CustomNamedCurves.GetByName("secp256k1");

    /// <summary>libsecp256k1 where the system has it: five times as fast at signing, and in constant time, which BouncyCastle is not.</summary>
    public static Secp256k1 Current { get; } = LibSecp256k1.IsPresent ? new LibSecp256k1() : new BouncySecp256k1();

    public static BigInteger Order => Curve.N;

    public static BigInteger HalfOrder { get; } = Curve.N.ShiftRight(1);

    public static ECPoint DecodePoint(byte[] encoded) => Curve.Curve.DecodePoint(encoded);

    public static bool IsInRange(BigInteger scalar) => scalar.SignValue > 0 && scalar.CompareTo(Order) < 0;

    public abstract ECPoint PublicKey(BigInteger privateKey);

    /// <summary>The deterministic (RFC 6979, SHA-256), low-s signature and the parity of its point.</summary>
    public abstract (BigInteger R, BigInteger S, int RecoveryId) Sign(BigInteger privateKey, byte[] hash);

    /// <summary>The public key that made the signature.</summary>
    /// <exception cref="ArgumentException">No key can have made it.</exception>
    public ECPoint Recover(BigInteger r, BigInteger s, int recoveryId, byte[] hash)
    {
        RequireInRange(r, nameof(r));
        RequireInRange(s, nameof(s));
        return TryRecover(r, s, recoveryId, hash) ?? throw new ArgumentException("Found a signature of no key, expected one that a key made.", nameof(r));
    }

    public static bool Verify(ECPoint publicKey, BigInteger r, BigInteger s, byte[] hash)
    {
        if (!IsInRange(r) || !IsInRange(s))
        {
            return false;
        }

        var inverse = s.ModInverse(Order);
        var u1 = new BigInteger(1, hash).Multiply(inverse).Mod(Order);
        var point = ECAlgorithms.SumOfTwoMultiplies(Curve.G, u1, publicKey, r.Multiply(inverse).Mod(Order)).Normalize();
        return !point.IsInfinity && point.AffineXCoord.ToBigInteger().Mod(Order).Equals(r);
    }

    /// <summary>The key, or null if no key can have made the signature. R and S are in range.</summary>
    private protected abstract ECPoint TryRecover(BigInteger r, BigInteger s, int recoveryId, byte[] hash);

    private static void RequireInRange(BigInteger scalar, string name)
    {
        if (!IsInRange(scalar))
        {
            throw new ArgumentException($"Found the signature value {scalar.ToString(16)}, expected 1 to the curve's order - 1.", name);
        }
    }
}
