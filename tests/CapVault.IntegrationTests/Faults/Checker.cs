using System.Globalization;
using System.Numerics;
using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>
/// Holds what the agents were told against the chain, the token's balances, every consumer's events and the relayer's own order book. It knows
/// nothing of how a relayer works.
/// </summary>
internal sealed class Checker
{
    // The life of an order as both parties hear it; an event comes after those of a lower rank.
    private static readonly Dictionary<EventType, int> Rank = new()
    {
        [EventType.NegotiationCreated] = 0,
        [EventType.NegotiationAccepted] = 1,
        [EventType.NegotiationRejected] = 1,
        [EventType.NegotiationExpired] = 1,
        [EventType.OrderCreated] = 2,
        [EventType.OrderPaid] = 3,
        [EventType.OrderCompleted] = 4,
        [EventType.OrderRejected] = 4,
        [EventType.OrderExpired] = 4,
    };

    private static readonly Dictionary<OrderStep, EventType> EffectOf = new()
    {
        [OrderStep.Create] = EventType.OrderCreated,
        [OrderStep.Pay] = EventType.OrderPaid,
        [OrderStep.Deliver] = EventType.OrderCompleted,
        [OrderStep.Reject] = EventType.OrderRejected,
    };

    // What its actor hears when a step has failed for good.
    private static readonly Dictionary<EventType, EventType> FailureOf = new()
    {
        [EventType.OrderCreated] = EventType.OrderCreateFailed,
        [EventType.OrderPaid] = EventType.OrderPayFailed,
        [EventType.OrderCompleted] = EventType.OrderDeliverFailed,
    };

    private readonly History _history;
    private readonly ILookup<string, Fact> _facts;
    private readonly List<Finding> _findings = [];
    private readonly Dictionary<string, List<EventType>> _takenBack = new(StringComparer.Ordinal);

    private Checker(History history)
    {
        _history = history;
        _facts = history.Facts.ToLookup(fact => fact.ChainOrderId, StringComparer.Ordinal);
    }

    public static Verdict Check(History history)
    {
        var checker = new Checker(history);
        foreach (var story in history.Stories)
        {
            checker._takenBack[story.Key] = checker.TakenBack(story);
            checker.CheckNegotiation(story);
            checker.CheckChain(story);
            checker.CheckBook(story);
        }

        checker.CheckStrangers();
        checker.CheckMoney();
        foreach (var inbox in history.Inboxes)
        {
            checker.CheckInbox(inbox);
        }

        if (history.LiveOperations > 0)
        {
            checker.Add(Wrong.Stuck, $"{history.LiveOperations} operations are neither done nor failed");
        }

        return new Verdict(history.Stories.Sum(story => story.Acknowledged.Count), checker._takenBack.Values.Sum(types => types.Count), checker._findings);
    }

    /// <summary>
    /// Effects that the chain had, took back with their block, and refused the second time, of which both were told: the actor may take the step again, and
    /// knows. Nothing else is forgiven.
    /// </summary>
    private List<EventType> TakenBack(Story story) => story.Ending is Ending.Open or Ending.Declined
        ? []
        : [.. LogsOf(story.Ending).Except(FactsOf(story).Select(fact => fact.Type)).Where(type => _history.Inboxes.Any(inbox => IsToldAsTakenBack(story, type, inbox)))];

    private static bool IsToldAsTakenBack(Story story, EventType type, Inbox inbox)
    {
        var effects = inbox.Effects.Where(e => e.NegotiationId == story.NegotiationId).ToList();
        var withdrawn = effects.Where(e => e.Type == EventType.OrderReverted).Select(Withdrawn).ToList();
        var standing = effects.Where(e => !withdrawn.Contains(e.EventId, StringComparer.Ordinal)).ToList();
        var told = effects.FindLastIndex(e => e.Type == type);
        return told >= 0 && withdrawn.Contains(effects[told].EventId, StringComparer.Ordinal)
            && FailureOf.TryGetValue(type, out var failure) && standing.Exists(e => e.Type == failure && effects.IndexOf(e) > told);
    }

    private static string Withdrawn(CapEvent reverted) => reverted.Data!.Value.GetProperty("eventId").GetString()!;

    /// <summary>One key, one negotiation.</summary>
    private void CheckNegotiation(Story story)
    {
        var known = _history.Negotiations[story.Key].ToList();
        if (story.NegotiationId is { } acknowledged && !known.Contains(acknowledged, StringComparer.Ordinal))
        {
            Add(Wrong.Lost, $"{story.Key}: the relayer does not know {acknowledged}, which it has acknowledged");
        }

        if (known.Count > 1)
        {
            Add(Wrong.Doubled, $"{story.Key}: one call with one key made {string.Join(", ", known)}");
        }
    }

