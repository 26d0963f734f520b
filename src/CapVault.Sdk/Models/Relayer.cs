namespace CapVault.Sdk;

/// <summary>GET /relayer/status (operator).</summary>
public sealed record RelayerStatus
{
    /// <summary>Of the relayer.</summary>
    public required string Version { get; init; }

    /// <summary>Whether it refuses new work.</summary>
    public required bool Draining { get; init; }

    /// <summary>What GET /health/ready looks at.</summary>
    public required IReadOnlyList<ReadinessCheck> Checks { get; init; }

    /// <summary>The last block that was applied.</summary>
    public required long Block { get; init; }

    /// <summary>The node's newest block when last asked.</summary>
    public required long ChainHead { get; init; }

    /// <summary>Chain time now, unix seconds.</summary>
    public required long ChainTime { get; init; }

    /// <summary>Base fee of the newest block, wei per gas.</summary>
    public required string BaseFee { get; init; }

    /// <summary>Operations per state.</summary>
    public required IReadOnlyDictionary<string, long> Operations { get; init; }

    /// <summary>How many operations have no outcome yet.</summary>
    public required long Open { get; init; }

    /// <summary>When the oldest of them was taken; null where there is none.</summary>
    public DateTimeOffset? OldestOpen { get; init; }

    /// <summary>The paymaster's deposit at the EntryPoint, wei; null where the node does not say.</summary>
    public string? PaymasterDeposit { get; init; }

    /// <summary>What the sponsor has promised and no block has included yet, wei: the deposit must cover it.</summary>
    public required string PaymasterPromised { get; init; }

    /// <summary>Why somebody must look at the deposit; null where nobody must.</summary>
    public string? PaymasterAlarm { get; init; }

    /// <summary>The addresses that submit. The first lane is funded by people, and funds the others.</summary>
    public required IReadOnlyList<LaneStatus> Lanes { get; init; }

    /// <summary>Cursor of the newest event.</summary>
    public required string EventHead { get; init; }

    /// <summary>Streams that are open.</summary>
    public required int Streams { get; init; }
}

/// <summary>An address that submits.</summary>
public sealed record LaneStatus
{
    /// <summary>0x….</summary>
    public required string Address { get; init; }

    /// <summary>Its balance, wei; null where the node does not say.</summary>
    public string? Balance { get; init; }

    /// <summary>Its transactions that are signed and not mined.</summary>
    public required long InFlight { get; init; }
}

/// <summary>Something that must be in order for the relayer to be given work.</summary>
public sealed record ReadinessCheck
{
    /// <summary>draining, database, node, lag or due.</summary>
    public required string Name { get; init; }

    /// <summary>Whether it is.</summary>
    public required bool Ok { get; init; }

    /// <summary>What is not in order.</summary>
    public string? Problem { get; init; }
}

/// <summary>GET /relayer/ops, GET /relayer/ops/{userOpHash} (operator).</summary>
public sealed record OperationView
{
    /// <summary>Hash of the ERC-4337 operation; null for what the relayer sends itself, and before it is signed.</summary>
    public string? UserOpHash { get; init; }

    /// <summary>user_op, create, deploy, expire, release, sweep, top_up or fund.</summary>
    public required string Kind { get; init; }

    /// <summary>The order that it is a step of, <c>ord_…</c>.</summary>
    public string? OrderId { get; init; }

    /// <summary>The step of an order, where it is one.</summary>
    public OrderStep? Step { get; init; }

    /// <summary>The account that acts; null for what the relayer sends itself.</summary>
    public string? Sender { get; init; }

    /// <summary>RECEIVED, QUEUED, ASSIGNED, BROADCAST, INCLUDED, FINAL, REJECTED, EXPIRED, FAILED, SUPERSEDED.</summary>
    public required string State { get; init; }

    /// <summary>Once it is included: whether it had its effect.</summary>
    public bool? Success { get; init; }

    /// <summary>Decoded revert, where it failed.</summary>
    public string? Reason { get; init; }

    /// <summary>The transaction that carries it.</summary>
    public string? TxHash { get; init; }

    /// <summary>The block that includes it.</summary>
    public long? Block { get; init; }

    /// <summary>How often it was put into a transaction.</summary>
    public required int Attempt { get; init; }

    /// <summary>The trace of the request that it comes from, where it is kept: 32 hex digits.</summary>
    public string? TraceId { get; init; }

    /// <summary>When it was taken.</summary>
    public required DateTimeOffset CreatedTime { get; init; }
}

/// <summary>Which operations to list.</summary>
public sealed record ListOperationsRequest
{
    /// <summary>Only in this state, such as QUEUED.</summary>
    public string? State { get; init; }

    /// <summary>Only with this hash, of the operation or of a transaction that carries it.</summary>
    public string? Hash { get; init; }

    /// <summary>Only steps of this order: <c>ord_…</c> or the 0x-prefixed orderId.</summary>
    public string? OrderId { get; init; }

    /// <summary>1 – 100. The default value is 20.</summary>
    public int? Limit { get; init; }

    /// <summary>Where the page before ended.</summary>
    public string? Cursor { get; init; }
}

/// <summary>POST /relayer/drain, POST /relayer/resume (operator).</summary>
public sealed record DrainResult
{
    /// <summary>Whether the relayer refuses new work now.</summary>
    public required bool Draining { get; init; }

    /// <summary>How many operations have no outcome yet.</summary>
    public required long Open { get; init; }
}
