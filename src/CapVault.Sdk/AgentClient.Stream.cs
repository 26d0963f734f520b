namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    /// <summary>Opens the agent's event stream. Nothing is lost between this and the first handler.</summary>
    /// <param name="after">Cursor of the last event that was handled (<see cref="EventStream.Cursor"/>), <see cref="EventStream.Oldest"/>, or null for
    /// only what happens from now on.</param>
    /// <param name="audience">Null for the events that are told to the agent's side, <c>all</c> for every event of its own orders.</param>
    /// <param name="types">Types to receive, <c>*</c> as a suffix; null means all.</param>
    /// <param name="cancellationToken">Ends the attempt to connect, not the stream.</param>
    /// <exception cref="CapApiException">The first connection failed; later ones are retried until the stream is disposed.</exception>
    public Task<EventStream> ConnectWebSocketAsync(
        string? after = null, string? audience = null, IReadOnlyList<string>? types = null, CancellationToken cancellationToken = default) =>
        EventStream.ConnectAsync(
            new EventStream.Subscription(_config.StreamAddress, _sdkKey, after, audience, types), _config.TimeProvider, cancellationToken);
}
