namespace CapVault.Relayer.Events;

/// <summary>
/// One reader's way through the log, whatever carries the events to it. It asks the database only while it is behind: after the feed has
/// said that there is something for it, until a page is not full.
/// </summary>
public sealed class EventSubscription : IDisposable
{
    private readonly EventFeed _feed;
    private readonly EventLog _events;
    private TaskCompletionSource _available = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isBehind = true;

    internal EventSubscription(EventFeed feed, EventLog events, EventReader reader, long epoch, long position)
    {
        _feed = feed;
        _events = events;
        Reader = reader;
        Epoch = epoch;
        Position = position;
    }

    /// <summary>Who reads.</summary>
    public EventReader Reader { get; }

    /// <summary>Of the log.</summary>
    public long Epoch { get; }

    /// <summary>All of the reader's events up to this number have been taken; it moves on also past those of others.</summary>
    public long Position { get; private set; }

    /// <summary><see cref="Position"/> as clients keep it.</summary>
    public string Cursor => EventLog.Cursor(Epoch, Position);

    /// <summary>Whether there may be more to take at once.</summary>
    public bool IsBehind
    {
        get
        {
            lock (_feed.Lock)
            {
                return _isBehind;
            }
        }
    }

    /// <summary>Completes when there may be something to take.</summary>
    public Task Available
    {
        get
        {
            lock (_feed.Lock)
            {
                return _isBehind ? Task.CompletedTask : _available.Task;
            }
        }
    }

    /// <summary>The reader's next events, oldest first; none if there are none now. One caller at a time.</summary>
    /// <exception cref="EventsForgottenException">Events after <see cref="Position"/> are not kept any more.</exception>
    public async Task<List<EventRow>> TakeAsync(int limit, CancellationToken cancellationToken)
    {
        long head;
        lock (_feed.Lock)
        {
            head = _feed.Head;
            if (!_isBehind)
            {
                Position = Math.Max(Position, head);
                return [];
            }

            _isBehind = false;
            if (_available.Task.IsCompleted)
            {
                _available = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        List<EventRow>? page = null;
        try
        {
            var rows = await _events.ReadAsync(Reader, Position, limit, cancellationToken);
            RequireKept();
            page = rows;
        }
        finally
        {
            if (page is null || page.Count == limit)
            {
                lock (_feed.Lock)
                {
                    _isBehind = true;
                }
            }
        }

        // Whatever was numbered up to head was there to be read.
        var last = page.Count == 0 ? Position : page[^1].Seq;
        Position = page.Count == limit ? last : Math.Max(last, head);
        return page;
    }

    /// <summary>Waits until there may be something to take; false if that takes longer than <paramref name="patience"/>.</summary>
    public async Task<bool> WaitAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Available, Task.Delay(patience, over.Token));
        await over.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        return IsBehind;
    }

    /// <summary>Goes on after the events that are gone, and returns the cursor of the last of them.</summary>
    public string SkipForgotten()
    {
        lock (_feed.Lock)
        {
            Position = Math.Max(Position, _feed.Oldest);
            _isBehind = true;
        }

        return Cursor;
    }

    /// <summary>Stops listening.</summary>
    public void Dispose() => _feed.Remove(this);

    /// <summary>Called under the feed's lock.</summary>
    internal void Wake()
    {
        _isBehind = true;
        _available.TrySetResult();
    }

    private void RequireKept()
    {
        lock (_feed.Lock)
        {
            if (Position < _feed.Oldest)
            {
                throw new EventsForgottenException();
            }
        }
    }
}

/// <summary>A reader was so slow that events which it has not read are not kept any more.</summary>
public sealed class EventsForgottenException() : Exception("Events that were not read yet are not kept any more.");
