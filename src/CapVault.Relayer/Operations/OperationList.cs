using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>Which operations somebody asks for; what is null does not matter.</summary>
public sealed record OperationFilter
{
    private static readonly string[] States =
    [
        OperationState.Received, OperationState.Queued, OperationState.Assigned, OperationState.Broadcast, OperationState.Included, OperationState.Final,
        OperationState.Rejected, OperationState.Expired, OperationState.Failed, OperationState.Superseded,
    ];

    /// <summary>One of <see cref="OperationState"/>.</summary>
    public string? State { get; init; }

    /// <summary>Of the operation.</summary>
    public byte[]? UserOpHash { get; init; }

    /// <summary>Of the operation, or of an attempt of the transaction that carries it.</summary>
    public byte[]? Hash { get; init; }

    /// <summary>The order's on-chain id.</summary>
    public byte[]? OrderId { get; init; }

    /// <summary>The order's <c>ord_…</c>.</summary>
    public string? PublicId { get; init; }

    /// <summary>Reads <c>state</c>, <c>hash</c> and <c>orderId</c>.</summary>
    /// <exception cref="ApiException">400 for one that is none.</exception>
    public static OperationFilter From(HttpRequest request)
    {
        var state = ValueOf(request, "state");
        var order = ValueOf(request, "orderId");
        var isOnChain = order?.StartsWith("0x", StringComparison.Ordinal) == true;
        return new OperationFilter
        {
            State = state is null || States.Contains(state, StringComparer.Ordinal) ? state : throw ApiException.Invalid("state", state, string.Join(", ", States)),
            Hash = ValueOf(request, "hash") is { } hash ? HashOf("hash", hash) : null,
            OrderId = isOnChain ? HashOf("orderId", order!) : null,
            PublicId = isOnChain ? null : order,
        };
    }

    /// <summary>32 bytes of hex.</summary>
    /// <exception cref="ApiException">400 for anything else.</exception>
    public static byte[] HashOf(string field, string text) => text.Length == 66 && text.StartsWith("0x", StringComparison.Ordinal) && text.IsHex()
        ? text.HexToByteArray()
        : throw ApiException.Invalid(field, text, "0x and 64 hex digits");

    private static string? ValueOf(HttpRequest request, string name) => request.Query[name].ToString() is { Length: > 0 } text ? text : null;
}

/// <summary>Shows operations to the operator.</summary>
public sealed class OperationList(Db db)
{
    /// <summary>Operations, newest first. The cursor's time is the number of the row, which has no other.</summary>
    public async Task<Page<OperationView>> ListAsync(OperationFilter filter, Paging paging, CancellationToken cancellationToken)
    {
        // Only the conditions that are asked for: each has an index, and with OR none would be used.
        var conditions = string.Concat(
            filter.State is null ? "" : " AND p.state = @State",
            filter.UserOpHash is null ? "" : " AND p.user_op_hash = @UserOpHash",
            filter.OrderId is null ? "" : " AND p.order_id = @OrderId",
            filter.PublicId is null ? "" : " AND p.order_id = (SELECT order_id FROM orders WHERE public_id = @PublicId)",
            filter.Hash is null
                ? ""
                : " AND p.operation_id IN (SELECT operation_id FROM operation WHERE user_op_hash = @Hash UNION SELECT c.operation_id FROM operation c JOIN attempt a ON a.lane_tx_id = c.lane_tx_id WHERE a.tx_hash = @Hash)");
        var rows = await db.ReadAsync(
            async connection => (await connection.QueryAsync<OperationRow>(
                $"""
                SELECT p.operation_id, p.user_op_hash, p.kind, o.public_id, p.step, p.sender, p.state, p.success, p.failure_reason, p.tx_hash, p.block_number, p.attempt,
                  p.trace_parent, p.created_at
                FROM operation p LEFT JOIN orders o ON o.order_id = p.order_id WHERE p.operation_id < @BeforeTime{conditions}
                ORDER BY p.operation_id DESC LIMIT @rows
                """,
                new { filter.State, filter.UserOpHash, filter.Hash, filter.OrderId, filter.PublicId, paging.BeforeTime, rows = paging.Limit + 1 })).AsList(),
            cancellationToken);
        return paging.ToPage(rows, row => row.ToModel(), row => (row.OperationId, ""));
    }

    private sealed record OperationRow
    {
        public long OperationId { get; init; }

        public byte[]? UserOpHash { get; init; }

        public string Kind { get; init; } = "";

        public string? PublicId { get; init; }

        public string? Step { get; init; }

        public byte[]? Sender { get; init; }

        public string State { get; init; } = "";

        public bool? Success { get; init; }

        public string? FailureReason { get; init; }

        public byte[]? TxHash { get; init; }

        public long? BlockNumber { get; init; }

        public int Attempt { get; init; }

        public string? TraceParent { get; init; }

        public long CreatedAt { get; init; }

        public OperationView ToModel() => new()
        {
            UserOpHash = UserOpHash?.ToHex(true),
            Kind = Kind,
            OrderId = PublicId,
            Step = Step is null ? null : OrderStep.Parse(Step),
            Sender = Sender?.ToHex(true),
            State = State,
            Success = Success,
            Reason = FailureReason,
            TxHash = TxHash?.ToHex(true),
            Block = BlockNumber,
            Attempt = Attempt,
            TraceId = TraceParent?[3..35],
            CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
        };
    }
}
