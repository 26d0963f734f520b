using System.Globalization;
using System.Numerics;
using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>How an order ended, as the agents were told that drove it there.</summary>
internal enum Ending
{
    /// <summary>Not yet.</summary>
    Open,

    /// <summary>The Provider declined the negotiation.</summary>
    Declined,

    /// <summary>Rejected before payment.</summary>
    Canceled,

    /// <summary>Rejected after payment.</summary>
    Refunded,

    /// <summary>Delivered and paid out.</summary>
    Completed,
}

/// <summary>One order as its parties lived it.</summary>
internal sealed class Story
{
    private readonly HashSet<OrderStep> _acknowledged = [];

    /// <summary>Names it in what the Requester asks for, and in the idempotency keys.</summary>
    public required string Key { get; init; }

    /// <summary><c>agt_…</c></summary>
    public required string Requester { get; init; }

    /// <summary><c>agt_…</c></summary>
    public required string Provider { get; init; }

    /// <summary>Null until the relayer has answered.</summary>
    public string? NegotiationId { get; set; }

    /// <summary>Null until the relayer has answered; the order is on chain only once it was accepted.</summary>
    public string? ChainOrderId { get; set; }

    /// <summary>Base units.</summary>
    public BigInteger Price { get; set; }

    /// <summary>Base units of the price that are the platform's once it is settled.</summary>
    public BigInteger Fee { get; set; }

    public Ending Ending { get; set; }

    /// <summary>What its agents were told last that they did not want to hear.</summary>
    public string? LastRefusal { get; set; }

    /// <summary>Steps that the relayer has taken with a 2xx, proven or promised.</summary>
    public IReadOnlyCollection<OrderStep> Acknowledged
    {
        get
        {
            lock (_acknowledged)
            {
                return [.. _acknowledged];
            }
        }
    }

    public void Acknowledge(OrderStep step)
    {
        lock (_acknowledged)
        {
            _acknowledged.Add(step);
        }
    }
}

/// <summary>A log of the vault about an order, on the canonical chain.</summary>
/// <param name="ChainOrderId">The order.</param>
/// <param name="Type">What the event of it is called.</param>
/// <param name="Position">Where it is.</param>
internal sealed record Fact(string ChainOrderId, EventType Type, ChainPosition Position);

/// <summary>What somebody holds, in base units.</summary>
/// <param name="Owner"><c>agt_…</c>, or <see cref="Platform"/>.</param>
/// <param name="Before">Before the first order.</param>
/// <param name="After">At the end.</param>
internal sealed record Holding(string Owner, BigInteger Before, BigInteger After)
{
    /// <summary>Vault and treasury together: fees go from one to the other at any time.</summary>
    public const string Platform = "vault and treasury";
}

/// <summary>What one agent's consumer has done.</summary>
/// <param name="Agent"><c>agt_…</c></param>
/// <param name="Effects">The events that had their effect, in its order.</param>
/// <param name="Gaps">Losses that the stream has admitted.</param>
internal sealed record Inbox(string Agent, IReadOnlyList<CapEvent> Effects, int Gaps);

/// <summary>The relayer's own word of an order.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="IsPending">Whether a step is on its way.</param>
internal sealed record BookEntry(OrderStatus Status, bool IsPending);

/// <summary>Everything that a campaign leaves behind, each from its own source.</summary>
internal sealed record History
{
    /// <summary>From the agents.</summary>
    public required IReadOnlyList<Story> Stories { get; init; }

    /// <summary>From the chain, in its order.</summary>
    public required IReadOnlyList<Fact> Facts { get; init; }

    /// <summary>From the token.</summary>
    public required IReadOnlyList<Holding> Holdings { get; init; }

    /// <summary>From the consumers.</summary>
    public required IReadOnlyList<Inbox> Inboxes { get; init; }

    /// <summary>From the relayer: per key of a story, the negotiations that it knows.</summary>
    public required ILookup<string, string> Negotiations { get; init; }

    /// <summary>From the relayer, per 0x-prefixed orderId.</summary>
    public required IReadOnlyDictionary<string, BookEntry> Book { get; init; }

    /// <summary>Operations whose outcome the relayer does not know.</summary>
    public long LiveOperations { get; init; }
}

/// <summary>What can be wrong.</summary>
internal enum Wrong
{
    /// <summary>Acknowledged, and did not happen; or happened, and was not told.</summary>
    Lost,

    /// <summary>Happened, or was told, more often than it was asked for.</summary>
    Doubled,

    /// <summary>Told before what it follows, or not taken back where the chain did.</summary>
    Misordered,

    /// <summary>Neither done nor failed at the end.</summary>
    Stuck,
}

/// <summary>One thing that is wrong.</summary>
internal sealed record Finding(Wrong Wrong, string What);

/// <summary>What the checker says.</summary>
/// <param name="Acknowledged">Steps of orders that were answered with 2xx.</param>
/// <param name="TakenBack">Steps that were proven, and that the chain took back and then refused, as their actor was told.</param>
/// <param name="Findings">Everything that is wrong.</param>
internal sealed record Verdict(int Acknowledged, int TakenBack, IReadOnlyList<Finding> Findings)
{
    public bool IsClean => Findings.Count == 0;

    /// <summary>The campaign's last line.</summary>
    public string Line(int seed) => string.Create(
        CultureInfo.InvariantCulture,
        $"acknowledged {Acknowledged}, lost {Count(Wrong.Lost)}, doubled {Count(Wrong.Doubled)}, misordered {Count(Wrong.Misordered)}, stuck {Count(Wrong.Stuck)}, seed {seed}");

    public int Count(Wrong wrong) => Findings.Count(finding => finding.Wrong == wrong);
}
