namespace CapVault.Sdk;

/// <summary>
/// Remembers across restarts which events an agent has handled, and where its stream goes on. One store belongs to one agent and one
/// selection of events. <see cref="EventStream"/> calls it for one event at a time: an event is looked up before its handlers are called, and
/// saved after they have completed and before it is acknowledged.
/// <para>
/// So a handler is called once per event, with one exception that no store can take away: when the process ends after the handler has had its
/// effect and before the event is saved, the event comes again. Steps of orders may be repeated without harm; anything else should be made so,
/// keyed by <see cref="CapEvent.EventId"/>.
/// </para>
/// </summary>
public interface IInboxStore
{
    /// <summary>The cursor that was saved last; null when there is none yet.</summary>
    ValueTask<string?> GetCursorAsync(CancellationToken cancellationToken);

    /// <summary>Whether an event was handled, as far back as the store remembers.</summary>
    ValueTask<bool> ContainsAsync(string eventId, CancellationToken cancellationToken);

    /// <summary>Saves how far the stream is; durable when it returns.</summary>
    /// <param name="cursor">Where the stream goes on.</param>
    /// <param name="eventId">The event that was handled; null when only the position has moved, past events of others or a gap.</param>
    /// <param name="cancellationToken">Ends the attempt; what it was about comes again.</param>
    ValueTask SaveAsync(string cursor, string? eventId, CancellationToken cancellationToken);
}
