using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Dapper;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Relayer.Operations;

/// <summary>
/// Learns from applied blocks what became of transactions and operations. The blocks are the only source: a receipt that is asked
/// for beside them may be of another branch.
/// </summary>
public sealed class InclusionTracker(Db db, ChainContext context, StepOutcomes outcomes, OperationQueue queue) : IProjection
{
    private static readonly string OperationEvent = "0x" + Event<UserOperationEventEventDTO>.GetEventABI().Sha3Signature;
    private static readonly string RevertReason = "0x" + Event<UserOperationRevertReasonEventDTO>.GetEventABI().Sha3Signature;

    private readonly byte[] _entryPoint = context.EntryPoint.HexToByteArray();
    private readonly byte[] _operationEvent = OperationEvent.HexToByteArray();
    private readonly byte[] _revertReason = RevertReason.HexToByteArray();

    /// <summary>Whether a log of the EntryPoint says that an operation was included.</summary>
    public static bool IsOperation(FilterLog log) => log.Topics is [string signature, ..] && signature.IsTheSameHex(OperationEvent);

    /// <summary>Which of these transactions are ours.</summary>
    public async Task<List<byte[]>> OursAsync(List<byte[]> txHashes, CancellationToken cancellationToken) => txHashes.Count == 0
        ? []
        : await db.ReadAsync(
            async connection => (await connection.QueryAsync<byte[]>("SELECT tx_hash FROM attempt WHERE tx_hash IN @txHashes", new { txHashes })).AsList(),
            cancellationToken);

    /// <summary>A block includes a transaction of ours. What its operations' own events say has been applied before.</summary>
    public async Task MinedAsync(Tx tx, MinedTransaction mined)
    {
        var sent = await tx.SingleAsync<SentAttempt>("SELECT lane_tx_id, cancels FROM attempt WHERE tx_hash = @TxHash", mined);
        await tx.PostAsync(
            "UPDATE lane_tx SET state = @state, block_hash = @hash, block_number = @number WHERE lane_tx_id = @LaneTxId",
            new { sent.LaneTxId, state = mined.Succeeded ? LaneTxState.Mined : LaneTxState.Reverted, hash = mined.Block.Hash, number = mined.Block.Number });
        if (sent.Cancels)
        {
            await RequeueAsync(tx, sent.LaneTxId);
            return;
        }

        foreach (var operation in await tx.QueryAsync<Operation>("SELECT * FROM operation WHERE lane_tx_id = @LaneTxId AND live = 1", sent))
        {
            if (operation.Kind == OperationKind.UserOp)
            {
                // Its event is not in the block: the bundle reverted as a whole, and it may go into another.
                await NotIncludedAsync(tx, operation);
            }
            else if (mined.Succeeded)
            {
                await outcomes.SucceededAsync(tx, operation, mined.TxHash, mined.Block.Hash, mined.Block.Number);
            }
            else
            {
                await outcomes.RevertedAsync(tx, operation, "the transaction reverted", mined.TxHash, mined.Block.Hash, mined.Block.Number);
            }
        }

        tx.OnCommitted(queue.Queued.Set);
    }

    /// <summary>Blocks up to <paramref name="number"/> are deep enough.</summary>
    public async Task FinaliseAsync(Tx tx, long number)
    {
        await tx.PostAsync(
            "UPDATE operation SET state = 'FINAL' WHERE state = 'INCLUDED' AND block_number <= @number", new { number });
        await tx.PostAsync("UPDATE lane_tx SET state = 'FINAL' WHERE state = 'MINED' AND block_number <= @number", new { number });
    }

    /// <inheritdoc/>
    public async Task ApplyAsync(Tx tx, ChainLog log)
    {
        if (!log.Address.AsSpan().SequenceEqual(_entryPoint))
        {
            return;
        }

        var signature = log.Topic(0).AsSpan();
        if (signature.SequenceEqual(_revertReason))
        {
            // Logged just before the operation's own event, which decides.
            var reverted = log.ToFilterLog().DecodeEvent<UserOperationRevertReasonEventDTO>().Event;
            await tx.PostAsync(
                "UPDATE operation SET failure_reason = @reason WHERE user_op_hash = @UserOpHash",
                new { reverted.UserOpHash, reason = Reverts.Describe(reverted.RevertReason) });
        }
        else if (signature.SequenceEqual(_operationEvent))
        {
            await OperationEventAsync(tx, log);
        }
    }

