using System.Security.Cryptography;
using Nethereum.Signer;

namespace CapVault.Relayer.Accounts;

/// <summary>Executor keys at rest, each sealed to its agent: a row's key cannot be moved to another one.</summary>
public sealed class ExecutorKeys(MasterKey masterKey)
{
    /// <summary>Seals an agent's key.</summary>
    public byte[] Encrypt(string agentId, EthECKey key)
    {
        var plain = key.GetPrivateKeyAsBytes();
        var box = masterKey.Seal(agentId, plain);
        CryptographicOperations.ZeroMemory(plain);
        return box;
    }

    /// <exception cref="CryptographicException">The master key is another one, or the row was altered.</exception>
    public EthECKey Decrypt(string agentId, byte[] box) => new(masterKey.Open(agentId, box), true);
}
