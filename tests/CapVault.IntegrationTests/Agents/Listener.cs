using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What came over a stream, and the wait for what is to come.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<CapEvent> _heard = [];
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Listener(EventStream stream)
    {
        Stream = stream;
        stream.OnAny(e =>
        {
            lock (_heard)
            {
                _heard.Add(e);
                _next.TrySetResult();
                _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }

            return Task.CompletedTask;
        });
    }

    public EventStream Stream { get; }

    /// <summary>All events so far.</summary>
    public IReadOnlyList<CapEvent> Heard
    {
        get
        {
            lock (_heard)
            {
                return [.. _heard];
            }
        }
    }

    /// <summary>The types of all events so far.</summary>
    public IEnumerable<EventType> Types => Heard.Select(e => e.Type);

    /// <summary>The first event of a type about an order or a negotiation, which may have come already.</summary>
    /// <exception cref="TimeoutException">It does not come within 30 s.</exception>
    public Task<CapEvent> HearAsync(EventType type, string subject) =>
        HearAsync(e => e.Type == type && (e.OrderId == subject || e.NegotiationId == subject), $"{type} of {subject}");

    /// <summary>The first event that fits.</summary>
    /// <exception cref="TimeoutException">It does not come within 30 s.</exception>
    public async Task<CapEvent> HearAsync(Func<CapEvent, bool> fits, string expectation)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (true)
        {
            Task next;
            lock (_heard)
            {
                if (_heard.Find(e => fits(e)) is { } found)
                {
                    return found;
                }

                next = _next.Task;
            }

            try
            {
                await next.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException exception)
            {
                throw new TimeoutException($"Waited {Patience.TotalSeconds} s in vain for {expectation}; heard {string.Join(", ", Types)}.", exception);
            }
        }
    }

    public ValueTask DisposeAsync() => Stream.DisposeAsync();
}
