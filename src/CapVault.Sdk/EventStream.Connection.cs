using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class EventStream
{
    private const string SubscriptionId = "events";

    // What was received in all, what was handled, and what the current connection has brought. Shared by the two loops.
    private readonly Lock _progress = new();
    private long _lastReceived;
    private long _lastHandled;
    private long _lastOfConnection;
    private StreamSocket? _socket;

    internal static async Task<EventStream> ConnectAsync(Subscription subscription, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = await StreamSocket.ConnectAsync(subscription.Address, subscription.Key, time, cancellationToken);
        try
        {
            var saved = subscription.Inbox is { } inbox ? await inbox.GetCursorAsync(cancellationToken) : null;
            var stream = new EventStream(subscription, time, saved ?? FirstCursor(subscription.After, socket.Hello));
            // Here, so that what the relayer refuses is the caller's own exception.
            await stream.SubscribeAsync(socket, cancellationToken);
            stream._socket = socket;
            stream._running = Task.WhenAll(Task.Run(stream.ReceiveAllAsync, CancellationToken.None), Task.Run(stream.DispatchAllAsync, CancellationToken.None));
            return stream;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string FirstCursor(string? after, StreamFrame hello) => after switch
    {
        null => hello.Head ?? "tail",
        Oldest => hello.Oldest ?? Oldest,
        var cursor => cursor,
    };

    private async Task ReceiveAllAsync()
    {
        var failures = 0;
        try
        {
            while (true)
            {
                try
                {
                    if (_socket is null)
                    {
                        _socket = await StreamSocket.ConnectAsync(_subscription.Address, _subscription.Key, _time, _stop.Token);
                        await SubscribeAsync(_socket, _stop.Token);
                        failures = 0;
                    }

                    await ReceiveAsync(_socket);
                }
                catch (CapApiException e) when (e is not StreamRefusedException)
                {
                    Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(e, @event: null, isFinal: false)));
                }

                Interlocked.Exchange(ref _socket, null)?.Dispose();
                failures++;
                await Task.Delay(Backoff.Delay(failures), _time, _stop.Token);
            }
        }
        catch (StreamRefusedException e)
        {
            Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(e, @event: null, isFinal: true)));
            _received.Writer.TryComplete(e);
        }
        catch (OperationCanceledException)
        {
            _received.Writer.TryComplete();
        }
        catch (Exception e)
        {
            Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(e, @event: null, isFinal: true)));
            _received.Writer.TryComplete(e);
        }

        if (Interlocked.Exchange(ref _socket, null) is { } last)
        {
            await last.CloseAsync();
            last.Dispose();
        }
    }

    /// <summary>Asks for what comes after the last handled event, and returns when the relayer has agreed.</summary>
    private async Task SubscribeAsync(StreamSocket socket, CancellationToken cancellationToken)
    {
        lock (_progress)
        {
            _lastOfConnection = 0;
        }

        await socket.SendAsync(
            new StreamFrame
            {
                Frame = "subscribe",
                Id = SubscriptionId,
                After = Cursor,
                Audience = _subscription.Audience,
                Types = _subscription.Types,
            },
            cancellationToken);
        while (true)
        {
            var (frame, _) = await socket.ReceiveAsync(cancellationToken);
            switch (frame.Frame)
            {
                case "subscribed":
                    return;
                case "gap":
                    TakeGap(frame);
                    break;
                default:
                    break; // an error says more with the close that follows it
            }
        }
    }

    private async Task ReceiveAsync(StreamSocket socket)
    {
        long? previous = null;
        while (true)
        {
            var (frame, e) = await socket.ReceiveAsync(_stop.Token);
            switch (frame.Frame)
            {
                case "event":
                    if (previous is not null && e!.PrevSeq is not null && e.PrevSeq != previous)
                    {
                        throw StreamSocket.Lost($"event {e.PrevSeq} is missing between {previous} and {e.Seq}");
                    }

                    previous = e!.Seq;
                    await TakeEventAsync(e);
                    break;
                case "caught_up":
                    _received.Writer.TryWrite(new Received(Position: frame.Cursor));
                    break;
                case "gap":
                    TakeGap(frame);
                    break;
                case "error":
                    var complaint = new CapApiException(0, frame.Code ?? ErrorCodes.InternalError, frame.Message ?? "The stream reported an error.");
                    Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(complaint, @event: null, isFinal: false)));
                    break;
                default:
                    break; // what a newer server adds
            }
        }
    }

    // After a reconnect the relayer begins after the last handled event: what still waits to be handled comes again, and counts as
    // unacknowledged again.
    private async Task TakeEventAsync(CapEvent e)
    {
        bool isNew;
        bool wasHandled;
        lock (_progress)
        {
            isNew = e.Seq > _lastReceived;
            wasHandled = e.Seq <= _lastHandled;
            _lastReceived = Math.Max(_lastReceived, e.Seq);
            _lastOfConnection = e.Seq;
        }

        if (isNew)
        {
            _received.Writer.TryWrite(new Received(e));
        }
        else if (wasHandled)
        {
            await AcknowledgeAsync(e.Seq);
        }
    }

    private void TakeGap(StreamFrame frame)
    {
        var isOtherLog = LogPosition.IsOtherLog(frame.From, frame.To);
        if (isOtherLog)
        {
            // Its numbers begin anew.
            lock (_progress)
            {
                (_lastReceived, _lastHandled, _lastOfConnection) = (0, 0, 0);
            }
        }

        var gap = new StreamGapEventArgs(frame.From, frame.To, frame.Reason ?? ErrorCodes.CursorExpired);
        _received.Writer.TryWrite(new Received(Gap: gap, Position: frame.To, IsOtherLog: isOtherLog));
    }

    private async Task HandledAsync(long seq)
    {
        bool isOfConnection;
        lock (_progress)
        {
            _lastHandled = seq;
            isOfConnection = seq <= _lastOfConnection;
        }

        // Otherwise another connection has brought it: when this one brings it again, it is acknowledged.
        if (isOfConnection)
        {
            await AcknowledgeAsync(seq);
        }
    }

    private async Task AcknowledgeAsync(long seq)
    {
        if (Volatile.Read(ref _socket) is not { } socket)
        {
            return;
        }

        try
        {
            await socket.SendAsync(new StreamFrame { Frame = "ack", Seq = seq }, _stop.Token);
        }
        catch (CapApiException)
        {
            // The receiving side sees the same loss and reconnects after this event's cursor, which says as much.
        }
    }
}
