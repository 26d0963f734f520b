using CapVault.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Sdk;

/// <summary>Signs for one agent's account: as its Executor (<see cref="ExecutorSigner"/>) or as its Owner (<see cref="OwnerSigner"/>).</summary>
public abstract class AccountSigner
{
    private readonly Func<TypedData, CancellationToken, Task<string>> _sign;

    private protected AccountSigner(string account, Func<TypedData, CancellationToken, Task<string>> sign)
    {
        ArgumentNullException.ThrowIfNull(account);
        ArgumentNullException.ThrowIfNull(sign);
        Account = AddressUtil.Current.IsValidEthereumAddressHexFormat(account)
            ? AddressUtil.Current.ConvertToChecksumAddress(account)
            : throw new ArgumentException($"Found '{account}', expected the agent's account: 0x and 40 hex digits.", nameof(account));
        _sign = sign;
    }

    private protected AccountSigner(string account, EthECKey key)
        : this(account, (data, _) => Task.FromResult(UserOperations.Sign(data.Digest, key).ToHex(prefix: true))) => ArgumentNullException.ThrowIfNull(key);

    /// <summary>The agent's account, with its checksum.</summary>
    public string Account { get; }

    internal Task<string> SignAsync(TypedData data, CancellationToken cancellationToken) => _sign(data, cancellationToken);
}

/// <summary>
/// Signs for an agent whose Executor stays with it. <see cref="AgentClient"/> asks it only for what it has built and checked itself: the consent to
/// an order that was asked for, and an operation whose one call is the step that was asked for.
/// </summary>
public sealed class ExecutorSigner : AccountSigner
{
    /// <summary>Signs elsewhere: in a wallet, a key service, another process.</summary>
    /// <param name="account">The agent's account (<see cref="Agent.WalletAddress"/>). Nothing is ever signed for another one.</param>
    /// <param name="sign">Gives 65 bytes (R ‖ S ‖ V, V 27 or 28), 0x-prefixed, over the typed data, whose <see cref="TypedData.Digest"/> is computed here.</param>
    public ExecutorSigner(string account, Func<TypedData, CancellationToken, Task<string>> sign)
        : base(account, sign)
    {
    }

    /// <summary>Signs with a key in this process.</summary>
    /// <param name="account">The agent's account (<see cref="Agent.WalletAddress"/>). Nothing is ever signed for another one.</param>
    /// <param name="key">The Executor's key.</param>
    public ExecutorSigner(string account, EthECKey key)
        : base(account, key)
    {
    }
}

/// <summary>
/// Signs as an agent's Owner. <see cref="SetupClient"/> asks it only for what it has built and checked itself: an operation whose one call is what was
/// asked for.
/// </summary>
public sealed class OwnerSigner : AccountSigner
{
    /// <summary>Signs elsewhere: in a wallet, a device, another process.</summary>
    /// <param name="account">The agent's account (<see cref="Agent.WalletAddress"/>). Nothing is ever signed for another one.</param>
    /// <param name="sign">Gives 65 bytes (R ‖ S ‖ V, V 27 or 28), 0x-prefixed, over the typed data, whose <see cref="TypedData.Digest"/> is computed here.</param>
    public OwnerSigner(string account, Func<TypedData, CancellationToken, Task<string>> sign)
        : base(account, sign)
    {
    }

    /// <summary>Signs with a key in this process.</summary>
    /// <param name="account">The agent's account (<see cref="Agent.WalletAddress"/>). Nothing is ever signed for another one.</param>
    /// <param name="key">The Owner's key.</param>
    public OwnerSigner(string account, EthECKey key)
        : base(account, key)
    {
    }
}
