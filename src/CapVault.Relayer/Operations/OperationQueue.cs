using System.Numerics;
using CapVault.Contracts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Monitoring;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>An operation that somebody else built.</summary>
/// <param name="Sender">Its account, which may be of another maker.</param>
/// <param name="NonceKey">Its nonce lane.</param>
/// <param name="NonceSeq">Its place there.</param>
/// <param name="Hash">EntryPoint's hash of it.</param>
/// <param name="UserOp">As the ABI encodes it.</param>
/// <param name="CallData">The account's call.</param>
/// <param name="GasLimit">What it may add to the gas of its transaction.</param>
/// <param name="Prefund">What the EntryPoint holds back from our paymaster's deposit for it, gwei; 0 where another pays.</param>
/// <param name="ValidUntil">End of the sponsor's signature, unix seconds; null where another pays.</param>
public sealed record ForeignOperation(
    byte[] Sender, long NonceKey, long NonceSeq, byte[] Hash, byte[] UserOp, byte[] CallData, long GasLimit, long Prefund, long? ValidUntil)
{
    /// <summary>Whether its initCode makes its account.</summary>
    public bool Deploys { get; init; }

    /// <summary>The paymaster that pays, where it is not ours.</summary>
    public byte[]? Paymaster { get; init; }
}

/// <summary>
/// Puts operations into the queue, inside the transaction that promises them. From that commit on the row is the promise: whoever
/// finds it carries it on.
/// </summary>
public sealed class OperationQueue(OperationSigner signer, Sponsor sponsor, ChainContext context, TimeProvider time)
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

        await sponsor.AdmitStepAsync(tx, account, orderId, step, callData);
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

    /// <summary>
    /// Queues a step once more that the chain had taken and, on another branch, has refused. Its lane signs it: here a block is being applied, which waits for no
    /// sponsor.
    /// </summary>
    public async Task AddAgainAsync(Tx tx, Operation refused)
    {
        if (await FindLiveAsync(tx, refused.OrderId!, OrderStep.Parse(refused.Step!)) is null)
        {
            await InsertAsync(
                tx,
                new Operation
                {
                    Kind = OperationKind.UserOp,
                    State = OperationState.Received,
                    OrderId = refused.OrderId,
                    Step = refused.Step,
                    Sender = refused.Sender,
                    NonceKey = refused.NonceKey,
                    CallData = refused.CallData,
                    GasLimit = refused.GasLimit,
                });
        }
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

    /// <summary>Queues what came complete by JSON-RPC. The caller has made sure that it is valid, and that its place is free.</summary>
    public async Task AddForeignAsync(Tx tx, ForeignOperation operation)
    {
        tx.OnCommitted(() => Wake(operation.Sender));
        await tx.ExecuteAsync(
            """
            INSERT INTO operation (kind, state, live, sender, nonce_key, nonce_seq, call_data, value, user_op_hash, user_op, valid_until, gas_limit, prefund, client_signed,
              deploys, paymaster, eoa, created_at, updated_at)
            VALUES ('user_op', 'QUEUED', 1, @Sender, @NonceKey, @NonceSeq, @CallData, '0', @Hash, @UserOp, @ValidUntil, @GasLimit, @Prefund, 1,
              @deploys, @Paymaster, @eoa, @now, @now)
            """,
            new
            {
                operation.Sender,
                operation.NonceKey,
                operation.NonceSeq,
                operation.CallData,
                operation.Hash,
                operation.UserOp,
                operation.ValidUntil,
                operation.GasLimit,
                operation.Prefund,
                deploys = operation.Deploys ? 1 : 0,
                operation.Paymaster,
                eoa = context.LaneOf(operation.Sender).Eoa,
                now = time.GetUtcNow().ToUnixTimeMilliseconds(),
            });
    }

    /// <summary>Queues a transaction that the relayer sends itself, from whichever lane has room; nothing happens if the same one is live.</summary>
    /// <param name="tx">The transaction that promises it.</param>
    /// <param name="kind">One of <see cref="OperationKind"/>.</param>
    /// <param name="target">Its recipient.</param>
    /// <param name="callData">Its data.</param>
    /// <param name="value">Wei.</param>
    /// <param name="gasLimit">Its gas limit.</param>
    /// <param name="orderId">The order that it is a step of.</param>
    /// <param name="step">The step.</param>
    /// <param name="account">The account on whose budgets it is; null where nobody has asked for it.</param>
    /// <param name="eoa">The lane that must send it; null for any.</param>
    public async Task<bool> AddOwnAsync(
        Tx tx, string kind, byte[] target, byte[] callData, BigInteger value, long gasLimit, byte[]? orderId = null, OrderStep? step = null, byte[]? account = null, byte[]? eoa = null)
    {
        await tx.LockAsync(callData);
        var isLive = await tx.FirstOrDefaultAsync<long?>(
            "SELECT operation_id FROM operation WHERE live = 1 AND ((kind = @kind AND target = @target AND call_data = @callData) OR (order_id = @orderId AND step = @step))",
            new { kind, target, callData, orderId, step = step?.Value }) is not null;
        if (isLive)
        {
            return false;
        }

        var operationId = await InsertAsync(
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
        if (account is not null)
        {
            await sponsor.ReserveOwnAsync(tx, account, operationId, gasLimit);
        }

        return true;
    }

    /// <summary>The live operation of an order's step.</summary>
    public static Task<Operation?> FindLiveAsync(Tx tx, byte[] orderId, OrderStep step) => tx.FirstOrDefaultAsync<Operation>(
        "SELECT * FROM operation WHERE order_id = @orderId AND step = @step AND live = 1", new { orderId, step = step.Value });

    private static Task<Operation> GetAsync(Tx tx, long operationId) =>
        tx.SingleAsync<Operation>("SELECT * FROM operation WHERE operation_id = @operationId", new { operationId });

    private async Task<long> InsertAsync(Tx tx, Operation operation)
    {
        tx.OnCommitted(() => Wake(operation.Sender));
        return await tx.SingleAsync<long>(
            """
            INSERT INTO operation (kind, state, live, order_id, step, sender, nonce_key, call_data, target, value, gas_limit, eoa, trace_parent, created_at, updated_at)
            VALUES (@Kind, @State, 1, @OrderId, @Step, @Sender, @NonceKey, @CallData, @Target, @Value, @GasLimit, @eoa, @traceParent, @now, @now)
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
                traceParent = Traces.Parent,
                now = time.GetUtcNow().ToUnixTimeMilliseconds(),
            });
    }

    private void Wake(byte[]? sender)
    {
        Queued.Set();
        foreach (var lane in sender is { } account ? [context.LaneOf(account)] : context.Lanes)
        {
            QueuedFor(lane).Set();
        }
    }
}
