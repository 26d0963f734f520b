using Org.BouncyCastle.Asn1.X9;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.EC;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;
using Org.BouncyCastle.Math.EC.Multiplier;

namespace Nethereum.Signer;

/// <summary>The curve's arithmetic: sign, recover, verify.</summary>
internal static class Secp256k1
{
    // The custom implementation of this curve's field is several times faster than the generic one of the same name.
    private static readonly X9ECParameters Curve = CustomNamedCurves.GetByName("secp256k1");

    public static BigInteger Order => Curve.N;

    public static BigInteger HalfOrder { get; } = Curve.N.ShiftRight(1);

    public static ECPoint PublicKey(BigInteger privateKey) => new FixedPointCombMultiplier().Multiply(Curve.G, privateKey).Normalize();

    public static ECPoint DecodePoint(byte[] encoded) => Curve.Curve.DecodePoint(encoded);

    /// <summary>The deterministic (RFC 6979, SHA-256), low-s signature and the parity of its point.</summary>
    public static (BigInteger R, BigInteger S, int RecoveryId) Sign(BigInteger privateKey, byte[] hash)
    {
        var nonces = new HMacDsaKCalculator(new Sha256Digest());
        nonces.Init(Order, privateKey, hash);
        var message = new BigInteger(1, hash);
        while (true)
        {
            var nonce = nonces.NextK();
            var point = PublicKey(nonce);
            var x = point.AffineXCoord.ToBigInteger();
            var r = x.Mod(Order);
            var s = nonce.ModInverse(Order).Multiply(message.Add(privateKey.Multiply(r))).Mod(Order);
            if (r.SignValue == 0 || s.SignValue == 0)
            {
                continue;
            }

            var recoveryId = (point.AffineYCoord.TestBitZero() ? 1 : 0) | (x.CompareTo(Order) >= 0 ? 2 : 0);
            return s.CompareTo(HalfOrder) <= 0 ? (r, s, recoveryId) : (r, Order.Subtract(s), recoveryId ^ 1);
        }
    }

    /// <summary>The public key that made the signature.</summary>
    /// <exception cref="ArgumentException">No key can have made it.</exception>
    public static ECPoint Recover(BigInteger r, BigInteger s, int recoveryId, byte[] hash)
    {
        RequireInRange(r, nameof(r));
        RequireInRange(s, nameof(s));
        var point = PointAt(recoveryId < 2 ? r : r.Add(Order), odd: (recoveryId & 1) == 1);
        var inverse = r.ModInverse(Order);
        var u1 = Order.Subtract(new BigInteger(1, hash).Mod(Order)).Multiply(inverse).Mod(Order);
        var key = ECAlgorithms.SumOfTwoMultiplies(Curve.G, u1, point, s.Multiply(inverse).Mod(Order)).Normalize();
        return key.IsInfinity ? throw new ArgumentException("Found a signature of no key, expected one that a key made.", nameof(r)) : key;
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

    public static bool IsInRange(BigInteger scalar) => scalar.SignValue > 0 && scalar.CompareTo(Order) < 0;

    private static void RequireInRange(BigInteger scalar, string name)
    {
        if (!IsInRange(scalar))
        {
            throw new ArgumentException($"Found the signature value {scalar.ToString(16)}, expected 1 to the curve's order - 1.", name);
        }
    }

    private static ECPoint PointAt(BigInteger x, bool odd)
    {
        var encoded = new byte[33];
        encoded[0] = (byte)(odd ? 3 : 2);
        var digits = x.ToByteArrayUnsigned();
        if (digits.Length > 32)
        {
            throw new ArgumentException("Found a signature whose point lies outside the field, expected one on the curve.", nameof(x));
        }

        digits.CopyTo(encoded, 33 - digits.Length);
        return DecodePoint(encoded);
    }
}
