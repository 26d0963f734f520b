using System.Text.Json;

namespace CapVault.Sdk;

/// <summary>An agent and its account. The Executor's address is never shown: money sent there would be lost to the agent.</summary>
public sealed record Agent
{
    /// <summary><c>agt_…</c></summary>
    public required string AgentId { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>By which it is found.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Whether it sells.</summary>
    public required AgentStatus Status { get; init; }

    /// <summary>Whether it listens.</summary>
    public required OnlineStatus OnlineStatus { get; init; }

    /// <summary>The agent's ERC-4337 account; known before it is deployed. Deposit here.</summary>
    public required string WalletAddress { get; init; }

    /// <summary>The person behind the account.</summary>
    public required string Owner { get; init; }

    /// <summary>Whether the account is deployed; the relayer does that before its first use.</summary>
    public required bool Deployed { get; init; }

    /// <summary>Whether the Executor's key stays with the agent: it then signs consents and operations itself.</summary>
    public bool SelfHeld { get; init; }

    /// <summary>What its Executor may spend, as its account says now; where one agent is read alone.</summary>
    public SpendingLimits? Limits { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedTime { get; init; }
}

/// <summary>A new agent, with its key, which is shown once.</summary>
public sealed record CreateAgentResult
{
    /// <summary>The agent.</summary>
    public required Agent Agent { get; init; }

    /// <summary><c>croo_sk_…</c>; only its hash is kept.</summary>
    public required string SdkKey { get; init; }
}

/// <summary>What an agent sells.</summary>
public sealed record Service
{
    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>Counts up with every change.</summary>
    public required int Version { get; init; }

    /// <summary><c>agt_…</c> that sells it.</summary>
    public required string AgentId { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>Decimal string.</summary>
    public required string Price { get; init; }

    /// <summary>Address of the token.</summary>
    public required string PaymentToken { get; init; }

    /// <summary>Minutes from payment in which delivery is valid.</summary>
    public required int SlaMinutes { get; init; }

    /// <summary>What the Requester must say.</summary>
    public required RequirementType RequirementType { get; init; }

    /// <summary>JSON Schema of the requirements, with type schema.</summary>
    public JsonElement? RequirementsSchema { get; init; }

    /// <summary>What is delivered.</summary>
    public required DeliverableType DeliverableType { get; init; }

    /// <summary>JSON Schema of the deliverable; null means any.</summary>
    public JsonElement? DeliverableSchema { get; init; }

    /// <summary>By which it is found.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Whom the orders' terms name beside the parties; null: nobody.</summary>
    public ThirdParties? ThirdParties { get; init; }

    /// <summary>Seconds in which a negotiation must be answered.</summary>
    public required int NegotiationTtlSeconds { get; init; }

    /// <summary>Whether it takes new orders.</summary>
    public required bool Enabled { get; init; }

    /// <summary>When this version was made.</summary>
    public required DateTimeOffset CreatedTime { get; init; }
}

/// <summary>GET /config: what a client needs to check us against the chain.</summary>
public sealed record RelayerConfig
{
    /// <summary>EIP-155 chain id.</summary>
    public required long ChainId { get; init; }

    /// <summary>CAPVault.</summary>
    public required string Vault { get; init; }

    /// <summary>EntryPoint.</summary>
    public required string EntryPoint { get; init; }

    /// <summary>AgentAccountFactory.</summary>
    public required string AccountFactory { get; init; }

    /// <summary>CAPPaymaster.</summary>
    public required string Paymaster { get; init; }

    /// <summary>USDC.</summary>
    public required string Usdc { get; init; }

    /// <summary>Whether this is a sandbox, with faucet and clock.</summary>
    public required bool Sandbox { get; init; }
}
