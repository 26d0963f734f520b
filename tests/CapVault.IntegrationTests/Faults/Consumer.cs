using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>An agent's program that listens: one stream, one inbox file, and an effect per event that is saved together with it.</summary>
internal sealed class Consumer(Party party, string file) : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private readonly List<CapEvent> _effects = [];
    private FileInboxStore? _store;
    private EventStream? _stream;
    private int _gaps;

    public int EffectCount
    {
        get
        {
            lock (_effects)
            {
                return _effects.Count;
            }
        }
    }

    /// <summary>Starts it, again where it was started before: on the same file.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await DisposeAsync();
        _store = FileInboxStore.Open(file, capacity: 1_000_000);
        while (true)
        {
            try
            {
                var inbox = new EffectInbox(_store, Effect);
                _stream = await party.Client.ConnectWebSocketAsync(EventStream.Oldest, audience: "all", inbox: inbox, cancellationToken: cancellationToken);
                _stream.Gap += (_, _) => Interlocked.Increment(ref _gaps);
                _stream.OnAny(inbox.HandleAsync);
                return;
            }
            catch (CapApiException)
            {
                await Task.Delay(Pause, cancellationToken); // the relayer is away
            }
        }
    }

    public Inbox ToInbox()
    {
        lock (_effects)
        {
            return new Inbox(party.AgentId, [.. _effects], _gaps);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stream is { } stream)
        {
            _stream = null;
            await stream.DisposeAsync();
        }

        _store?.Dispose();
        _store = null;
    }

    private void Effect(CapEvent e)
    {
        lock (_effects)
        {
            _effects.Add(e);
        }
    }

    /// <summary>As a program does it that keeps inbox and effects in one place: there is no moment between the two at which it can be ended.</summary>
    private sealed class EffectInbox(FileInboxStore store, Action<CapEvent> effect) : IInboxStore
    {
        private CapEvent? _handled;

        public Task HandleAsync(CapEvent e)
        {
            _handled = e;
            return Task.CompletedTask;
        }

        public ValueTask<string?> GetCursorAsync(CancellationToken cancellationToken) => store.GetCursorAsync(cancellationToken);

        public ValueTask<bool> ContainsAsync(string eventId, CancellationToken cancellationToken) => store.ContainsAsync(eventId, cancellationToken);

        public async ValueTask SaveAsync(string cursor, string? eventId, CancellationToken cancellationToken)
        {
            await store.SaveAsync(cursor, eventId, cancellationToken);
            if (_handled is { } e && e.EventId == eventId)
            {
                effect(e);
            }

            _handled = null;
        }
    }
}