    /// <inheritdoc/>
    public async Task RevertAsync(Tx tx, long ancestor)
    {
        var accounts = await tx.QueryAsync<byte[]>(
            """
            SELECT DISTINCT e.account FROM block b CROSS JOIN chain_event e
            WHERE e.block_hash = b.hash AND b.number > @ancestor AND b.canonical = 0 AND e.account IS NOT NULL AND e.address = @_entryPoint
            """,
            new { ancestor, _entryPoint });
        foreach (var account in accounts)
        {
            await RebuildLanesAsync(tx, account, ancestor);
        }

        await tx.ExecuteAsync(
            "UPDATE lane_tx SET state = 'ACCEPTED', block_hash = NULL, block_number = NULL WHERE block_number > @ancestor AND state IN ('MINED', 'REVERTED', 'FINAL')",
            new { ancestor });
        await ReopenAsync(tx, ancestor);
        tx.OnCommitted(queue.Queued.Set);
    }

    // Back to the transaction that carried them, which is sent again; where there is none, to the queue. Of several of one step (the older
    // had failed) only the newest may claim to be the one, and only if no newer one is live already.
    private static async Task ReopenAsync(Tx tx, long ancestor)
    {
        await tx.ExecuteAsync(
            """
            UPDATE operation SET success = NULL, failure_code = NULL, failure_reason = NULL, block_hash = NULL, live = 0,
              state = CASE WHEN lane_tx_id IN (SELECT lane_tx_id FROM lane_tx WHERE state = 'ACCEPTED') THEN 'BROADCAST' ELSE 'QUEUED' END
            WHERE block_number > @ancestor
            """,
            new { ancestor });
        await tx.ExecuteAsync(
            """
            UPDATE operation SET live = 1 WHERE operation_id IN (
              SELECT max(operation_id) FROM operation WHERE block_number > @ancestor GROUP BY kind, coalesce(order_id, target, user_op_hash), step, CASE WHEN step IS NULL THEN call_data END)
            AND NOT EXISTS (SELECT 1 FROM operation n WHERE n.live = 1 AND ((n.order_id = operation.order_id AND n.step = operation.step)
              OR (n.kind <> 'user_op' AND n.kind = operation.kind AND n.target = operation.target AND n.call_data = operation.call_data)))
            """,
            new { ancestor });
        await tx.ExecuteAsync(
            """
            UPDATE operation SET block_number = NULL, state = CASE WHEN live = 0 AND state = 'QUEUED' THEN 'SUPERSEDED' ELSE state END
            WHERE block_number > @ancestor
            """,
            new { ancestor });
    }

    /// <summary>
    /// Takes operations out of a transaction that will never carry them: a no-op has used its nonce, or somebody else has. That was not their fault, and does
    /// not count as an attempt.
    /// </summary>
    public async Task RequeueAsync(Tx tx, long laneTxId)
    {
        await tx.ExecuteAsync(
            "UPDATE operation SET state = 'QUEUED', lane_tx_id = NULL, tx_hash = NULL, attempt = attempt - 1 WHERE lane_tx_id = @laneTxId AND live = 1", new { laneTxId });
        tx.OnCommitted(queue.Queued.Set);
    }

    // Not for ever: every bundle that reverts costs us gas.
    private Task NotIncludedAsync(Tx tx, Operation operation) => operation.Attempt < BundlePolicy.MaxAttempts
        ? tx.PostAsync("UPDATE operation SET state = 'QUEUED', lane_tx_id = NULL, tx_hash = NULL WHERE operation_id = @OperationId", operation)
        : outcomes.LostAsync(tx, operation, OperationState.Failed, $"{operation.Attempt} transactions that carried it reverted");

    // Of accounts that have no agent here too: they come by JSON-RPC, and the row is all that there is of them.
    private async Task OperationEventAsync(Tx tx, ChainLog log)
    {
        var account = log.AddressTopic(2);
        var userOpHash = log.Topic(1).ToArray();
        var operation = await tx.FirstOrDefaultAsync<Operation>("SELECT * FROM operation WHERE user_op_hash = @userOpHash", new { userOpHash })
            ?? await tx.FirstOrDefaultAsync<Operation>(
                "SELECT o.* FROM former_operation f JOIN operation o ON o.operation_id = f.operation_id WHERE f.user_op_hash = @userOpHash", new { userOpHash });
        if (operation is null && !await IsKnownAsync(tx, account))
        {
            return;
        }

        var included = log.ToFilterLog().DecodeEvent<UserOperationEventEventDTO>().Event;
        await ChainEvents.StoreAsync(tx, log, account: account);
        var (key, seq) = NonceLane.Of(included.Nonce);
        await AdvanceLaneAsync(tx, account, key, seq + 1);
        await SupersedeAsync(tx, account, key, seq, operation?.OperationId ?? 0);
        if (operation is null)
        {
            return;
        }

        if (included.Success)
        {
            await outcomes.SucceededAsync(tx, operation, log.TxHash, log.BlockHash, log.BlockNumber);
        }
        else
        {
            await outcomes.RevertedAsync(tx, operation, operation.FailureReason ?? "the call reverted without a reason", log.TxHash, log.BlockHash, log.BlockNumber);
            if (operation is { OrderId: not null, ClientSigned: false } && await CameTooEarlyAsync(tx, operation) && await HadSucceededAsync(tx, account, userOpHash))
            {
                await queue.AddAgainAsync(tx, operation);
            }
        }
    }

