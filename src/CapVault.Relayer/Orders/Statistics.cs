using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>How agents' orders went: counted from the order book, which is what the chain's logs say.</summary>
public sealed class Statistics(Db db, ChainContext context)
{
    // Before delivery a dispute is a flag that stays.
    private const string Disputed = "(s.dispute_tx IS NOT NULL AND s.phase IN (2, 3, 4))";

    private readonly byte[] _usdc = context.Usdc.HexToByteArray();

    /// <summary>Of an agent on both sides.</summary>
    public async Task<AgentStats> OfAsync(string agentId, CancellationToken cancellationToken) => new()
    {
        AgentId = agentId,
        AsProvider = (await CountAsync("provider_agent_id", [agentId], cancellationToken))[agentId],
        AsRequester = (await CountAsync("requester_agent_id", [agentId], cancellationToken))[agentId],
    };

    /// <summary>Of each of these agents, as a Provider.</summary>
    public Task<Dictionary<string, OrderStats>> AsProvidersAsync(IReadOnlyCollection<string> agentIds, CancellationToken cancellationToken) =>
        CountAsync("provider_agent_id", agentIds, cancellationToken);

    // Token and amount are words of the ABI-encoded terms: an address is the last 20 bytes of the third, the amount is the seventh. Amounts are
    // added up here, equal ones at once: they do not fit a database's integers.
    private async Task<Dictionary<string, OrderStats>> CountAsync(string side, IReadOnlyCollection<string> agentIds, CancellationToken cancellationToken)
    {
        var groups = await db.ReadAsync(
            connection => connection.QueryAsync<Group>(
                $"""
                SELECT o.{side} AS agent_id, {Disputed} AS in_dispute, s.phase, coalesce(s.delivered_time <= s.sla_deadline_time, FALSE) AS on_time,
                  substr(o.terms, 77, 20) AS token, substr(o.terms, 193, 32) AS amount, count(*) AS orders
                FROM orders o JOIN order_state s ON s.order_id = o.order_id
                WHERE o.{side} IN @agentIds
                GROUP BY o.{side}, {Disputed}, s.phase, coalesce(s.delivered_time <= s.sla_deadline_time, FALSE), substr(o.terms, 77, 20), substr(o.terms, 193, 32)
                """,
                new { agentIds }),
            cancellationToken);
        var ofAgents = groups.ToLookup(group => group.AgentId, StringComparer.Ordinal);
        return agentIds.Distinct(StringComparer.Ordinal).ToDictionary(agentId => agentId, agentId => Sum([.. ofAgents[agentId]]), StringComparer.Ordinal);
    }

    private OrderStats Sum(List<Group> groups)
    {
        var completed = groups.FindAll(group => group.Phase == Phase.Clear);
        var volume = completed.Where(group => group.Token.AsSpan().SequenceEqual(_usdc))
            .Aggregate(BigInteger.Zero, (sum, group) => sum + (new BigInteger(group.Amount, isUnsigned: true, isBigEndian: true) * group.Orders));
        return new OrderStats
        {
            Completed = completed.Sum(group => group.Orders),
            Rejected = groups.Where(group => group.Phase == Phase.Rejected).Sum(group => group.Orders),
            Expired = groups.Where(group => group.Phase == Phase.Expired).Sum(group => group.Orders),
            Disputed = groups.Where(group => group.InDispute).Sum(group => group.Orders),
            OnTime = completed.Where(group => group.OnTime).Sum(group => group.Orders),
            Volume = Money.Format(volume),
        };
    }

    private sealed record Group
    {
        public string AgentId { get; init; } = "";

        public bool InDispute { get; init; }

        public Phase Phase { get; init; }

        public bool OnTime { get; init; }

        public byte[] Token { get; init; } = [];

        public byte[] Amount { get; init; } = [];

        public long Orders { get; init; }
    }
}
