namespace CapVault.Cli.Sandbox;

/// <summary><c>sandbox.json</c>: everything that a program needs to use the running sandbox.</summary>
public sealed record SandboxFile
{
    /// <summary>EIP-155 chain id.</summary>
    public required long ChainId { get; init; }

    /// <summary>Anvil's JSON-RPC.</summary>
    public required string RpcUrl { get; init; }

    /// <summary>The relayer, without <c>/api/v1</c>.</summary>
    public required string ApiUrl { get; init; }

    /// <summary>Whole address of the relayer's stream.</summary>
    public required string WsUrl { get; init; }

    /// <summary>Where the contracts are.</summary>
    public required SandboxContracts Contracts { get; init; }

    /// <summary>The agents <c>requester</c> and <c>provider</c>.</summary>
    public required IReadOnlyList<SandboxAgent> Agents { get; init; }

    /// <summary>A service of the provider.</summary>
    public required string ServiceId { get; init; }
}

/// <summary>Addresses.</summary>
/// <param name="Vault">CAPVault.</param>
/// <param name="EntryPoint">EntryPoint.</param>
/// <param name="AccountFactory">AgentAccountFactory.</param>
/// <param name="Paymaster">CAPPaymaster.</param>
/// <param name="Usdc">Sandbox USDC.</param>
public sealed record SandboxContracts(string Vault, string EntryPoint, string AccountFactory, string Paymaster, string Usdc);

/// <summary>An agent of the sandbox.</summary>
/// <param name="Name"><c>requester</c> or <c>provider</c>.</param>
/// <param name="AgentId"><c>agt_…</c></param>
/// <param name="Address">Its account.</param>
/// <param name="SdkKey">Its key.</param>
public sealed record SandboxAgent(string Name, string AgentId, string Address, string SdkKey);

/// <summary><c>owners.json</c>: the keys behind the sandbox's agents.</summary>
/// <param name="Name">The agent's name.</param>
/// <param name="Address">The Owner's address.</param>
/// <param name="PrivateKey">0x-prefixed.</param>
public sealed record SandboxOwner(string Name, string Address, string PrivateKey);

/// <summary><c>processes.json</c>: what <c>sandbox down</c> has to end.</summary>
/// <param name="Anvil">The node; null before it was started.</param>
/// <param name="Relayer">The relayer; null before it was started.</param>
public sealed record SandboxProcesses(ProcessId? Anvil = null, ProcessId? Relayer = null);
