using System.Buffers.Binary;
using System.Data;
using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Sponsoring;

/// <summary>Whose budgets a promise is on, beside the global one.</summary>
/// <param name="AgentId">The agent for whom it is, or whose key asks for it.</param>
/// <param name="Owner">The agent's Owner.</param>
/// <param name="KeyId">The operator's key that asks for it.</param>
public sealed record Payer(string? AgentId, byte[]? Owner, string? KeyId = null)
{
    // In one order everywhere: two transactions that change the same budgets must not wait for each other.
    internal IEnumerable<string> Budgets => ((string?[])[AgentId is null ? null : $"agent:{AgentId}", GlobalBudget, KeyId is null ? null : $"key:{KeyId}", OwnerBudget]).OfType<string>();

    internal string? OwnerBudget => Owner is null ? null : $"owner:{Owner.ToHex(prefix: true)}";

    internal const string GlobalBudget = "global";
}

/// <summary>
/// What the sponsor has promised and what it came to, per operation, and the budgets of a UTC day of chain time that it counts on. A promise counts
/// in full from the commit that holds the sponsor's signature; once a block includes the operation, what it was charged counts instead; once it can
/// never be included, nothing.
/// </summary>
public sealed class SponsorLedger(SponsorPolicy policy, ChainClock clock)
{
    private const long Day = 86_400;

    // One row per budget would make all who sponsor wait for each other's commit.
    private const int Shards = 16;

    /// <summary>Makes sure that another promise is within the budgets.</summary>
    /// <exception cref="ApiException">429 SPONSOR_BUDGET_EXCEEDED; it says whose budget, and when the next begins.</exception>
    public async Task RequireRoomAsync(Tx tx, Payer payer, long gwei)
    {
        var day = clock.Now / Day;
        var spent = (await tx.QueryAsync<Spent>(
            "SELECT subject, CAST(sum(gwei) AS BIGINT) AS gwei FROM sponsor_budget WHERE day = @day AND subject IN @subjects GROUP BY subject",
            new { day, subjects = payer.Budgets })).ToDictionary(row => row.Subject, row => row.Gwei, StringComparer.Ordinal);
        foreach (var budget in payer.Budgets)
        {
            var used = spent.GetValueOrDefault(budget);
            var limit = await LimitOfAsync(tx, payer, budget, used + gwei);
            if (gwei > limit - used)
            {
                throw Exceeded(budget, limit, used, gwei, DateTimeOffset.FromUnixTimeSeconds((day + 1) * Day));
            }
        }
    }

    /// <summary>Keeps a promise, in the transaction that signs it. One that is kept already stays; one that was let go counts again.</summary>
    /// <param name="tx">The transaction.</param>
    /// <param name="hash">The operation's.</param>
    /// <param name="sender">Its account.</param>
    /// <param name="payer">Whose budgets it is on.</param>
    /// <param name="gwei">All of its gas limits at its highest fee.</param>
    /// <param name="validUntil">The last second in which it can be included.</param>
    /// <param name="nonce">Of an operation that its client signs: it may be told apart from its other promises by it.</param>
    public async Task ReserveAsync(Tx tx, byte[] hash, byte[] sender, Payer payer, long gwei, long validUntil, byte[]? nonce = null)
    {
        var row = new Row { UserOpHash = hash, State = Reserved, AgentId = payer.AgentId, Owner = payer.Owner, KeyId = payer.KeyId, Day = clock.Now / Day, Reserved = gwei };
        var isNew = await tx.ExecuteAsync(
            """
            INSERT INTO sponsorship (user_op_hash, state, sender, agent_id, owner, key_id, day, reserved, nonce, valid_until)
            VALUES (@UserOpHash, @State, @sender, @AgentId, @Owner, @KeyId, @Day, @Reserved, @nonce, @validUntil) ON CONFLICT (user_op_hash) DO NOTHING
            """,
            new { row.UserOpHash, row.State, sender, row.AgentId, row.Owner, row.KeyId, row.Day, row.Reserved, nonce, validUntil });
        if (isNew > 0)
        {
            await CountAsync(tx, row, gwei);
        }
        else if (await FindAsync(tx, hash) is { State: Released } released)
        {
            await MoveAsync(tx, released, Reserved, cost: null, blockNumber: null);
        }
    }

