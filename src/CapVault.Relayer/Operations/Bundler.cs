using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer.Operations;

/// <summary>What a lane finds when it looks.</summary>
public sealed record LaneView
{
    /// <summary>The block that was applied last; null before the first.</summary>
    public byte[]? TipHash { get; init; }

    /// <summary>Lane transactions that are not mined as of that block, in the order of their nonces.</summary>
    public required IReadOnlyList<LaneTx> Unmined { get; init; }

    /// <summary>User operations that could travel, oldest first; without their bytes.</summary>
    public required IReadOnlyList<Candidate> Candidates { get; init; }

    /// <summary>The relayer's own that this lane has taken.</summary>
    public required IReadOnlyList<Operation> Own { get; init; }

    /// <summary>Whether there are others of the relayer's own that it could take.</summary>
    public bool OwnWait { get; init; }

    /// <summary>Whether something must be signed, or ended, before anything is sent.</summary>
    public bool IsUntidy { get; init; }

    /// <summary>What the EntryPoint may hold back for all that is on its way, whichever lane's, gwei.</summary>
    public long Prefund { get; init; }

    /// <summary>The EOA's next nonce.</summary>
    public long NextNonce { get; init; }
}

/// <summary>A row of <c>lane_tx</c>.</summary>
public sealed record LaneTx
{
    /// <summary>Its number.</summary>
    public long LaneTxId { get; init; }

    /// <summary>Its nonce.</summary>
    public long Nonce { get; init; }

    /// <summary>One of <see cref="LaneTxState"/>.</summary>
    public string State { get; init; } = "";
}

/// <summary>Finds what a lane can send, and ends or signs anew what it cannot.</summary>
public sealed class Bundler(Db db, OperationSigner signer, StepOutcomes outcomes, ChainClock clock)
{
    // An account must be deployed before it acts, and before its ERC-1271 consent can be asked for: an order's first step waits for both
    // parties' accounts.
    private const string CanAct =
        """
        (p.kind NOT IN ('user_op', 'create') OR NOT EXISTS (
          SELECT 1 FROM orders o JOIN agent a ON a.agent_id IN (o.requester_agent_id, o.provider_agent_id) WHERE o.order_id = p.order_id AND a.deployed = 0))
        """;

    // An Owner's operation may change who signs for the account. The EntryPoint validates all operations of a bundle before it executes any, and what we
    // sign behind it is signed by whoever the chain knows: what follows waits until it is mined. So does a step of an order until the one before it is
    // mined, which after a reorganisation may be on its way again in another lane.
    private const string IsReady =
        $"""
        p.eoa = @eoa AND p.state = 'QUEUED' AND p.live = 1 AND p.kind = 'user_op' AND {CanAct}
        AND (p.order_id IS NOT NULL OR NOT EXISTS (SELECT 1 FROM agent a WHERE a.account = p.sender AND a.deployed = 0))
        AND NOT EXISTS (
          SELECT 1 FROM operation w JOIN agent a ON a.account = w.sender
          WHERE w.sender = p.sender AND w.nonce_key = 0 AND w.live = 1 AND w.operation_id < p.operation_id)
        AND NOT EXISTS (SELECT 1 FROM operation e WHERE e.order_id = p.order_id AND e.live = 1 AND e.operation_id < p.operation_id)
        AND (p.deploys = 0 OR NOT EXISTS (SELECT 1 FROM operation d WHERE d.sender = p.sender AND d.live = 1 AND d.deploys = 1 AND d.operation_id < p.operation_id))
        """;

    private const string OwnReady = $"p.live = 1 AND p.state = 'QUEUED' AND p.kind <> 'user_op' AND {CanAct}";

    // A deposit goes first: without it no bundle goes at all. So does what another lane waits for.
    private const string OwnOrder = "CASE WHEN p.kind IN ('top_up', 'fund') THEN 0 ELSE 1 END, p.operation_id";

    // Its place in the nonce lane is used, or nothing is on its way to fill the place before: that one was refused, or lost in a reorganisation. Where an
    // account that is not ours stands is known only once the EntryPoint was asked.
    private const string IsMisplaced =
        """
        (o.nonce_seq < l.next_seq OR (o.nonce_seq > coalesce(l.next_seq, CASE WHEN a.agent_id IS NULL THEN o.nonce_seq ELSE 0 END) AND NOT EXISTS (
          SELECT 1 FROM operation b WHERE b.sender = o.sender AND b.nonce_key = o.nonce_key AND b.nonce_seq = o.nonce_seq - 1 AND b.live = 1)))
        """;

