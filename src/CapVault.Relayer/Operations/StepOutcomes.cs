using CapVault.Relayer.Events;
using CapVault.Relayer.Monitoring;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>Ends operations, and tells the actor when a step has failed for good.</summary>
public sealed class StepOutcomes(OrderEvents events, OrderSignals signals, OperationQueue queue, SponsorLedger ledger, OperationMonitor monitor, TimeProvider time)
{
    private static readonly Dictionary<OrderStep, (string Code, EventType? Event)> Reverted = new()
    {
        [OrderStep.Create] = (ErrorCodes.CreateReverted, EventType.OrderCreateFailed),
        [OrderStep.Pay] = (ErrorCodes.PayReverted, EventType.OrderPayFailed),
        [OrderStep.Deliver] = (ErrorCodes.DeliverReverted, EventType.OrderDeliverFailed),
        [OrderStep.Release] = (ErrorCodes.ReleaseReverted, null),
        [OrderStep.Dispute] = (ErrorCodes.DisputeReverted, null),
        [OrderStep.Reject] = (ErrorCodes.RejectReverted, null),
        [OrderStep.Expire] = (ErrorCodes.ExpireReverted, null),
    };

    /// <summary>In a block, with its effect.</summary>
    public Task SucceededAsync(Tx tx, Operation operation, byte[] txHash, byte[] blockHash, long blockNumber) =>
        IncludedAsync(tx, operation, txHash, blockHash, blockNumber, success: true);

    /// <summary>In a block, without effect: a revert that is proven.</summary>
    public async Task RevertedAsync(Tx tx, Operation operation, string reason, byte[] txHash, byte[] blockHash, long blockNumber)
    {
        await IncludedAsync(tx, operation, txHash, blockHash, blockNumber, success: false);
        await FailAsync(tx, operation, await RevertCodeAsync(tx, operation), reason, blockHash);
    }

    /// <summary>Never sent: on top of the newest block it would have reverted.</summary>
    public async Task RejectedAsync(Tx tx, Operation operation, string reason) =>
        await EndAsync(tx, operation, OperationState.Rejected, await RevertCodeAsync(tx, operation), reason);

    /// <summary>Never included.</summary>
    /// <param name="tx">The transaction that proves it.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="state">EXPIRED, FAILED or SUPERSEDED.</param>
    /// <param name="reason">For people.</param>
    public Task LostAsync(Tx tx, Operation operation, string state, string reason) => EndAsync(tx, operation, state, ErrorCodes.RelayFailed, reason);

    private static async Task<string> RevertCodeAsync(Tx tx, Operation operation) =>
        operation.Step is null ? ErrorCodes.RelayFailed : Reverted[await FailedStepAsync(tx, operation)].Code;

    // One that creates and pays has failed to do what the order still lacks.
    private static async Task<OrderStep> FailedStepAsync(Tx tx, Operation operation) =>
        OrderStep.Parse(operation.Step!) is var step && step != OrderStep.CreateAndPay ? step
        : await tx.SingleAsync<long>("SELECT phase FROM order_book WHERE order_id = @OrderId", operation) == 0 ? OrderStep.Create
        : OrderStep.Pay;

    private async Task IncludedAsync(Tx tx, Operation operation, byte[] txHash, byte[] blockHash, long blockNumber, bool success)
    {
        await tx.PostAsync(
            """
            UPDATE operation SET state = 'INCLUDED', live = 0, success = @success, failure_code = NULL, failure_reason = NULL,
              lane_tx_id = coalesce((SELECT lane_tx_id FROM attempt WHERE tx_hash = @txHash), lane_tx_id),
              tx_hash = @txHash, block_hash = @blockHash, block_number = @blockNumber, updated_at = @now
            WHERE operation_id = @OperationId
            """,
            new { operation.OperationId, success, txHash, blockHash, blockNumber, now = Now });
        if (operation.Kind != OperationKind.UserOp)
        {
            await ledger.SettleAsync(tx, SponsorLedger.KeyOf(operation.OperationId), cost: null, blockNumber);
        }

        await monitor.EndedAsync(tx, operation, success ? "included" : "reverted", blockNumber);
        Wake(tx, operation);
    }

    private async Task EndAsync(Tx tx, Operation operation, string state, string code, string reason)
    {
        await tx.PostAsync(
            "UPDATE operation SET state = @state, live = 0, lane_tx_id = NULL, tx_hash = NULL, updated_at = @now WHERE operation_id = @OperationId",
            new { operation.OperationId, state, now = Now });
        await ledger.ReleaseAsync(tx, operation.UserOpHash ?? SponsorLedger.KeyOf(operation.OperationId));
        await FailAsync(tx, operation, code, reason, blockHash: null);
        await monitor.EndedAsync(tx, operation, state.ToLowerInvariant(), blockNumber: null);
        Wake(tx, operation);
    }

    private async Task FailAsync(Tx tx, Operation operation, string code, string reason, byte[]? blockHash)
    {
        await tx.PostAsync(
            "UPDATE operation SET failure_code = @code, failure_reason = @reason WHERE operation_id = @OperationId", new { operation.OperationId, code, reason });
        if (operation.OrderId is { } orderId && operation.Step is { } step && Reverted[await FailedStepAsync(tx, operation)].Event is { } type)
        {
            // It matters to who accepted, and to whose money it is.
            Audience? audience = step == OrderStep.CreateAndPay.Value ? Audience.Parties : null;
            var status = await tx.SingleAsync<string>("SELECT status FROM order_book WHERE order_id = @orderId", new { orderId });
            await events.AddStepAsync(
                tx, orderId, type, operation.OperationId, status, reason, new { code, userOpHash = operation.UserOpHash?.ToHex(true) }, blockHash, audience);
        }
    }

    // Who waits for the order, and the lane: the next operation of this account may be signed now.
    private void Wake(Tx tx, Operation operation)
    {
        if (operation.OrderId is { } orderId)
        {
            tx.OnCommitted(() => signals.Set(orderId));
        }

        tx.OnCommitted(queue.Queued.Set);
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();
}