    /// <summary>Whether a promise for this operation counts now.</summary>
    public static async Task<bool> IsReservedAsync(Tx tx, byte[] hash) => await FindAsync(tx, hash) is { State: Reserved };

    /// <summary>A block includes the operation.</summary>
    /// <param name="tx">The block's transaction.</param>
    /// <param name="hash">The operation's.</param>
    /// <param name="cost">What it was charged, wei; null for what was reserved.</param>
    /// <param name="blockNumber">The block's.</param>
    public async Task SettleAsync(Tx tx, byte[] hash, BigInteger? cost, long blockNumber)
    {
        // Until it is: it may be let go at the same time.
        while (await FindAsync(tx, hash) is { State: not Settled } row
            && !await MoveAsync(tx, row, Settled, cost is { } wei ? GasMoney.FromWei(wei) : row.Reserved, blockNumber))
        {
        }
    }

    /// <summary>The operation ends without being included, or another takes its place. Should a block include it all the same, it counts again.</summary>
    public async Task ReleaseAsync(Tx tx, byte[] hash)
    {
        if (await FindAsync(tx, hash) is { State: Reserved } row)
        {
            await MoveAsync(tx, row, Released, cost: null, blockNumber: null);
        }
    }

    /// <summary>Lets promises go that no block after this time can include.</summary>
    /// <param name="tx">The transaction.</param>
    /// <param name="blockTime">Of the newest block that was applied, unix seconds.</param>
    public async Task ReleaseExpiredAsync(Tx tx, long blockTime)
    {
        foreach (var row in await tx.QueryAsync<Row>("SELECT * FROM sponsorship WHERE state = 'RESERVED' AND valid_until < @blockTime ORDER BY valid_until LIMIT 200", new { blockTime }))
        {
            await MoveAsync(tx, row, Released, cost: null, blockNumber: null);
        }
    }

    /// <summary>Blocks were taken back: what they included is promised again.</summary>
    public async Task ReverseAsync(Tx tx, long ancestor)
    {
        foreach (var row in await tx.QueryAsync<Row>("SELECT * FROM sponsorship WHERE block_number > @ancestor", new { ancestor }))
        {
            await MoveAsync(tx, row, Reserved, cost: null, blockNumber: null);
        }
    }

    /// <summary>All promises that a block may still include, gwei: the paymaster's deposit must cover them together.</summary>
    public static Task<long> InFlightAsync(IDbConnection connection) =>
        connection.QuerySingleAsync<long>("SELECT CAST(coalesce(sum(reserved), 0) AS BIGINT) FROM sponsorship WHERE state = 'RESERVED'");

