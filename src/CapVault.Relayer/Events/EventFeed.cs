namespace CapVault.Relayer.Events;

/// <summary>
/// Wakes those readers of the log for whom there is something: a batch of one agent's events costs the sockets of all others nothing. What
/// it knows is a hint; what is there stands in the log.
/// </summary>
public sealed class EventFeed(EventLog events)
{
    private readonly Dictionary<string, HashSet<EventSubscription>> _byAgent = new(StringComparer.Ordinal);
    private readonly HashSet<EventSubscription> _operators = [];

    /// <summary>Guards everything here and the state of the subscriptions.</summary>
    internal Lock Lock { get; } = new();

    /// <summary>Number of the newest event; under <see cref="Lock"/>.</summary>
    internal long Head { get; private set; }

    /// <summary>Number of the newest event that is not kept any more; under <see cref="Lock"/>.</summary>
    internal long Oldest { get; private set; }

    /// <summary>Begins to read after <paramref name="position"/>.</summary>
    /// <param name="reader">Who reads, and what it wants.</param>
    /// <param name="epoch">The log's epoch, for cursors.</param>
    /// <param name="position">Number of the last event that the reader has.</param>
    public EventSubscription Subscribe(EventReader reader, long epoch, long position)
    {
        var subscription = new EventSubscription(this, events, reader, epoch, position);
        lock (Lock)
        {
            SetOf(reader).Add(subscription);
        }

        return subscription;
    }

    /// <summary>Looks what was numbered, by whichever process, and wakes whom it concerns.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        long after;
        lock (Lock)
        {
            after = Head;
        }

        var (head, agents) = await events.NewsAsync(after, cancellationToken);
        if (head > after)
        {
            Advance(head, agents);
        }
    }

    /// <summary>Events up to <paramref name="head"/> are numbered and committed.</summary>
    /// <param name="head">Number of the newest.</param>
    /// <param name="agents">Whom all concern that are new since <see cref="Head"/>.</param>
    public void Advance(long head, IReadOnlyCollection<string> agents)
    {
        lock (Lock)
        {
            Head = Math.Max(Head, head);
            foreach (var agent in agents)
            {
                if (_byAgent.TryGetValue(agent, out var subscriptions))
                {
                    Wake(subscriptions);
                }
            }

            Wake(_operators);
        }
    }

    /// <summary>Events up to <paramref name="oldest"/> are about to go. Said before they do, so that no reader takes their absence for silence.</summary>
    public void Forget(long oldest)
    {
        lock (Lock)
        {
            Oldest = Math.Max(Oldest, oldest);
        }
    }

    internal void Remove(EventSubscription subscription)
    {
        lock (Lock)
        {
            var set = SetOf(subscription.Reader);
            set.Remove(subscription);
            if (set.Count == 0 && subscription.Reader.AgentId is { } agentId)
            {
                _byAgent.Remove(agentId);
            }
        }
    }

    private static void Wake(HashSet<EventSubscription> subscriptions)
    {
        foreach (var subscription in subscriptions)
        {
            subscription.Wake();
        }
    }

    private HashSet<EventSubscription> SetOf(EventReader reader)
    {
        if (reader.AgentId is not { } agentId)
        {
            return _operators;
        }

        if (!_byAgent.TryGetValue(agentId, out var subscriptions))
        {
            _byAgent[agentId] = subscriptions = [];
        }

        return subscriptions;
    }
}
