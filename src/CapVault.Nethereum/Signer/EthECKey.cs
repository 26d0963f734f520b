using System.Numerics;
using System.Security.Cryptography;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;
using BouncyInteger = Org.BouncyCastle.Math.BigInteger;
using ECPoint = Org.BouncyCastle.Math.EC.ECPoint;

namespace Nethereum.Signer;

/// <summary>A secp256k1 key pair, or a public key alone.</summary>
public class EthECKey
{
    private readonly BouncyInteger privateKey;
    private ECPoint publicKey;
    private string address;

    /// <param name="privateKey">32 bytes as hexadecimal, with or without 0x.</param>
    public EthECKey(string privateKey) : this(privateKey.HexToByteArray(), isPrivate: true)
    {
    }

    /// <param name="vch">A private key, or an encoded point.</param>
    public EthECKey(byte[] vch, bool isPrivate)
    {
        if (!isPrivate)
        {
            publicKey = Secp256k1.DecodePoint(vch).Normalize();
            return;
        }

        privateKey = new BouncyInteger(1, vch);
        if (!Secp256k1.IsInRange(privateKey))
        {
            throw new ArgumentException($"Found a private key of {vch.Length} bytes outside the curve's order, expected 1 to order - 1.", nameof(vch));
        }
    }

    private EthECKey(ECPoint publicKey) => this.publicKey = publicKey;

    // Most keys sign and are never asked for it.
    private ECPoint PublicKey => publicKey ??= Secp256k1.Current.PublicKey(privateKey);

    /// <summary>A new random key.</summary>
    public static EthECKey GenerateKey()
    {
        while (true)
        {
            var bytes = RandomNumberGenerator.GetBytes(32);
            if (Secp256k1.IsInRange(new BouncyInteger(1, bytes)))
            {
                return new EthECKey(bytes, isPrivate: true);
            }
        }
    }

    public static string GetPublicAddress(string privateKey) => new EthECKey(privateKey).GetPublicAddress();

    /// <summary>The key that made a signature whose V is 27 or 28.</summary>
    public static EthECKey RecoverFromSignature(EthECDSASignature signature, byte[] hash) =>
        RecoverFromSignature(signature, GetRecIdFromV(signature.V), hash);

    /// <summary>The key that made a signature whose V is 0 or 1.</summary>
    public static EthECKey RecoverFromParityYSignature(EthECDSASignature signature, byte[] hash) =>
        RecoverFromSignature(signature, (int)new BigInteger(signature.V, isUnsigned: true, isBigEndian: true), hash);

    /// <param name="recId">0 to 3: parity of the signature's point, + 2 if its x was beyond the order.</param>
    public static EthECKey RecoverFromSignature(EthECDSASignature signature, int recId, byte[] hash) =>
        recId is >= 0 and <= 3
            ? new EthECKey(Secp256k1.Current.Recover(signature.RNumber, signature.SNumber, recId, hash))
            : throw new ArgumentOutOfRangeException(nameof(recId), $"Found recovery id {recId}, expected 0 to 3.");

    public static int GetRecIdFromV(byte[] v) => GetRecIdFromV(v[0]);

    public static int GetRecIdFromV(byte v) => v is >= 27 and <= 30
        ? v - 27
        : throw new ArgumentOutOfRangeException(nameof(v), $"Found V {v}, expected 27 or 28.");

    /// <summary>The EIP-55 form of the address.</summary>
    public string GetPublicAddress() => address ??= AddressUtil.Current.ConvertToChecksumAddress(GetPublicAddressAsBytes());

    public byte[] GetPublicAddressAsBytes() => Sha3Keccack.Current.CalculateHash(GetPubKeyNoPrefix())[12..];

    public byte[] GetPubKey(bool compresseed = false) => PublicKey.GetEncoded(compresseed);

    public byte[] GetPubKeyNoPrefix(bool compressed = false) => GetPubKey(compressed)[1..];

    /// <summary>32 bytes.</summary>
    public byte[] GetPrivateKeyAsBytes()
    {
        var bytes = new byte[32];
        var digits = RequirePrivateKey().ToByteArrayUnsigned();
        digits.CopyTo(bytes, 32 - digits.Length);
        return bytes;
    }

    /// <summary>Hexadecimal with 0x.</summary>
    public string GetPrivateKey() => GetPrivateKeyAsBytes().ToHex(prefix: true);

    /// <summary>The deterministic (RFC 6979), low-s signature of a 32-byte hash; V is 27 or 28.</summary>
    public EthECDSASignature SignAndCalculateV(byte[] hash) => Sign(hash, vOffset: 27);

    /// <summary>The deterministic (RFC 6979), low-s signature of a 32-byte hash; V is 0 or 1, as typed transactions want it.</summary>
    public EthECDSASignature SignAndCalculateYParityV(byte[] hash) => Sign(hash, vOffset: 0);

    public bool Verify(byte[] hash, EthECDSASignature sig) => Secp256k1.Verify(PublicKey, sig.RNumber, sig.SNumber, hash);

    /// <summary>Like Verify, but refuses the mirrored signature that EIP-2 forbids.</summary>
    public bool VerifyAllowingOnlyLowS(byte[] hash, EthECDSASignature sig) => sig.IsLowS && Verify(hash, sig);

    private EthECDSASignature Sign(byte[] hash, int vOffset)
    {
        if (hash is not { Length: 32 })
        {
            throw new ArgumentException($"Found {hash?.Length ?? 0} bytes to sign, expected a hash of 32.", nameof(hash));
        }

        var (r, s, recoveryId) = Secp256k1.Current.Sign(RequirePrivateKey(), hash);
        return new EthECDSASignature(r, s, [(byte)(vOffset + recoveryId)]);
    }

    private BouncyInteger RequirePrivateKey() => privateKey ?? throw new InvalidOperationException("Found a public key alone, expected a key that can sign.");
}