    private const string Untidy =
        $"""
        FROM operation o LEFT JOIN account_lane l ON l.account = o.sender AND l.nonce_key = o.nonce_key LEFT JOIN agent a ON a.account = o.sender
        WHERE o.eoa = @eoa AND o.live = 1 AND (o.state = 'RECEIVED'
          OR (o.state = 'QUEUED' AND o.kind = 'user_op' AND (o.valid_until < CASE WHEN o.client_signed = 1 THEN @now ELSE @soon END OR {IsMisplaced})))
        """;

    /// <summary>Looks at what there is for a lane.</summary>
    /// <param name="eoa">Its address.</param>
    /// <param name="held">Operations that wait for the next block.</param>
    /// <param name="limit">How many candidates are enough.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public Task<LaneView> LookAsync(byte[] eoa, IReadOnlyCollection<long> held, int limit, CancellationToken cancellationToken) => db.ReadAsync(
        async connection =>
        {
            var parameters = new { eoa, limit, held = held.DefaultIfEmpty(0), now = clock.Now, soon = clock.Now + OperationSigner.TimeToLand };
            var own = await connection.QueryAsync<Operation>($"SELECT p.* FROM operation p WHERE {OwnReady} AND p.eoa = @eoa AND p.operation_id NOT IN @held ORDER BY {OwnOrder}", parameters);
            var candidates = await connection.QueryAsync<Candidate>(
                $"""
                SELECT p.operation_id, p.kind, p.order_id, p.step, p.sender, p.nonce_key, p.nonce_seq, p.user_op_hash, p.valid_until, p.client_signed, p.gas_limit,
                  p.prefund, p.attempt, p.updated_at,
                  coalesce((SELECT max(s.nonce_seq) + 1 FROM operation s WHERE s.sender = p.sender AND s.nonce_key = p.nonce_key AND s.live = 1
                    AND s.state IN ('ASSIGNED', 'BROADCAST')), l.next_seq, CASE WHEN a.agent_id IS NOT NULL THEN 0 END) AS next_seq
                FROM operation p LEFT JOIN account_lane l ON l.account = p.sender AND l.nonce_key = p.nonce_key LEFT JOIN agent a ON a.account = p.sender
                WHERE {IsReady} AND p.operation_id NOT IN @held ORDER BY p.operation_id LIMIT @limit
                """,
                parameters);
            var flags = await connection.QuerySingleAsync<Flags>(
                $"""
                SELECT EXISTS (SELECT 1 {Untidy}) AS is_untidy, EXISTS (SELECT 1 FROM operation p WHERE {OwnReady} AND p.eoa IS NULL) AS own_wait,
                  CAST(coalesce((SELECT sum(prefund) FROM operation WHERE state IN ('ASSIGNED', 'BROADCAST')), 0) AS bigint) AS prefund,
                  coalesce((SELECT next_nonce FROM eoa WHERE address = @eoa), 0) AS next_nonce
                """,
                parameters);

            // Last, and in one statement: what was ready is ready on top of any later block, and what is not mined as of this block is all that is to
            // be simulated before it.
            var onTop = (await connection.QueryAsync<OnTop>(
                """
                SELECT b.hash, l.lane_tx_id, l.nonce, l.state FROM (SELECT hash FROM block WHERE canonical = 1 ORDER BY number DESC LIMIT 1) b
                LEFT JOIN lane_tx l ON l.eoa = @eoa AND l.state IN ('SIGNED', 'ACCEPTED') ORDER BY l.nonce
                """,
                parameters)).AsList();
            return new LaneView
            {
                TipHash = onTop.FirstOrDefault()?.Hash,
                Unmined = [.. onTop.Where(row => row.LaneTxId is not null).Select(row => new LaneTx { LaneTxId = row.LaneTxId!.Value, Nonce = row.Nonce, State = row.State })],
                Candidates = candidates.AsList(),
                Own = own.AsList(),
                OwnWait = flags.OwnWait,
                IsUntidy = flags.IsUntidy,
                Prefund = flags.Prefund,
                NextNonce = flags.NextNonce,
            };
        },
        cancellationToken);

    /// <summary>The packed bytes of operations.</summary>
    public Task<List<Operation>> LoadAsync(IReadOnlyList<Candidate> picked, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<Operation>(
            "SELECT * FROM operation WHERE operation_id IN @ids AND state = 'QUEUED' ORDER BY operation_id", new { ids = picked.Select(operation => operation.OperationId) })).AsList(),
        cancellationToken);

    /// <summary>Gives a lane operations of the relayer's own.</summary>
    public static Task TakeOwnAsync(Tx tx, byte[] eoa, int room) => tx.ExecuteAsync(
        $"UPDATE operation SET eoa = @eoa WHERE operation_id IN (SELECT p.operation_id FROM operation p WHERE {OwnReady} AND p.eoa IS NULL ORDER BY {OwnOrder} LIMIT @room) AND eoa IS NULL",
        new { eoa, room });

    /// <summary>
    /// Ends what came signed and cannot be signed anew: its time is over, or its place in the nonce lane is not to be had. What we sign ourselves is
    /// signed anew instead; it ends where the Executor's key is not here any more.
    /// </summary>
    public async Task TidyAsync(Tx tx, byte[] eoa)
    {
        var now = new { eoa, now = clock.Now, soon = clock.Now + OperationSigner.TimeToLand };
        var untidy = await tx.QueryAsync<NonceLane>($"SELECT DISTINCT o.sender, o.nonce_key {Untidy}", now);
        await OperationSigner.LockLanesAsync(tx, untidy.Select(lane => (lane.Sender, lane.NonceKey)));
        foreach (var operation in await tx.QueryAsync<Operation>($"SELECT o.* {Untidy} AND o.client_signed = 1 ORDER BY o.operation_id", now))
        {
            await (operation.ValidUntil < clock.Now
                ? outcomes.LostAsync(tx, operation, OperationState.Expired, "it was not included before the sponsor's signature ran out; prepare the step again")
                : outcomes.LostAsync(tx, operation, OperationState.Superseded, "the operation before it in its nonce lane did not land, or another one used its place; prepare the step again"));
        }

        await OperationSigner.WithdrawAsync(tx, "eoa = @eoa AND valid_until < @soon", now);
        foreach (var first in await tx.QueryAsync<Operation>($"SELECT o.* {Untidy} AND o.state = 'QUEUED' AND o.client_signed = 0 ORDER BY o.nonce_seq", now))
        {
            // What is behind it moves up with it. They keep their order: places are given out by age.
            await OperationSigner.WithdrawAsync(tx, "sender = @Sender AND nonce_key = @NonceKey AND nonce_seq >= @NonceSeq", first);
            await tx.ExecuteAsync(
                "UPDATE operation SET nonce_seq = NULL WHERE sender = @Sender AND nonce_key = @NonceKey AND nonce_seq >= @NonceSeq AND live = 1 AND state = 'RECEIVED'", first);
        }

        foreach (var lane in await tx.QueryAsync<NonceLane>("SELECT DISTINCT sender, nonce_key FROM operation WHERE eoa = @eoa AND state = 'RECEIVED' AND live = 1", now))
        {
            await signer.SignReceivedAsync(tx, lane.Sender, lane.NonceKey);
        }

        foreach (var operation in await tx.QueryAsync<Operation>(
            """
            SELECT o.* FROM operation o JOIN agent a ON a.account = o.sender
            WHERE o.eoa = @eoa AND o.state = 'RECEIVED' AND o.live = 1 AND length(a.executor_key) = 0 ORDER BY o.operation_id
            """,
            now))
        {
            await outcomes.LostAsync(tx, operation, OperationState.Failed, "the Owner has given the agent an Executor that stays with it; prepare the step and sign it");
        }
    }

    private sealed record Flags
    {
        public bool IsUntidy { get; init; }

        public bool OwnWait { get; init; }

        public long Prefund { get; init; }

        public long NextNonce { get; init; }
    }

    private sealed record OnTop
    {
        public byte[] Hash { get; init; } = [];

        public long? LaneTxId { get; init; }

        public long Nonce { get; init; }

        public string State { get; init; } = "";
    }

    private sealed record NonceLane
    {
        public byte[] Sender { get; init; } = [];

        public long NonceKey { get; init; }
    }
}
