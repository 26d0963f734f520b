namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    /// <summary>Opens the agent's event stream. Nothing is lost between this and the first handler.</summary>
    /// <param name="after">Cursor of the last event that was handled (<see cref="EventStream.Cursor"/>), <see cref="EventStream.Oldest"/>, or null for
    /// only what happens from now on. An <paramref name="inbox"/> that has a cursor of its own goes before.</param>
    /// <param name="audience">Null for the events that are told to the agent's side, <c>all</c> for every event of its own orders.</param>
    /// <param name="types">Types to receive, <c>*</c> as a suffix; null means all.</param>
    /// <param name="inbox">Remembers across restarts what was handled, so that the program needs to keep no cursor and a handler is called once per
    /// event; see <see cref="IInboxStore"/>. It stays the caller's to close, after the stream.</param>
    /// <param name="cancellationToken">Ends the attempt to connect, not the stream.</param>
    /// <exception cref="CapApiException">The first connection failed, or the relayer refused what was asked for (400: a cursor, type or audience that
    /// there is not). Later connections are retried until the stream is disposed.</exception>
    public Task<EventStream> ConnectWebSocketAsync(
        string? after = null,
        string? audience = null,
        IReadOnlyList<string>? types = null,
        IInboxStore? inbox = null,
        CancellationToken cancellationToken = default) =>
        EventStream.ConnectAsync(
            new EventStream.Subscription(_config.StreamAddress, _sdkKey, after, audience, types, inbox), _config.TimeProvider, cancellationToken);
}
