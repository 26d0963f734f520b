using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.Relayer.Chain;

/// <summary>An EOA that submits.</summary>
/// <param name="Lane">Its lane's number.</param>
/// <param name="Key">Its key.</param>
public sealed record LaneKey(int Lane, EthECKey Key)
{
    /// <summary>Its address, as people read it.</summary>
    public string Address { get; } = Key.GetPublicAddress();

    /// <summary>Its address, 20 bytes.</summary>
    public byte[] Eoa { get; } = Key.GetPublicAddressAsBytes();

    /// <summary>The keys of a pool. One secret and one address to fund: lane 0 has the secret itself, the others derive from it, and it funds them.</summary>
    /// <param name="secret">Lane 0's private key, 0x and 64 hex digits.</param>
    /// <param name="count">How many lanes.</param>
    public static IReadOnlyList<LaneKey> Derive(string secret, int count) =>
        [.. Enumerable.Range(0, count).Select(lane => new LaneKey(lane, lane == 0 ? new EthECKey(secret) : DeriveOne(secret.HexToByteArray(), lane)))];

    // 32 bytes are a valid key but for one in 2^128.
    private static EthECKey DeriveOne(byte[] secret, int lane) => new(
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, 32, info: Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"capvault lane {lane}"))),
        isPrivate: true);
}