    /// <summary>What the ledger knows a transaction of the relayer's own by.</summary>
    public static byte[] KeyOf(long operationId)
    {
        var key = new byte[32];
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(24), operationId);
        return key;
    }

    private static Task<Row?> FindAsync(Tx tx, byte[] hash) => tx.FirstOrDefaultAsync<Row>("SELECT * FROM sponsorship WHERE user_op_hash = @hash", new { hash });

    // False where another transaction was faster: what it counts for has been taken off, or put on, by that one.
    private static async Task<bool> MoveAsync(Tx tx, Row row, string state, long? cost, long? blockNumber)
    {
        var moved = row with { State = state, Cost = cost };
        var isMoved = await tx.ExecuteAsync(
            "UPDATE sponsorship SET state = @state, cost = @cost, block_number = @blockNumber WHERE user_op_hash = @UserOpHash AND state = @before",
            new { state, cost, blockNumber, row.UserOpHash, before = row.State }) > 0;
        if (isMoved)
        {
            await CountAsync(tx, row, moved.Counts - row.Counts);
        }

        return isMoved;
    }

    private static async Task CountAsync(Tx tx, Row row, long gwei)
    {
        foreach (var subject in gwei == 0 ? [] : new Payer(row.AgentId, row.Owner, row.KeyId).Budgets)
        {
            await tx.ExecuteAsync(
                """
                INSERT INTO sponsor_budget (subject, day, shard, gwei) VALUES (@subject, @Day, @shard, @gwei)
                ON CONFLICT (subject, day, shard) DO UPDATE SET gwei = sponsor_budget.gwei + excluded.gwei
                """,
                new { subject, row.Day, shard = row.UserOpHash[^1] % Shards, gwei });
        }
    }

    // Whether an Owner is new is looked up only where it matters.
    private async Task<long> LimitOfAsync(Tx tx, Payer payer, string budget, long needed) =>
        budget == Payer.GlobalBudget ? policy.Budgets.Global
        : budget == payer.OwnerBudget ? needed > policy.Budgets.NewOwner && !await HasCompletedAsync(tx, payer.Owner!)
            ? Math.Min(policy.Budgets.NewOwner, policy.Budgets.PerOwner)
            : policy.Budgets.PerOwner
        : budget.StartsWith("key:", StringComparison.Ordinal) ? policy.Budgets.PerKey
        : policy.Budgets.PerAgent;

    private static Task<bool> HasCompletedAsync(Tx tx, byte[] owner) => tx.SingleAsync<bool>(
        """
        SELECT CASE WHEN EXISTS (
          SELECT 1 FROM agent a JOIN orders o ON o.requester_agent_id = a.agent_id JOIN order_state s ON s.order_id = o.order_id WHERE a.owner = @owner AND s.phase = 5)
        OR EXISTS (
          SELECT 1 FROM agent a JOIN orders o ON o.provider_agent_id = a.agent_id JOIN order_state s ON s.order_id = o.order_id WHERE a.owner = @owner AND s.phase = 5)
        THEN 1 ELSE 0 END
        """,
        new { owner });

    private static ApiException Exceeded(string budget, long limit, long used, long needed, DateTimeOffset resetsAt)
    {
        var whose = budget == Payer.GlobalBudget ? "of all" : budget.StartsWith("owner:", StringComparison.Ordinal) ? "of this agent's Owner" : budget.StartsWith("key:", StringComparison.Ordinal) ? "of this key" : "of this agent";
        return new ApiException(
            429,
            ErrorCodes.SponsorBudgetExceeded,
            $"The gas budget {whose} for today is {GasMoney.Format(limit)}, of which {GasMoney.Format(Math.Max(0, limit - used))} are left; this would take up to {GasMoney.Format(needed)}. "
                + $"The next day begins at {resetsAt:O}. Refunds and releases of orders are never held back.",
            new { budget = budget.Split(':')[0], required = GasMoney.Format(needed), left = GasMoney.Format(Math.Max(0, limit - used)), resetsAt },
            retryable: true);
    }

    private const string Reserved = "RESERVED";
    private const string Settled = "SETTLED";
    private const string Released = "RELEASED";

    private sealed record Spent
    {
        public string Subject { get; init; } = "";

        public long Gwei { get; init; }
    }

    private sealed record Row
    {
        public byte[] UserOpHash { get; init; } = [];

        public string State { get; init; } = "";

        public string? AgentId { get; init; }

        public byte[]? Owner { get; init; }

        public string? KeyId { get; init; }

        public long Day { get; init; }

        public long Reserved { get; init; }

        public long? Cost { get; init; }

        /// <summary>What it counts for on its budgets.</summary>
        public long Counts => State switch
        {
            SponsorLedger.Reserved => Reserved,
            Settled => Cost ?? 0,
            _ => 0,
        };
    }
}
