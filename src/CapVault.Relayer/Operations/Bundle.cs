using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Operations;

/// <summary>A lane transaction with the operations that it carries.</summary>
/// <param name="LaneTxId">Its row.</param>
/// <param name="Nonce">Its nonce.</param>
/// <param name="Operations">User operations, or exactly one operation of the relayer's own.</param>
public sealed record Bundle(long LaneTxId, long Nonce, IReadOnlyList<Operation> Operations)
{
    /// <summary>Whether it goes through the EntryPoint.</summary>
    public bool IsUserOps => Operations[0].Kind == OperationKind.UserOp;
}

/// <summary>Decides what goes into the next transaction. Claiming operations and taking the nonce are one transaction.</summary>
public sealed class Bundler(Db db, OperationSigner signer, StepOutcomes outcomes, ChainClock clock, IOptions<RelayerOptions> options, TimeProvider time)
{
    /// <summary>
    /// The next bundle of <paramref name="eoa"/>, or null if there is nothing to send. A transaction that was built and never signed
    /// (a crash, or everything in it was refused) gives its nonce to the next operations.
    /// </summary>
    /// <param name="eoa">The address that submits.</param>
    /// <param name="ownOnly">Only what the relayer sends itself: while the deposit is too low for bundles, refunds must still go.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<Bundle?> ClaimAsync(byte[] eoa, bool ownOnly, CancellationToken cancellationToken) => db.WriteAsync<Bundle?>(
        async tx =>
        {
            var built = await tx.FirstOrDefaultAsync<LaneTx>(
                "SELECT lane_tx_id, nonce FROM lane_tx WHERE eoa = @eoa AND state = 'BUILT' ORDER BY nonce LIMIT 1", new { eoa });
            if (built is not null && await OfAsync(tx, built.LaneTxId) is { Count: > 0 } kept)
            {
                return new Bundle(built.LaneTxId, built.Nonce, kept);
            }

            await EndVoidAsync(tx);
            await signer.SignDueAsync(tx);
            var picked = await PickAsync(tx, ownOnly);
            if (picked.Count == 0)
            {
                return null;
            }

            var laneTx = built ?? await TakeNonceAsync(tx, eoa);
            await tx.ExecuteAsync(
                "UPDATE operation SET state = 'ASSIGNED', lane_tx_id = @LaneTxId, attempt = attempt + 1, updated_at = @now WHERE operation_id IN @ids",
                new { laneTx.LaneTxId, now = Now, ids = picked.ConvertAll(operation => operation.OperationId) });
            return new Bundle(laneTx.LaneTxId, laneTx.Nonce, await OfAsync(tx, laneTx.LaneTxId));
        },
        cancellationToken);

    /// <summary>The operations of a lane transaction whose outcome is open, in the order in which they travel.</summary>
    public static Task<List<Operation>> OfAsync(Tx tx, long laneTxId) => tx.QueryAsync<Operation>(
        "SELECT * FROM operation WHERE lane_tx_id = @laneTxId AND state IN ('ASSIGNED', 'BROADCAST') ORDER BY operation_id", new { laneTxId });

    // The oldest operation decides what kind of transaction comes next; a deposit goes first, because without it no bundle goes at all.
    // An account must be deployed before it acts, and before its ERC-1271 consent can be asked for: an order's first step waits for both
    // parties' accounts. An operation that came signed waits until the chain is at its place in the lane: tried before, it would fail for its
    // nonce, and the whole bundle with it.
    private async Task<List<Operation>> PickAsync(Tx tx, bool ownOnly)
    {
        var ready = await tx.QueryAsync<Operation>(
            """
            SELECT p.* FROM operation p WHERE p.state = 'QUEUED' AND (@ownOnly = 0 OR p.kind <> 'user_op') AND (p.kind NOT IN ('user_op', 'create') OR NOT EXISTS (
              SELECT 1 FROM orders o JOIN agent a ON a.agent_id IN (o.requester_agent_id, o.provider_agent_id)
              WHERE o.order_id = p.order_id AND a.deployed = 0))
              AND (p.order_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM agent a WHERE a.account = p.sender AND a.deployed = 0))
              AND (p.client_signed = 0 OR p.nonce_seq = coalesce((SELECT next_seq FROM account_lane l WHERE l.account = p.sender AND l.nonce_key = p.nonce_key), 0))
            ORDER BY p.kind = 'top_up' DESC, p.operation_id LIMIT @BundleSize
            """,
            new { options.Value.BundleSize, ownOnly });
        if (ready.Count == 0 || ready[0].Kind != OperationKind.UserOp)
        {
            return ready[..Math.Min(1, ready.Count)];
        }

        // One that has failed with others before goes alone, so that it cannot take a second bundle with it.
        if (ready[0].Attempt > 0)
        {
            return ready[..1];
        }

        long gas = 0;
        return [.. ready
            .Where(operation => operation is { Kind: OperationKind.UserOp, Attempt: 0 })
            .TakeWhile(operation => (gas += operation.GasLimit) <= options.Value.BundleGas)];
    }

    // What came signed cannot be signed anew. It is void when its time is over, or when its place in the lane is not the next and nothing is on
    // its way to fill the places before: one that was refused, or lost in a reorganisation, left a gap. What waits for a signature is void when the
    // Executor's key is not here any more.
    private async Task EndVoidAsync(Tx tx)
    {
        foreach (var operation in await tx.QueryAsync<Operation>(
            """
            SELECT o.* FROM operation o LEFT JOIN account_lane l ON l.account = o.sender AND l.nonce_key = o.nonce_key
            WHERE o.state = 'QUEUED' AND o.client_signed = 1 AND o.live = 1 AND (o.valid_until < @now
              OR (o.nonce_seq <> coalesce(l.next_seq, 0) AND NOT EXISTS (
                SELECT 1 FROM operation b WHERE b.sender = o.sender AND b.nonce_key = o.nonce_key AND b.nonce_seq = o.nonce_seq - 1 AND b.live = 1)))
            ORDER BY o.operation_id
            """,
            new { now = clock.Now }))
        {
            await (operation.ValidUntil < clock.Now
                ? outcomes.LostAsync(tx, operation, OperationState.Expired, "it was not included before the sponsor's signature ran out; prepare the step again")
                : outcomes.LostAsync(tx, operation, OperationState.Superseded, "the operation before it in its nonce lane did not land; prepare the step again"));
        }

        foreach (var operation in await tx.QueryAsync<Operation>(
            "SELECT o.* FROM operation o JOIN agent a ON a.account = o.sender WHERE o.state = 'RECEIVED' AND length(a.executor_key) = 0 ORDER BY o.operation_id"))
        {
            await outcomes.LostAsync(tx, operation, OperationState.Failed, "the Owner has given the agent an Executor that stays with it; prepare the step and sign it");
        }
    }

    /// <summary>Lets the operations go again without counting the attempt: it was not their fault that it came to nothing.</summary>
    public Task ReleaseAsync(Bundle bundle, CancellationToken cancellationToken) => db.WriteAsync(
        tx => tx.ExecuteAsync(
            "UPDATE operation SET state = 'QUEUED', lane_tx_id = NULL, attempt = attempt - 1 WHERE lane_tx_id = @LaneTxId AND state = 'ASSIGNED'", bundle),
        cancellationToken);

    private async Task<LaneTx> TakeNonceAsync(Tx tx, byte[] eoa)
    {
        var nonce = await tx.SingleAsync<long>("UPDATE eoa SET next_nonce = next_nonce + 1 WHERE address = @eoa RETURNING next_nonce - 1", new { eoa });
        return await tx.SingleAsync<LaneTx>(
            "INSERT INTO lane_tx (eoa, nonce, state, created_at) VALUES (@eoa, @nonce, 'BUILT', @now) RETURNING lane_tx_id, nonce",
            new { eoa, nonce, now = Now });
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed record LaneTx
    {
        public long LaneTxId { get; init; }

        public long Nonce { get; init; }
    }
}