    /// <summary>Each step that was asked for has its log, once, in its order; and nothing else has one.</summary>
    private void CheckChain(Story story)
    {
        var happened = FactsOf(story).Select(fact => fact.Type).ToList();
        foreach (var twice in happened.GroupBy(type => type).Where(group => group.Count() > 1))
        {
            Add(Wrong.Doubled, $"{story.Key}: {twice.Key} is {twice.Count()} times on chain");
        }

        if (!IsInOrder(happened))
        {
            Add(Wrong.Misordered, $"{story.Key}: the chain has {string.Join(", ", happened)}");
        }

        if (story.Ending == Ending.Open)
        {
            Add(Wrong.Stuck, $"{story.Key}: its agents did not get it to an end; acknowledged {string.Join(", ", story.Acknowledged)}, on chain {string.Join(", ", happened)}; told last: {story.LastRefusal}");
            var isPending = story.ChainOrderId is { } id && _history.Book.TryGetValue(id, out var entry) && entry.IsPending;
            foreach (var step in story.Acknowledged.Where(step => !isPending && !happened.Contains(EffectOf[step])))
            {
                Add(Wrong.Lost, $"{story.Key}: {step} was acknowledged, is not on chain, and nothing is on its way");
            }

            return;
        }

        var expected = LogsOf(story.Ending).Except(_takenBack[story.Key]).ToList();
        foreach (var missing in expected.Except(happened))
        {
            Add(Wrong.Lost, $"{story.Key}: the agents were told that it is {story.Ending}, and the chain has no {missing}");
        }

        foreach (var surplus in happened.Distinct().Except(expected))
        {
            Add(Wrong.Doubled, $"{story.Key}: the agents were told that it is {story.Ending}, and the chain has {surplus} too");
        }
    }

    private void CheckBook(Story story)
    {
        if (story.Ending is Ending.Open or Ending.Declined)
        {
            return;
        }

        var expected = story.Ending != Ending.Completed ? OrderStatus.Rejected
            : !_takenBack[story.Key].Contains(EventType.OrderCompleted) ? OrderStatus.Completed
            : FactsOf(story).Any(fact => fact.Type == EventType.OrderPaid) ? OrderStatus.Paid
            : OrderStatus.Created;
        var entry = _history.Book.GetValueOrDefault(story.ChainOrderId!);
        if (entry?.IsPending == true)
        {
            Add(Wrong.Stuck, $"{story.Key}: {story.Ending}, and the order book still has a step of it on its way");
        }
        else if (entry?.Status != expected)
        {
            Add(Wrong.Lost, $"{story.Key}: the order book says {entry?.Status.Value ?? "nothing"}, expected {expected}");
        }
    }

