using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.Relayer.Accounts;

/// <summary>
/// Executor keys at rest: AES-256-GCM under a master key that is never in the database. The agent's id is authenticated with
/// each, so that a row's key cannot be moved to another agent.
/// </summary>
public sealed class ExecutorKeys
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _masterKey;

    /// <summary>Takes the master key from the options, or from a file that it makes at first start.</summary>
    public ExecutorKeys(IOptions<RelayerOptions> options)
    {
        var path = Path.Combine(options.Value.DataDirectory, "master.key");
        if (options.Value.MasterKey.Length > 0)
        {
            _masterKey = options.Value.MasterKey.HexToByteArray();
            return;
        }

        if (!File.Exists(path))
        {
            Directory.CreateDirectory(options.Value.DataDirectory);
            SecretFile.Write(path, RandomNumberGenerator.GetBytes(32).ToHex(true));
        }

        _masterKey = File.ReadAllText(path).Trim().HexToByteArray();
    }

    /// <summary>A 32-byte key for another purpose, which tells nothing about the master key or about the keys of other purposes.</summary>
    public byte[] DeriveKey(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, _masterKey, outputLength: 32, info: Encoding.ASCII.GetBytes(purpose));

    /// <summary>nonce ‖ tag ‖ ciphertext.</summary>
    public byte[] Encrypt(string agentId, EthECKey key)
    {
        var plain = key.GetPrivateKeyAsBytes();
        var box = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(box.AsSpan(0, NonceBytes));
        using var aes = new AesGcm(_masterKey, TagBytes);
        aes.Encrypt(
            box.AsSpan(0, NonceBytes), plain, box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), Encoding.ASCII.GetBytes(agentId));
        CryptographicOperations.ZeroMemory(plain);
        return box;
    }

    /// <exception cref="CryptographicException">The master key is another one, or the row was altered.</exception>
    public EthECKey Decrypt(string agentId, byte[] box)
    {
        var plain = new byte[box.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_masterKey, TagBytes);
        aes.Decrypt(
            box.AsSpan(0, NonceBytes), box.AsSpan(NonceBytes + TagBytes), box.AsSpan(NonceBytes, TagBytes), plain, Encoding.ASCII.GetBytes(agentId));
        return new EthECKey(plain, true);
    }
}
