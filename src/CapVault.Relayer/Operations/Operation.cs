namespace CapVault.Relayer.Operations;

/// <summary>A row of <c>operation</c>: something that must get on chain.</summary>
public record Operation
{
    /// <summary>Its number.</summary>
    public long OperationId { get; init; }

    /// <summary>One of <see cref="OperationKind"/>.</summary>
    public string Kind { get; init; } = "";

    /// <summary>One of <see cref="OperationState"/>.</summary>
    public string State { get; init; } = "";

    /// <summary>Whether its outcome is open.</summary>
    public bool Live { get; init; }

    /// <summary>The order that it is a step of.</summary>
    public byte[]? OrderId { get; init; }

    /// <summary>The step.</summary>
    public string? Step { get; init; }

    /// <summary>The account that acts; null for what the relayer sends itself.</summary>
    public byte[]? Sender { get; init; }

    /// <summary>Nonce lane of the account.</summary>
    public long? NonceKey { get; init; }

    /// <summary>Place in the lane.</summary>
    public long? NonceSeq { get; init; }

    /// <summary>The account's call, or the transaction's data.</summary>
    public byte[] CallData { get; init; } = [];

    /// <summary>The transaction's recipient, for what the relayer sends itself.</summary>
    public byte[]? Target { get; init; }

    /// <summary>Wei that the transaction carries.</summary>
    public string Value { get; init; } = "0";

    /// <summary>EntryPoint's hash of it, once signed.</summary>
    public byte[]? UserOpHash { get; init; }

    /// <summary>Packed and signed.</summary>
    public byte[]? UserOp { get; init; }

    /// <summary>End of the sponsor's signature, unix seconds.</summary>
    public long? ValidUntil { get; init; }

    /// <summary>Whether it came with its Executor's signature: it cannot be signed anew.</summary>
    public bool ClientSigned { get; init; }

    /// <summary>Whether its initCode makes its account.</summary>
    public bool Deploys { get; init; }

    /// <summary>What it may add to the gas of its transaction.</summary>
    public long GasLimit { get; init; }

    /// <summary>The EOA in whose transactions it travels; null for what the relayer sends itself, until a lane has taken it.</summary>
    public byte[]? Eoa { get; init; }

    /// <summary>What the EntryPoint holds back from the paymaster's deposit while it runs, gwei.</summary>
    public long Prefund { get; init; }

    /// <summary>The transaction that carries it.</summary>
    public long? LaneTxId { get; init; }

    /// <summary>How many transactions have carried it.</summary>
    public int Attempt { get; init; }

    /// <summary>Whether it had its effect, once it is included.</summary>
    public bool? Success { get; init; }

    /// <summary>Why it failed: a code.</summary>
    public string? FailureCode { get; init; }

    /// <summary>Why it failed: for people.</summary>
    public string? FailureReason { get; init; }

    /// <summary>Its transaction's hash, once sent.</summary>
    public byte[]? TxHash { get; init; }

    /// <summary>The trace of the request that it comes from (W3C), where that is kept.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The block that includes it.</summary>
    public long? BlockNumber { get; init; }

    /// <summary>When it was taken, unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>When it last changed, unix milliseconds.</summary>
    public long UpdatedAt { get; init; }
}

/// <summary>What an operation is.</summary>
public static class OperationKind
{
    /// <summary>An ERC-4337 operation of an agent's account; travels in bundles.</summary>
    public const string UserOp = "user_op";

    /// <summary>Creates an order with both parties' signatures, where the Requester's account cannot be made to.</summary>
    public const string Create = "create";

    /// <summary>Deploys an account.</summary>
    public const string Deploy = "deploy";

    /// <summary>Expires an order.</summary>
    public const string Expire = "expire";

    /// <summary>Releases an order after silence.</summary>
    public const string Release = "release";

    /// <summary>Sweeps a token's fees to the treasury.</summary>
    public const string Sweep = "sweep";

    /// <summary>Tops the paymaster's deposit up.</summary>
    public const string TopUp = "top_up";

    /// <summary>Sends ETH from lane 0 to another lane.</summary>
    public const string Fund = "fund";
}

/// <summary>
/// <c>RECEIVED → QUEUED → ASSIGNED → BROADCAST → INCLUDED → FINAL</c>; back to QUEUED when its bundle is dropped, to RECEIVED when it must be signed
/// anew, and to BROADCAST on a reorg. REJECTED, EXPIRED, FAILED and SUPERSEDED are ends without an effect.
/// </summary>
public static class OperationState
{
    /// <summary>Promised; to be signed.</summary>
    public const string Received = "RECEIVED";

    /// <summary>Signed by its account and by the sponsor (or needs neither); waits for a transaction.</summary>
    public const string Queued = "QUEUED";

    /// <summary>In a transaction that is signed; it may or may not have reached the node.</summary>
    public const string Assigned = "ASSIGNED";

    /// <summary>The node took its transaction.</summary>
    public const string Broadcast = "BROADCAST";

    /// <summary>In a block; <c>success</c> says whether it had its effect.</summary>
    public const string Included = "INCLUDED";

    /// <summary>In a block that is deep enough.</summary>
    public const string Final = "FINAL";

    /// <summary>Never sent: it would have reverted.</summary>
    public const string Rejected = "REJECTED";

    /// <summary>Never included: the sponsor's signature ran out.</summary>
    public const string Expired = "EXPIRED";

    /// <summary>Never included: given up after several transactions.</summary>
    public const string Failed = "FAILED";

    /// <summary>Never included: its nonce was used by another operation.</summary>
    public const string Superseded = "SUPERSEDED";
}

/// <summary>States of a <c>lane_tx</c>.</summary>
public static class LaneTxState
{
    /// <summary>Has its nonce and is committed, both in one transaction; may or may not have reached the node.</summary>
    public const string Signed = "SIGNED";

    /// <summary>The node took it.</summary>
    public const string Accepted = "ACCEPTED";

    /// <summary>In a block.</summary>
    public const string Mined = "MINED";

    /// <summary>In a block, without effect.</summary>
    public const string Reverted = "REVERTED";

    /// <summary>In a block that is deep enough.</summary>
    public const string Final = "FINAL";

    /// <summary>Its nonce was used by a transaction that we do not know.</summary>
    public const string Cancelled = "CANCELLED";
}
