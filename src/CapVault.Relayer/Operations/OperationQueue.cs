using System.Numerics;
using CapVault.Contracts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>
/// Puts operations into the queue, inside the transaction that promises them. From that commit on the row is the promise: whoever
/// finds it carries it on.
/// </summary>
public sealed class OperationQueue(OperationSigner signer, ChainContext context, TimeProvider time)
{
    private readonly Dictionary<string, Signal> _lanes = context.Lanes.ToDictionary(lane => lane.Address, _ => new Signal(), StringComparer.Ordinal);

    /// <summary>Fires after a commit that queued or ended something.</summary>
    public Signal Queued { get; } = new();

    /// <summary>Fires after a commit that queued something for this lane; a signal for all of them would make each look as often as all together.</summary>
    public Signal QueuedFor(LaneKey lane) => _lanes[lane.Address];

    /// <summary>Says what another process has queued.</summary>
    /// <param name="eoas">Whose lanes; null stands for any.</param>
    public void Wake(IReadOnlyCollection<byte[]?> eoas)
    {
        Queued.Set();
        foreach (var lane in context.Lanes.Where(lane => eoas.Any(eoa => eoa is null || eoa.AsSpan().SequenceEqual(lane.Eoa))))
        {
            QueuedFor(lane).Set();
        }
    }

    /// <summary>Queues a step of an order as an operation of <paramref name="account"/>, signed for the next free place of its nonce lane.</summary>
    /// <returns>The operation; where one of this order and step is live already, that one.</returns>
    public async Task<Operation> AddStepAsync(Tx tx, byte[] orderId, OrderStep step, byte[] account, byte[] callData)
    {
        if (await FindLiveAsync(tx, orderId, step) is { } live)
        {
            return live;
        }

        var operationId = await InsertAsync(
            tx,
            new Operation
            {
                Kind = OperationKind.UserOp,
                State = OperationState.Received,
                OrderId = orderId,
                Step = step.Value,
                Sender = account,
                NonceKey = UserOperations.ExecutorKey(orderId),
                CallData = callData,
                GasLimit = GasLimits.Of(step).Used,
            });
        await signer.SignReceivedAsync(tx, account, UserOperations.ExecutorKey(orderId));
        return await GetAsync(tx, operationId);
    }

    /// <summary>Queues a step whose operation came signed by its Executor. The caller has made sure that none of this order and step is live.</summary>
    public async Task<Operation> AddClientSignedAsync(Tx tx, byte[] orderId, OrderStep step, SponsoredOperation signed)
    {
        var operationId = await InsertAsync(
            tx,
            new Operation
            {
                Kind = OperationKind.UserOp,
                State = OperationState.Received,
                OrderId = orderId,
                Step = step.Value,
                Sender = signed.UserOp.Sender.HexToByteArray(),
                NonceKey = signed.NonceKey,
                CallData = signed.UserOp.CallData,
                GasLimit = GasLimits.Of(step).Used,
            });
        await signer.QueueSignedAsync(tx, operationId, signed, clientSigned: true);
        return await GetAsync(tx, operationId);
    }

    /// <summary>Queues what an Owner signed for its account.</summary>
    public async Task<Operation> AddOwnerSignedAsync(Tx tx, SponsoredOperation signed)
    {
        var operationId = await InsertAsync(
            tx,
            new Operation
            {
                Kind = OperationKind.UserOp,
                State = OperationState.Received,
                Sender = signed.UserOp.Sender.HexToByteArray(),
                NonceKey = signed.NonceKey,
                CallData = signed.UserOp.CallData,
                GasLimit = GasLimits.OwnerAction.Used,
            });
        await signer.QueueSignedAsync(tx, operationId, signed, clientSigned: true);
        return await GetAsync(tx, operationId);
    }

    /// <summary>Queues a transaction that the relayer sends itself, from whichever lane has room; nothing happens if the same one is live.</summary>
    public async Task<bool> AddOwnAsync(
        Tx tx, string kind, byte[] target, byte[] callData, BigInteger value, long gasLimit, byte[]? orderId = null, OrderStep? step = null, byte[]? eoa = null)
    {
        await tx.LockAsync(callData);
        var isLive = await tx.FirstOrDefaultAsync<long?>(
            "SELECT operation_id FROM operation WHERE live = 1 AND ((kind = @kind AND target = @target AND call_data = @callData) OR (order_id = @orderId AND step = @step))",
            new { kind, target, callData, orderId, step = step?.Value }) is not null;
        if (isLive)
        {
            return false;
        }

        await InsertAsync(
            tx,
            new Operation
            {
                Kind = kind,
                State = OperationState.Queued,
                OrderId = orderId,
                Step = step?.Value,
                CallData = callData,
                Target = target,
                Value = value.ToString(System.Globalization.CultureInfo.InvariantCulture),
                GasLimit = gasLimit,
                Eoa = eoa,
            });
        return true;
    }

    /// <summary>The live operation of an order's step.</summary>
    public static Task<Operation?> FindLiveAsync(Tx tx, byte[] orderId, OrderStep step) => tx.FirstOrDefaultAsync<Operation>(
        "SELECT * FROM operation WHERE order_id = @orderId AND step = @step AND live = 1", new { orderId, step = step.Value });

    private static Task<Operation> GetAsync(Tx tx, long operationId) =>
        tx.SingleAsync<Operation>("SELECT * FROM operation WHERE operation_id = @operationId", new { operationId });

    private async Task<long> InsertAsync(Tx tx, Operation operation)
    {
        tx.OnCommitted(() => Wake(operation));
        return await tx.SingleAsync<long>(
            """
            INSERT INTO operation (kind, state, live, order_id, step, sender, nonce_key, call_data, target, value, gas_limit, eoa, created_at, updated_at)
            VALUES (@Kind, @State, 1, @OrderId, @Step, @Sender, @NonceKey, @CallData, @Target, @Value, @GasLimit, @eoa, @now, @now)
            RETURNING operation_id
            """,
            new
            {
                operation.Kind,
                operation.State,
                operation.OrderId,
                operation.Step,
                operation.Sender,
                operation.NonceKey,
                operation.CallData,
                operation.Target,
                operation.Value,
                operation.GasLimit,
                eoa = operation.Eoa ?? (operation.Sender is null ? null : context.LaneOf(operation.Sender).Eoa),
                now = time.GetUtcNow().ToUnixTimeMilliseconds(),
            });
    }

    private void Wake(Operation operation)
    {
        Queued.Set();
        foreach (var lane in operation.Sender is { } account ? [context.LaneOf(account)] : context.Lanes)
        {
            QueuedFor(lane).Set();
        }
    }
}
