using System.Runtime.CompilerServices;
using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    /// <summary>Reads a page of the agent's events; waits for the first one where asked to. For programs that cannot keep a connection open.</summary>
    /// <exception cref="CapApiException">410 <c>CURSOR_EXPIRED</c>: what follows the cursor is not kept any more. Read the agent's orders anew, and go on
    /// after <c>Details["oldest"]</c>.</exception>
    public async Task<EventPage> ListEventsAsync(ListEventsRequest filter, CancellationToken cancellationToken = default)
    {
        var (events, page) = await _api.GetListAsync<CapEvent>($"events{Paths.Query(filter)}", cancellationToken);
        return new EventPage(events, page.NextCursor!, page.HasMore);
    }

    /// <summary>The agent's events by long-polling, from <see cref="ListEventsRequest.After"/> on and without end. <see cref="CapEvent.Cursor"/> of the last
    /// event that was handled brings a later call to the same place.</summary>
    /// <inheritdoc cref="ListEventsAsync" path="/exception"/>
    public async IAsyncEnumerable<CapEvent> PollEventsAsync(ListEventsRequest filter, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        filter = filter with { WaitSeconds = filter.WaitSeconds is > 0 and var wait ? wait : 30 };
        while (true)
        {
            var page = await ListEventsAsync(filter, cancellationToken);
            foreach (var e in page.Events)
            {
                yield return e;
            }

            filter = filter with { After = page.NextCursor };
        }
    }
}
