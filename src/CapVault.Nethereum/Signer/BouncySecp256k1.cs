using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math;
using Org.BouncyCastle.Math.EC;
using Org.BouncyCastle.Math.EC.Multiplier;

namespace Nethereum.Signer;

/// <summary>BouncyCastle's: available everywhere.</summary>
internal sealed class BouncySecp256k1 : Secp256k1
{
    public override ECPoint PublicKey(BigInteger privateKey) => new FixedPointCombMultiplier().Multiply(Curve.G, privateKey).Normalize();

    public override (BigInteger R, BigInteger S, int RecoveryId) Sign(BigInteger privateKey, byte[] hash)
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

    private protected override ECPoint TryRecover(BigInteger r, BigInteger s, int recoveryId, byte[] hash)
    {
        if (PointAt(recoveryId < 2 ? r : r.Add(Order), odd: (recoveryId & 1) == 1) is not { } point)
        {
            return null;
        }

        var inverse = r.ModInverse(Order);
        var u1 = Order.Subtract(new BigInteger(1, hash).Mod(Order)).Multiply(inverse).Mod(Order);
        var key = ECAlgorithms.SumOfTwoMultiplies(Curve.G, u1, point, s.Multiply(inverse).Mod(Order)).Normalize();
        return key.IsInfinity ? null : key;
    }

    // Null where there is none: outside the field, or no point of the curve has this x.
    private static ECPoint PointAt(BigInteger x, bool odd)
    {
        var digits = x.ToByteArrayUnsigned();
        if (digits.Length > 32)
        {
            return null;
        }

        var encoded = new byte[33];
        encoded[0] = (byte)(odd ? 3 : 2);
        digits.CopyTo(encoded, 33 - digits.Length);
        try
        {
            return DecodePoint(encoded);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