    // Steps of an order travel in the lanes of different accounts, so the branch that replaces another may take them in another order: a delivery before
    // its payment is refused for good, though its agent was told that it was done (fault campaign, seed 5).
    private static async Task<bool> CameTooEarlyAsync(Tx tx, Operation operation) => await tx.FirstOrDefaultAsync<long?>(
        "SELECT 1 FROM operation WHERE order_id = @OrderId AND live = 1 AND operation_id < @OperationId LIMIT 1", operation) is not null;

    private async Task<bool> HadSucceededAsync(Tx tx, byte[] account, byte[] userOpHash)
    {
        var orphaned = await tx.QueryAsync<ChainLog>(
            """
            SELECT e.block_hash, e.log_index, e.block_number, e.block_time, e.tx_hash, e.address, e.topics, e.data
            FROM chain_event e JOIN block b ON b.hash = e.block_hash AND b.canonical = 0
            WHERE e.account = @account AND e.address = @_entryPoint
            """,
            new { account, _entryPoint });
        return orphaned.Any(log => log.Topic(1).AsSpan().SequenceEqual(userOpHash) && log.ToFilterLog().DecodeEvent<UserOperationEventEventDTO>().Event.Success);
    }

    private static async Task<bool> IsKnownAsync(Tx tx, byte[] account) => await tx.FirstOrDefaultAsync<long?>(
        "SELECT 1 FROM agent WHERE account = @account UNION ALL SELECT 1 FROM account_lane WHERE account = @account LIMIT 1", new { account }) is not null;

    // Another operation that was signed for this place in the lane can never land: the winner may be one that we had given up, or one from
    // before a restored backup.
    private async Task SupersedeAsync(Tx tx, byte[] account, long key, long seq, long winner)
    {
        foreach (var loser in await tx.QueryAsync<Operation>(
            "SELECT * FROM operation WHERE sender = @account AND nonce_key = @key AND nonce_seq = @seq AND live = 1 AND operation_id <> @winner",
            new { account, key, seq, winner }))
        {
            await outcomes.LostAsync(tx, loser, OperationState.Superseded, "another operation used its nonce");
        }
    }

    // Of an account of another maker we have not seen every operation: where none is left on the canonical chain, its lane is where the first that was
    // taken back had been.
    private async Task RebuildLanesAsync(Tx tx, byte[] account, long ancestor)
    {
        await tx.ExecuteAsync("DELETE FROM account_lane WHERE account = @account", new { account });
        var lanes = new Dictionary<long, long>();
        foreach (var isCanonical in new[] { true, false })
        {
            var logs = await tx.QueryAsync<ChainLog>(
                """
                SELECT e.block_hash, e.log_index, e.block_number, e.block_time, e.tx_hash, e.address, e.topics, e.data
                FROM chain_event e JOIN block b ON b.hash = e.block_hash AND b.canonical = @canonical
                WHERE e.account = @account AND e.address = @entryPoint AND (b.canonical = 1 OR b.number > @ancestor)
                """,
                new { account, entryPoint = _entryPoint, canonical = isCanonical ? 1 : 0, ancestor });
            var next = logs.Select(log => NonceLane.Of(log.ToFilterLog().DecodeEvent<UserOperationEventEventDTO>().Event.Nonce)).GroupBy(place => place.Key, place => place.Sequence);
            foreach (var lane in next)
            {
                lanes.TryAdd(lane.Key, isCanonical ? lane.Max() + 1 : lane.Min());
            }
        }

        foreach (var (key, nextSeq) in lanes)
        {
            await AdvanceLaneAsync(tx, account, key, nextSeq);
        }
    }

    /// <summary>A nonce lane of an account is at least so far.</summary>
    public static Task AdvanceLaneAsync(Tx tx, byte[] account, long key, long nextSeq) => tx.PostAsync(
        """
        INSERT INTO account_lane (account, nonce_key, next_seq) VALUES (@account, @key, @nextSeq)
        ON CONFLICT (account, nonce_key) DO UPDATE SET next_seq = excluded.next_seq WHERE account_lane.next_seq < excluded.next_seq
        """,
        new { account, key, nextSeq });

    private sealed record SentAttempt
    {
        public long LaneTxId { get; init; }

        public bool Cancels { get; init; }
    }
}
