using System.Text.Json.Serialization;

namespace CapVault.Sdk;

/// <summary>What an Owner makes its agent's account do.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<OwnerAction>))]
public readonly record struct OwnerAction(string Value) : IOpenString<OwnerAction>
{
    /// <summary>setLimits: what the Executor may spend.</summary>
    public static readonly OwnerAction SetLimits = new("set_limits");

    /// <summary>setExecutor: another Executor.</summary>
    public static readonly OwnerAction SetExecutor = new("set_executor");

    /// <summary>A transfer out of the account.</summary>
    public static readonly OwnerAction Withdraw = new("withdraw");

    /// <inheritdoc/>
    public static OwnerAction Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>PUT /agents/{id}/limits: prepares <see cref="OwnerAction.SetLimits"/>.</summary>
public sealed record SetLimitsRequest
{
    /// <summary>Address of the token; null takes USDC.</summary>
    public string? Token { get; init; }

    /// <summary>Decimal string: what the Executor may spend on one order. <c>"0"</c> is nothing.</summary>
    public required string PerOrder { get; init; }

    /// <summary>Decimal string: what it may spend between one midnight UTC and the next.</summary>
    public required string PerDay { get; init; }
}

/// <summary>POST /ops/prepare, by an Owner or the operator: what the Owner will sign.</summary>
public sealed record OwnerActionRequest
{
    /// <summary><c>agt_…</c></summary>
    public required string AgentId { get; init; }

    /// <summary>set_limits, set_executor or withdraw.</summary>
    public required OwnerAction Action { get; init; }

    /// <summary>For set_limits and withdraw: address of the token; null takes USDC.</summary>
    public string? Token { get; init; }

    /// <summary>For set_limits: see <see cref="SetLimitsRequest.PerOrder"/>.</summary>
    public string? PerOrder { get; init; }

    /// <summary>For set_limits: see <see cref="SetLimitsRequest.PerDay"/>.</summary>
    public string? PerDay { get; init; }

    /// <summary>For set_executor: the key that the agent holds itself from then on; null lets the relayer make one and hold it.</summary>
    public string? Executor { get; init; }

    /// <summary>For withdraw: who gets it.</summary>
    public string? To { get; init; }

    /// <summary>For withdraw: decimal string.</summary>
    public string? Amount { get; init; }
}

/// <summary>What is sponsored and waits for the Owner's signature.</summary>
public sealed record PreparedOwnerAction
{
    /// <summary><c>agt_…</c></summary>
    public required string AgentId { get; init; }

    /// <summary>What it does.</summary>
    public required OwnerAction Action { get; init; }

    /// <summary>For set_executor: the new Executor. It is no place for money.</summary>
    public string? Executor { get; init; }

    /// <summary>The operation, complete but for its signature.</summary>
    public required UserOperation UserOp { get; init; }

    /// <summary>EntryPoint's hash of it; names it at submit.</summary>
    public required string UserOpHash { get; init; }

    /// <summary>What the Owner signs. Its EIP-712 digest is <see cref="UserOpHash"/>.</summary>
    public required TypedData TypedData { get; init; }

    /// <summary>Submit is possible up to then, in chain time.</summary>
    public required DateTimeOffset ValidUntil { get; init; }
}

/// <summary>What has become of what an Owner signed.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<OwnerActionStatus>))]
public readonly record struct OwnerActionStatus(string Value) : IOpenString<OwnerActionStatus>
{
    /// <summary>On its way.</summary>
    public static readonly OwnerActionStatus Pending = new("pending");

    /// <summary>On chain, with its effect.</summary>
    public static readonly OwnerActionStatus Done = new("done");

    /// <summary>Without effect, and it cannot have one any more.</summary>
    public static readonly OwnerActionStatus Failed = new("failed");

    /// <inheritdoc/>
    public static OwnerActionStatus Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>An Owner's submitted operation.</summary>
public sealed record OwnerActionResult
{
    /// <summary><c>agt_…</c></summary>
    public required string AgentId { get; init; }

    /// <summary>Where it stands.</summary>
    public required OwnerActionStatus Status { get; init; }

    /// <summary>EntryPoint's hash of it.</summary>
    public required string UserOpHash { get; init; }

    /// <summary>The transaction that carries it, once there is one.</summary>
    public string? TxHash { get; init; }

    /// <summary>Why it failed: the decoded contract error, or what the EntryPoint said.</summary>
    public string? FailureReason { get; init; }
}

/// <summary>What an agent's Executor may spend of a token. The account itself refuses more.</summary>
public sealed record SpendingLimits
{
    /// <summary>Address of the token.</summary>
    public required string Token { get; init; }

    /// <summary>Decimal string: on one order.</summary>
    public required string PerOrder { get; init; }

    /// <summary>Decimal string: between one midnight UTC and the next.</summary>
    public required string PerDay { get; init; }

    /// <summary>Decimal string: spent since midnight UTC. Refunds give nothing back.</summary>
    public required string SpentToday { get; init; }

    /// <summary>Decimal string: what it may spend on one order now.</summary>
    public required string Left { get; init; }

    /// <summary>Midnight UTC, when <see cref="SpentToday"/> is 0 again.</summary>
    public required DateTimeOffset ResetsAt { get; init; }
}
