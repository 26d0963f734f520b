using System.Text;
using Nethereum.Hex.HexConvertors.Extensions;
using Org.BouncyCastle.Crypto.Digests;

namespace Nethereum.Util;

/// <summary>Keccak-256 as Ethereum uses it (the padding of the competition's last round, not of FIPS 202).</summary>
public class Sha3Keccack
{
    public static Sha3Keccack Current { get; } = new();

    /// <summary>Hash of the text's UTF-8 bytes, as hexadecimal without 0x.</summary>
    public string CalculateHash(string value) => CalculateHashAsBytes(value).ToHex();

    /// <summary>Hash of the joined bytes of all texts, as hexadecimal without 0x.</summary>
    public string CalculateHashFromHex(params string[] hexValues) =>
        CalculateHash(string.Concat(hexValues.Select(hex => hex.RemoveHexPrefix())).HexToByteArray()).ToHex();

    public byte[] CalculateHash(byte[] value)
    {
        var digest = new KeccakDigest(256);
        digest.BlockUpdate(value, 0, value.Length);
        var hash = new byte[32];
        digest.DoFinal(hash, 0);
        return hash;
    }

    /// <summary>Hash of the text's UTF-8 bytes.</summary>
    public byte[] CalculateHashAsBytes(string value) => CalculateHash(Encoding.UTF8.GetBytes(value));
}
