using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>A signed transaction of a lane: what was committed before it was sent.</summary>
public sealed record Attempt
{
    /// <summary>Its row of <c>lane_tx</c>.</summary>
    public long LaneTxId { get; init; }

    /// <summary>Its nonce.</summary>
    public long Nonce { get; init; }

    /// <summary>One of <see cref="LaneTxState"/>.</summary>
    public string State { get; init; } = LaneTxState.Signed;

    /// <summary>Its hash.</summary>
    public byte[] TxHash { get; init; } = [];

    /// <summary>Its bytes.</summary>
    public byte[] Raw { get; init; } = [];

    /// <summary>The most that it offers per gas, wei.</summary>
    public string MaxFee { get; init; } = "0";

    /// <summary>Its tip per gas, wei.</summary>
    public string MaxPriorityFee { get; init; } = "0";

    /// <summary>Whether it is a no-op that takes the place of what was to be sent.</summary>
    public bool Cancels { get; init; }
}

/// <summary>
/// What one lane writes. Operations, nonce and signed bytes are claimed in one transaction, before anything is sent: a crash at any point leaves either
/// nothing, or bytes that whoever finds them sends again.
/// </summary>
public sealed class LaneBook(byte[] eoa, Lease lease, LaneShare? share, Db db, Bundler bundler, InclusionTracker inclusion, StepOutcomes outcomes, TimeProvider time)
{
    // The only door: whatever a lane writes, it writes as the one that drives this EOA.
    private Task<T> WriteAsync<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await lease.RequireAsync(tx);
            return await work(tx);
        },
        cancellationToken);

    private Task WriteAsync(Func<Tx, Task> work, CancellationToken cancellationToken) => WriteAsync(
        async tx =>
        {
            await work(tx);
            return true;
        },
        cancellationToken);

    /// <summary>Whether this process drives the EOA: it holds its lease, and that is not more than its part.</summary>
    public async Task<bool> HoldAsync(CancellationToken cancellationToken)
    {
        var name = eoa.ToHex();
        var isDriven = share?.Admits(name) != false && await lease.HoldAsync(cancellationToken);
        if (!isDriven && lease.IsHeld)
        {
            await lease.ReleaseAsync(cancellationToken);
        }

        share?.Set(name, isDriven);
        return isDriven;
    }

    /// <summary>Changes with who drives the EOA: another may have sent from it in between.</summary>
    public long Epoch => lease.Epoch;

    /// <summary>Leaves the EOA to others.</summary>
    public Task ReleaseAsync(CancellationToken cancellationToken) => lease.ReleaseAsync(cancellationToken);

    /// <summary>Signs and ends what must not wait.</summary>
    public Task TidyAsync(CancellationToken cancellationToken) => WriteAsync(tx => bundler.TidyAsync(tx, eoa), cancellationToken);

    /// <summary>Takes operations of the relayer's own.</summary>
    public Task TakeOwnAsync(int room, CancellationToken cancellationToken) => WriteAsync(tx => Bundler.TakeOwnAsync(tx, eoa, room), cancellationToken);

    /// <summary>What was signed for nonces that are not mined, the newest attempt of each.</summary>
    public Task<List<Attempt>> AttemptsAsync(IEnumerable<long> laneTxIds, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<Attempt>(
            """
            SELECT l.lane_tx_id, l.nonce, l.state, a.tx_hash, a.raw, a.max_fee, a.max_priority_fee, a.cancels FROM lane_tx l JOIN attempt a ON a.lane_tx_id = l.lane_tx_id
            WHERE l.lane_tx_id IN @laneTxIds ORDER BY l.nonce, length(a.max_fee), a.max_fee
            """,
            new { laneTxIds })).GroupBy(attempt => attempt.LaneTxId).Select(attempts => attempts.Last()).ToList(),
        cancellationToken);

    /// <summary>
    /// Claims operations, nonces and the paymaster's deposit for signed transactions. Null if something has changed since they were looked at: an operation
    /// is not in the queue with these bytes any more, a nonce is taken, or another lane's bundle has used up the deposit.
    /// </summary>
    /// <param name="signed">Transactions with the nonces that come next, in order, and what they carry.</param>
    /// <param name="deposit">The paymaster's deposit, gwei.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task<List<Attempt>?> ClaimAsync(IReadOnlyList<(Attempt Attempt, Bundle Bundle)> signed, BigInteger deposit, CancellationToken cancellationToken)
    {
        try
        {
            return await WriteAsync(
                async tx =>
                {
                    // All lanes draw on the same deposit.
                    await tx.LockAsync("deposit");
                    var first = signed[0].Attempt.Nonce;
                    Require(await tx.ExecuteAsync(
                        "UPDATE eoa SET next_nonce = @next WHERE address = @eoa AND next_nonce = @first", new { eoa, first, next = first + signed.Count }) == 1);
                    var claimed = new List<Attempt>();
                    foreach (var (attempt, bundle) in signed)
                    {
                        claimed.Add(await ClaimOneAsync(tx, attempt, bundle));
                    }

                    Require(await tx.SingleAsync<long>("SELECT CAST(coalesce(sum(prefund), 0) AS bigint) FROM operation WHERE state IN ('ASSIGNED', 'BROADCAST')") <= deposit
                        || signed.All(one => !one.Bundle.IsUserOps));
                    return claimed;
                },
                cancellationToken);
        }
        catch (StaleException)
        {
            return null;
        }
    }

    /// <summary>Nodes have them.</summary>
    public Task AcceptAsync(IEnumerable<long> laneTxIds, CancellationToken cancellationToken) => WriteAsync(
        async tx =>
        {
            await tx.PostAsync("UPDATE lane_tx SET state = 'ACCEPTED' WHERE lane_tx_id IN @laneTxIds AND state = 'SIGNED'", new { laneTxIds });
            await tx.PostAsync("UPDATE operation SET state = 'BROADCAST' WHERE lane_tx_id IN @laneTxIds AND state = 'ASSIGNED'", new { laneTxIds });
        },
        cancellationToken);

    /// <summary>Keeps another attempt of a transaction, at the same nonce.</summary>
    public Task ReplaceAsync(Attempt attempt, CancellationToken cancellationToken) => WriteAsync(
        async tx =>
        {
            await InsertAsync(tx, attempt);
            await tx.ExecuteAsync("UPDATE operation SET tx_hash = @TxHash WHERE lane_tx_id = @LaneTxId AND state IN ('ASSIGNED', 'BROADCAST')", attempt);
        },
        cancellationToken);

    /// <summary>Keeps a no-op for a nonce that nobody uses any more. Null if something of ours has the nonce.</summary>
    public Task<Attempt?> FillAsync(Attempt noOp, CancellationToken cancellationToken) => WriteAsync<Attempt?>(
        async tx =>
        {
            var laneTxId = await tx.FirstOrDefaultAsync<long?>(
                """
                INSERT INTO lane_tx (eoa, nonce, state, created_at) VALUES (@eoa, @Nonce, 'SIGNED', @now)
                ON CONFLICT (eoa, nonce) DO UPDATE SET state = 'SIGNED' WHERE lane_tx.state = 'CANCELLED'
                RETURNING lane_tx_id
                """,
                new { eoa, noOp.Nonce, now = Now });
            if (laneTxId is null)
            {
                return null;
            }

            noOp = noOp with { LaneTxId = laneTxId.Value };
            await InsertAsync(tx, noOp);
            return noOp;
        },
        cancellationToken);

    /// <summary>Gives a nonce up that was used by a transaction that is not ours. What was to travel with it is free for another.</summary>
    /// <param name="attempt">What was to have the nonce.</param>
    /// <param name="mined">The chain's next nonce: it may have used others, too.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task GiveUpAsync(Attempt attempt, long mined, CancellationToken cancellationToken) => WriteAsync(
        async tx =>
        {
            if (await tx.ExecuteAsync("UPDATE lane_tx SET state = 'CANCELLED' WHERE lane_tx_id = @LaneTxId AND state IN ('SIGNED', 'ACCEPTED')", attempt) > 0)
            {
                await inclusion.RequeueAsync(tx, attempt.LaneTxId);
                await tx.ExecuteAsync("UPDATE eoa SET next_nonce = @mined WHERE address = @eoa AND next_nonce < @mined", new { eoa, mined });
            }
        },
        cancellationToken);

    /// <summary>Ends operations that would have no effect.</summary>
    public Task RefuseAsync(IReadOnlyList<Refusal> refused, CancellationToken cancellationToken) => WriteAsync(
        async tx =>
        {
            foreach (var (operation, state, reason) in refused)
            {
                // It may have ended meanwhile, by another operation at its nonce.
                if (await tx.ExecuteAsync("UPDATE operation SET state = 'QUEUED' WHERE operation_id = @OperationId AND state = 'QUEUED'", operation) > 0)
                {
                    await (state == OperationState.Rejected ? outcomes.RejectedAsync(tx, operation, reason) : outcomes.LostAsync(tx, operation, state, reason));
                }
            }
        },
        cancellationToken);

    /// <summary>Counts an attempt that came to nothing before it could be sent; the last one ends the operation.</summary>
    public Task StrikeAsync(Operation operation, string reason, CancellationToken cancellationToken) => operation.Attempt + 1 < BundlePolicy.MaxAttempts
        ? WriteAsync(tx => tx.ExecuteAsync("UPDATE operation SET attempt = attempt + 1 WHERE operation_id = @OperationId AND state = 'QUEUED'", operation), cancellationToken)
        : RefuseAsync([new Refusal(operation, OperationState.Failed, reason)], cancellationToken);

    /// <summary>Takes note of where a nonce lane of an account stands on chain, if it is further than what we know from logs: somebody has called the EntryPoint directly.</summary>
    public Task AdvanceAsync(Operation operation, long nextSeq, CancellationToken cancellationToken) => WriteAsync(
        tx => InclusionTracker.AdvanceLaneAsync(tx, operation.Sender!, operation.NonceKey!.Value, nextSeq), cancellationToken);

    private async Task<Attempt> ClaimOneAsync(Tx tx, Attempt attempt, Bundle bundle)
    {
        var laneTxId = await tx.SingleAsync<long>(
            "INSERT INTO lane_tx (eoa, nonce, state, created_at) VALUES (@eoa, @Nonce, 'SIGNED', @now) RETURNING lane_tx_id", new { eoa, attempt.Nonce, now = Now });
        attempt = attempt with { LaneTxId = laneTxId };
        await InsertAsync(tx, attempt);
        var claim = new { laneTxId, attempt.TxHash, eoa, now = Now, ids = bundle.Operations.Select(operation => operation.OperationId), hashes = bundle.Operations.Select(operation => operation.UserOpHash) };
        const string set = "UPDATE operation SET state = 'ASSIGNED', lane_tx_id = @laneTxId, tx_hash = @TxHash, attempt = attempt + 1, updated_at = @now WHERE state = 'QUEUED' AND eoa = @eoa AND ";

        // By their hashes: one that was signed anew meanwhile has another.
        Require(await tx.ExecuteAsync(set + (bundle.IsUserOps ? "user_op_hash IN @hashes" : "operation_id IN @ids"), claim) == bundle.Operations.Count);
        return attempt;
    }

    private Task InsertAsync(Tx tx, Attempt attempt) => tx.PostAsync(
        """
        INSERT INTO attempt (tx_hash, lane_tx_id, raw, max_fee, max_priority_fee, cancels, created_at)
        VALUES (@TxHash, @LaneTxId, @Raw, @MaxFee, @MaxPriorityFee, @cancels, @now)
        """,
        new { attempt.TxHash, attempt.LaneTxId, attempt.Raw, attempt.MaxFee, attempt.MaxPriorityFee, cancels = attempt.Cancels ? 1 : 0, now = Now });

    private static void Require(bool asItWasSeen)
    {
        if (!asItWasSeen)
        {
            throw new StaleException();
        }
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class StaleException : Exception;
}