    /// <summary>Orders that nobody has agreed to.</summary>
    private void CheckStrangers()
    {
        var agreed = _history.Stories.Select(story => story.ChainOrderId).OfType<string>().ToList();
        foreach (var stranger in _facts.Select(facts => facts.Key).Concat(_history.Book.Keys).Distinct(StringComparer.Ordinal).Except(agreed, StringComparer.Ordinal))
        {
            Add(Wrong.Doubled, $"{stranger} belongs to no negotiation of the agents");
        }

        foreach (var twice in agreed.GroupBy(id => id, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            Add(Wrong.Doubled, $"{twice.Key} is the order of {twice.Count()} negotiations");
        }
    }

    /// <summary>To the last base unit: what the agents agreed to, and nothing else, has moved.</summary>
    private void CheckMoney()
    {
        var expected = _history.Holdings.ToDictionary(holding => holding.Owner, _ => BigInteger.Zero, StringComparer.Ordinal);
        foreach (var story in _history.Stories)
        {
            var isCompleted = story.Ending == Ending.Completed && !_takenBack[story.Key].Contains(EventType.OrderCompleted);
            var isLocked = (story.Ending == Ending.Open || (story.Ending == Ending.Completed && !isCompleted)) && FactsOf(story).Any(fact => fact.Type == EventType.OrderPaid);
            var (paid, fee) = (isCompleted || isLocked ? story.Price : 0, isLocked ? story.Price : isCompleted ? story.Fee : 0);
            expected[story.Requester] -= paid;
            expected[story.Provider] += paid - fee;
            expected[Holding.Platform] += fee;
        }

        foreach (var (owner, before, after) in _history.Holdings)
        {
            var surplus = after - before - expected[owner];
            if (!surplus.IsZero)
            {
                Add(surplus.Sign < 0 ? Wrong.Lost : Wrong.Doubled, string.Create(CultureInfo.InvariantCulture, $"{owner} holds {after}, expected {before + expected[owner]}"));
            }
        }
    }

    /// <summary>Each event once; what the chain took back taken back; and what is left is the order's history.</summary>
    private void CheckInbox(Inbox inbox)
    {
        if (inbox.Gaps > 0)
        {
            Add(Wrong.Lost, $"{inbox.Agent}: the stream has admitted {inbox.Gaps} gaps");
        }

        foreach (var twice in inbox.Effects.GroupBy(e => e.EventId, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            Add(Wrong.Doubled, $"{inbox.Agent}: {twice.First().Type} {twice.Key} had its effect {twice.Count()} times");
        }

        foreach (var (e, next) in inbox.Effects.Zip(inbox.Effects.Skip(1)))
        {
            if (next.Seq <= e.Seq)
            {
                Add(Wrong.Misordered, $"{inbox.Agent}: {next.Type} with number {next.Seq} came after {e.Seq}");
            }
        }

        var effects = inbox.Effects.ToLookup(e => e.NegotiationId, StringComparer.Ordinal);
        foreach (var story in _history.Stories.Where(story => story.NegotiationId is not null && (story.Requester == inbox.Agent || story.Provider == inbox.Agent)))
        {
            CheckTold($"{inbox.Agent}, {story.Key}", story, effects[story.NegotiationId!]);
        }
    }

    private void CheckTold(string who, Story story, IEnumerable<CapEvent> effects)
    {
        var standing = Fold(who, effects);
        var facts = FactsOf(story).ToList();
        IEnumerable<EventType> negotiation = story.Ending switch
        {
            Ending.Open => [],
            Ending.Declined => [EventType.NegotiationCreated, EventType.NegotiationRejected],
            _ => [EventType.NegotiationCreated, EventType.NegotiationAccepted],
        };
        foreach (var missing in negotiation.Concat(facts.Select(fact => fact.Type)).Except(standing.Select(e => e.Type)))
        {
            Add(Wrong.Lost, $"{who}: {missing} was not told");
        }

        foreach (var e in standing.Where(e => Rank[e.Type] >= Rank[EventType.OrderCreated]))
        {
            if (!facts.Exists(fact => fact.Type == e.Type && fact.Position == e.Chain))
            {
                Add(Wrong.Misordered, $"{who}: {e.Type} {e.EventId} tells of {e.Chain}, which is not on chain, and was not taken back");
            }
        }
    }

    /// <summary>What is left of the events when those are gone that the chain took back.</summary>
    private List<CapEvent> Fold(string who, IEnumerable<CapEvent> effects)
    {
        var standing = new List<CapEvent>();
        var failed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var e in effects)
        {
            if (e.Type == EventType.OrderReverted)
            {
                var withdrawn = Withdrawn(e);
                if (standing.RemoveAll(told => told.EventId == withdrawn) == 0 && !failed.Remove(withdrawn))
                {
                    Add(Wrong.Misordered, $"{who}: {withdrawn} was taken back, and had not been told");
                }
            }
            else if (!Rank.TryGetValue(e.Type, out var rank))
            {
                failed.Add(e.EventId); // a step that failed for good, with its reason: the agents take it again
            }
            else
            {
                if (standing.Exists(told => told.Type == e.Type))
                {
                    Add(Wrong.Doubled, $"{who}: {e.Type} was told again as {e.EventId}, and not taken back in between");
                }
                else if (standing.Exists(told => Rank[told.Type] >= rank))
                {
                    Add(Wrong.Misordered, $"{who}: {e.Type} came after {string.Join(", ", standing.Select(told => told.Type))}");
                }

                standing.Add(e);
            }
        }

        return standing;
    }

    private IEnumerable<Fact> FactsOf(Story story) => story.ChainOrderId is { } id ? _facts[id] : [];

    private static EventType[] LogsOf(Ending ending) => ending switch
    {
        Ending.Canceled => [EventType.OrderCreated, EventType.OrderRejected],
        Ending.Refunded => [EventType.OrderCreated, EventType.OrderPaid, EventType.OrderRejected],
        Ending.Completed => [EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted],
        _ => [],
    };

    private static bool IsInOrder(IEnumerable<EventType> types)
    {
        var ranks = types.Select(type => Rank[type]).ToList();
        return ranks.SequenceEqual(ranks.Order());
    }

    private void Add(Wrong wrong, string what) => _findings.Add(new Finding(wrong, what));
}
