using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>
/// An agent's events, one after another, each at least once. An event counts as handled, and is acknowledged, when all handlers have completed and
/// every reader has come back for the next. A lost connection is restored (after 1, 2, 4, 8, 16, 30, 30 … s ±20 %) and goes on after the last
/// handled event. Handlers run one event at a time: a slow one delays what follows, and loses nothing. A handler that throws is reported on
/// <see cref="Error"/> and not called again with that event, which is acknowledged like any other: retry inside the handler what is worth it.
/// </summary>
public sealed partial class EventStream : IAsyncDisposable
{
    /// <summary>Begin with the oldest event that the relayer keeps.</summary>
    public const string Oldest = "oldest";

    // Handlers are registered one after another: the first event waits until registering has paused, so that all of them see it.
    private static readonly TimeSpan RegistrationPause = TimeSpan.FromMilliseconds(50);

    private readonly Subscription _subscription;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<Received> _received = Channel.CreateUnbounded<Received>(); // the server stops at 1,000 unacknowledged
    private readonly SemaphoreSlim _registrations = new(0);
    private readonly ConcurrentDictionary<Channel<Offer>, bool> _readers = new();
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImmutableArray<Handler> _handlers = [];
    private Task _running = Task.CompletedTask;
    private string _cursor;

    private EventStream(Subscription subscription, TimeProvider time, string cursor)
    {
        _subscription = subscription;
        _time = time;
        _cursor = cursor;
    }

    /// <summary>Something went wrong: a handler threw, the connection was lost, or the stream has ended.</summary>
    public event EventHandler<StreamErrorEventArgs>? Error;

    /// <summary>Events are lost because the cursor was too old; what follows is complete again.</summary>
    public event EventHandler<StreamGapEventArgs>? Gap;

    /// <summary>Where to go on: after the last handled event, or later where the relayer has said that nothing came since. Save it, and pass it as
    /// <c>after</c> the next time; an inbox does that by itself.</summary>
    public string Cursor => Volatile.Read(ref _cursor);

    /// <summary>Completes when the stream is disposed; fails when it ended for good, as for a rotated key.</summary>
    public Task Completion => _completion.Task;

    /// <summary>
    /// Calls a handler for each event of a type. Register all handlers one after another, with nothing awaited in between: the first event waits
    /// until registering has paused for 50 ms, and a handler that comes later misses what was handled before.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="handler">
    /// Its exceptions go to <see cref="Error"/> and disturb nobody else; a handler that throws counts as completed. The token says that the stream is
    /// being disposed.
    /// </param>
    public void On(EventType type, Func<CapEvent, CancellationToken, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Register(new Handler(type, handler));
    }

    /// <inheritdoc cref="On(EventType, Func{CapEvent, CancellationToken, Task})"/>
    public void On(EventType type, Func<CapEvent, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Register(new Handler(type, (e, _) => handler(e)));
    }

    /// <summary>Calls a handler for every event; see <see cref="On(EventType, Func{CapEvent, CancellationToken, Task})"/>.</summary>
    public void OnAny(Func<CapEvent, CancellationToken, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Register(new Handler(Type: null, handler));
    }

    /// <inheritdoc cref="OnAny(Func{CapEvent, CancellationToken, Task})"/>
    public void OnAny(Func<CapEvent, Task> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Register(new Handler(Type: null, (e, _) => handler(e)));
    }

    /// <summary>The events as a sequence. An event is handled when the loop comes back for the next one, or is left.</summary>
    /// <param name="cancellationToken">Ends the sequence with <see cref="OperationCanceledException"/>; the stream goes on.</param>
    /// <exception cref="CapApiException">The stream ended for good.</exception>
    public async IAsyncEnumerable<CapEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var offers = Channel.CreateUnbounded<Offer>(); // holds one at most: the next comes when this one is answered
        _readers[offers] = true;
        if (_completion.Task.IsCompleted)
        {
            Complete(offers);
        }

