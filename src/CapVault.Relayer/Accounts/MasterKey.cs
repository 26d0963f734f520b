using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Accounts;

/// <summary>
/// Seals secrets at rest: AES-256-GCM under a key that is never in the database. What a secret belongs to is authenticated with it, so
/// that it cannot be moved to another row.
/// </summary>
public sealed class MasterKey
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key;

    /// <summary>Takes the key from the options, or from a file that it makes at first start.</summary>
    public MasterKey(IOptions<RelayerOptions> options)
    {
        var path = Path.Combine(options.Value.DataDirectory, "master.key");
        if (options.Value.MasterKey.Length > 0)
        {
            _key = options.Value.MasterKey.HexToByteArray();
            return;
        }

        if (!File.Exists(path))
        {
            Directory.CreateDirectory(options.Value.DataDirectory);
            SecretFile.Write(path, RandomNumberGenerator.GetBytes(32).ToHex(true));
        }

        _key = File.ReadAllText(path).Trim().HexToByteArray();
    }

    /// <summary>A 32-byte key for another purpose, which tells nothing about the master key or about the keys of other purposes.</summary>
    public byte[] DeriveKey(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, outputLength: 32, info: Encoding.ASCII.GetBytes(purpose));

    /// <summary>nonce ‖ tag ‖ ciphertext.</summary>
    /// <param name="belongsTo">What the secret belongs to; the same is needed to open it.</param>
    /// <param name="plain">The secret.</param>
    public byte[] Seal(string belongsTo, ReadOnlySpan<byte> plain)
    {
        var box = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_key, TagBytes);
        aes.Encrypt(
            box.AsSpan(0, NonceBytes), plain, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), Encoding.UTF8.GetBytes(belongsTo));
        return box;
    }

    /// <exception cref="CryptographicException">The master key is another one, or the secret belongs to something else, or it was altered.</exception>
    public byte[] Open(string belongsTo, ReadOnlySpan<byte> box)
    {
        var plain = new byte[box.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_key, TagBytes);
        aes.Decrypt(box[..NonceBytes], box[(NonceBytes + TagBytes)..], box.Slice(NonceBytes, TagBytes), plain, Encoding.UTF8.GetBytes(belongsTo));
        return plain;
    }
}
