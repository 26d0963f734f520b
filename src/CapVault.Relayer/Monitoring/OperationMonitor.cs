using System.Diagnostics;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Monitoring;

/// <summary>Reports operations whose outcome is known: to the metrics, and under the trace of the request that they come from.</summary>
public sealed class OperationMonitor(RelayerMetrics metrics, TimeProvider time)
{
    /// <summary>Reports it once the transaction that says so is committed.</summary>
    /// <param name="tx">The transaction.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="outcome">included, reverted, rejected, expired, failed or superseded.</param>
    /// <param name="blockNumber">The block that includes it; null where none does.</param>
    public async Task EndedAsync(Tx tx, Operation operation, string outcome, long? blockNumber)
    {
        var now = time.GetUtcNow();
        var since = now - DateTimeOffset.FromUnixTimeMilliseconds(operation.CreatedAt);
        tx.OnCommitted(() => metrics.Ended(operation.Kind, outcome, since));
        if (operation.TraceParent is not null && Traces.Source.HasListeners() && ActivityContext.TryParse(operation.TraceParent, null, isRemote: true, out var request))
        {
            var carrier = await CarrierAsync(tx, operation, blockNumber);
            tx.OnCommitted(() => Trace(request, operation, outcome, carrier, now));
        }
    }

    private static Task<Carrier?> CarrierAsync(Tx tx, Operation operation, long? blockNumber) => tx.FirstOrDefaultAsync<Carrier>(
        """
        SELECT l.nonce, l.eoa, o.tx_hash, b.number AS block_number, b.block_time, min(a.created_at) AS signed_at, count(*) AS attempts,
          (SELECT count(*) FROM operation c WHERE c.lane_tx_id = l.lane_tx_id) AS operations
        FROM operation o JOIN lane_tx l ON l.lane_tx_id = o.lane_tx_id JOIN attempt a ON a.lane_tx_id = l.lane_tx_id JOIN block b ON b.number = @blockNumber AND b.canonical = 1
        WHERE o.operation_id = @OperationId GROUP BY l.lane_tx_id, l.nonce, l.eoa, o.tx_hash, b.number, b.block_time
        """,
        new { operation.OperationId, blockNumber });

    // Told when all of it is over, from what the rows remember: a span that is held open would be lost with the process, and an operation outlives it.
    private static void Trace(ActivityContext request, Operation operation, string outcome, Carrier? carrier, DateTimeOffset now)
    {
        var promised = DateTimeOffset.FromUnixTimeMilliseconds(operation.CreatedAt);
        using var span = Span("operation", request, promised, now);
        if (span is null)
        {
            return;
        }

        span.DisplayName = $"operation {operation.Step ?? operation.Kind}";
        span.SetTag("capvault.operation_id", operation.OperationId);
        span.SetTag("capvault.user_op_hash", operation.UserOpHash?.ToHex(true));
        span.SetTag("capvault.order_id", operation.OrderId?.ToHex(true));
        span.SetTag("capvault.outcome", outcome);
        span.SetStatus(outcome == "included" ? ActivityStatusCode.Ok : ActivityStatusCode.Error);
        if (carrier is null)
        {
            return;
        }

        var signed = DateTimeOffset.FromUnixTimeMilliseconds(carrier.SignedAt);
        using var bundle = Span("bundle", span.Context, signed, now);
        bundle?.SetTag("capvault.eoa", carrier.Eoa.ToHex(true))
            .SetTag("capvault.nonce", carrier.Nonce)
            .SetTag("capvault.tx_hash", carrier.TxHash.ToHex(true))
            .SetTag("capvault.operations", carrier.Operations)
            .SetTag("capvault.attempts", carrier.Attempts);
        // A block's time is a whole second, which may have begun before the bundle was signed.
        var mined = DateTimeOffset.FromUnixTimeSeconds(carrier.BlockTime);
        using var block = Span("block", bundle?.Context ?? span.Context, mined < signed ? signed : mined > now ? now : mined, now);
        block?.SetTag("capvault.block_number", carrier.BlockNumber);
    }

    private static Activity? Span(string name, ActivityContext parent, DateTimeOffset start, DateTimeOffset end) =>
        Traces.Source.StartActivity(name, ActivityKind.Internal, parent, startTime: start)?.SetEndTime(end.UtcDateTime);

    private sealed record Carrier
    {
        public long Nonce { get; init; }

        public byte[] Eoa { get; init; } = [];

        public byte[] TxHash { get; init; } = [];

        public long BlockNumber { get; init; }

        public long BlockTime { get; init; }

        public long SignedAt { get; init; }

        public long Attempts { get; init; }

        public long Operations { get; init; }
    }
}