        _registrations.Release();
        try
        {
            await foreach (var offer in offers.Reader.ReadAllAsync(cancellationToken))
            {
                try
                {
                    yield return offer.Event;
                }
                finally
                {
                    offer.Taken.TrySetResult(true);
                }
            }
        }
        finally
        {
            _readers.TryRemove(offers, out _);
            offers.Writer.TryComplete();
            while (offers.Reader.TryRead(out var offer))
            {
                offer.Taken.TrySetResult(false);
            }
        }
    }

    /// <summary>Ends the stream. A handler that is running gets its token cancelled and is not waited for; its event comes again the next time.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_stop.IsCancellationRequested)
        {
            await _stop.CancelAsync();
        }

        await _running;
    }

    private void Register(Handler handler)
    {
        ImmutableInterlocked.Update(ref _handlers, static (handlers, added) => handlers.Add(added), handler);
        _registrations.Release();
    }

    private async Task DispatchAllAsync()
    {
        try
        {
            await WaitForRegistrationsAsync();
            await foreach (var received in _received.Reader.ReadAllAsync(_stop.Token))
            {
                if (received.Event is { } e)
                {
                    await HandleAsync(e);
                }
                else
                {
                    await MoveAsync(received);
                }
            }

            _completion.TrySetResult();
        }
        catch (OperationCanceledException)
        {
            _completion.TrySetResult();
        }
        catch (Exception e)
        {
            // A refusal, an inbox that cannot be written, or a defect of ours: either way nobody may wait for an end that does not come.
            _completion.TrySetException(e);
            _ = _completion.Task.Exception; // observed: who wants to know has Error, ReadAllAsync and Completion
            if (!_received.Reader.Completion.IsCompleted)
            {
                Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(e, @event: null, isFinal: true)));
                await _stop.CancelAsync();
            }
        }

        foreach (var reader in _readers.Keys)
        {
            Complete(reader);
        }
    }

    private async Task HandleAsync(CapEvent e)
    {
        if (_subscription.Inbox is not { } inbox)
        {
            await DispatchAsync(e);
        }
        else
        {
            if (!await inbox.ContainsAsync(e.EventId, _stop.Token))
            {
                await DispatchAsync(e);
            }

            await inbox.SaveAsync(e.Cursor, e.EventId, _stop.Token);
        }

        Volatile.Write(ref _cursor, e.Cursor);
        await HandledAsync(e.Seq);
    }

    /// <summary>A gap, or the news that nothing more came up to here.</summary>
    private async Task MoveAsync(Received received)
    {
        if (received.Gap is { } gap)
        {
            Raise(() => Gap?.Invoke(this, gap));
        }

        // What was handled while the news was on its way counts, unless it was of another log.
        var position = received.Position ?? Cursor;
        position = received.IsOtherLog ? position : LogPosition.Later(Cursor, position);
        if (position != Cursor)
        {
            if (_subscription.Inbox is { } inbox)
            {
                await inbox.SaveAsync(position, eventId: null, _stop.Token);
            }

            Volatile.Write(ref _cursor, position);
        }
    }

    private async Task WaitForRegistrationsAsync()
    {
        var first = await Task.WhenAny(_registrations.WaitAsync(_stop.Token), _received.Reader.Completion);
        await first;
        while (await _registrations.WaitAsync(TimeSpan.Zero, _stop.Token))
        {
            await Task.Delay(RegistrationPause, _time, _stop.Token);
        }
    }

    private async Task DispatchAsync(CapEvent e)
    {
        var called = 0;
        while (true)
        {
            for (; called < _handlers.Length; called++)
            {
                await CallAsync(_handlers[called], e);
            }

            // A reader that left before it saw the event does not count: without anybody, whoever comes next begins with it.
            if (await OfferToReadersAsync(e) || called > 0)
            {
                return;
            }

            await WaitForRegistrationsAsync();
        }
    }

    private async Task CallAsync(Handler handler, CapEvent e)
    {
        if (handler.Type is not null && handler.Type != e.Type)
        {
            return;
        }

        try
        {
            await handler.Call(e, _stop.Token).WaitAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception thrown)
        {
            Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(thrown, e, isFinal: false)));
        }
    }

    private async Task<bool> OfferToReadersAsync(CapEvent e)
    {
        var offers = new List<Task<bool>>();
        foreach (var reader in _readers.Keys)
        {
            var offer = new Offer(e, new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
            if (reader.Writer.TryWrite(offer))
            {
                offers.Add(offer.Taken.Task);
            }
        }

        var taken = await Task.WhenAll(offers).WaitAsync(_stop.Token);
        return taken.Contains(true);
    }

    private void Complete(Channel<Offer> reader) => reader.Writer.TryComplete(_completion.Task.Exception?.InnerException);

    // What a listener of our own events throws has nowhere to go.
    private static void Raise(Action raise)
    {
        try
        {
            raise();
        }
        catch (Exception)
        {
        }
    }

    /// <summary>What the stream is of.</summary>
    internal sealed record Subscription(
        Uri Address, string Key, string? After, string? Audience, IReadOnlyList<string>? Types, IInboxStore? Inbox);

    private sealed record Handler(EventType? Type, Func<CapEvent, CancellationToken, Task> Call);

    private sealed record Offer(CapEvent Event, TaskCompletionSource<bool> Taken);

    private sealed record Received(CapEvent? Event = null, StreamGapEventArgs? Gap = null, string? Position = null, bool IsOtherLog = false);
}
