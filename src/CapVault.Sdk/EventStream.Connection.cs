using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class EventStream
{
    private const string SubscriptionId = "events";

    private StreamSocket? _socket;
    private long _lastReceived;

    internal static async Task<EventStream> ConnectAsync(Subscription subscription, TimeProvider time, CancellationToken cancellationToken)
    {
        var socket = await StreamSocket.ConnectAsync(subscription.Address, subscription.Key, time, cancellationToken);
        var stream = new EventStream(subscription, time, socket);
        stream._running = Task.WhenAll(Task.Run(stream.ReceiveAllAsync, CancellationToken.None), Task.Run(stream.DispatchAllAsync, CancellationToken.None));
        return stream;
    }

    private async Task ReceiveAllAsync()
    {
        var failures = 0;
        try
        {
            while (true)
            {
                try
                {
                    _socket ??= await StreamSocket.ConnectAsync(_subscription.Address, _subscription.Key, _time, _stop.Token);
                    await ReceiveAsync(_socket, subscribed: () => failures = 0);
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

    private async Task ReceiveAsync(StreamSocket socket, Action subscribed)
    {
        await socket.SendAsync(
            new StreamFrame
            {
                Frame = "subscribe",
                Id = SubscriptionId,
                After = Cursor,
                Audience = _subscription.Audience,
                Types = _subscription.Types,
            },
            _stop.Token);
        long? previous = null;
        while (true)
        {
            var (frame, e) = await socket.ReceiveAsync(_stop.Token);
            switch (frame.Frame)
            {
                case "subscribed":
                    subscribed();
                    break;
                case "event":
                    if (previous is not null && e!.PrevSeq is not null && e.PrevSeq != previous)
                    {
                        throw StreamSocket.Lost($"event {e.PrevSeq} is missing between {previous} and {e.Seq}");
                    }

                    previous = e!.Seq;
                    Enqueue(e);
                    break;
                case "gap":
                    previous = null;
                    _lastReceived = 0; // a restored relayer counts anew
                    _received.Writer.TryWrite(new Received(Event: null, new StreamGapEventArgs(frame.From, frame.To, frame.Reason ?? ErrorCodes.CursorExpired)));
                    break;
                case "error":
                    var complaint = new CapApiException(0, frame.Code ?? ErrorCodes.InternalError, frame.Message ?? "The stream reported an error.");
                    Raise(() => Error?.Invoke(this, new StreamErrorEventArgs(complaint, @event: null, isFinal: false)));
                    break;
                default:
                    break; // caught_up, and what a newer server adds
            }
        }
    }

    // After a reconnect the server begins after the last handled event: what still waits to be handled comes again.
    private void Enqueue(CapEvent e)
    {
        if (e.Seq > _lastReceived)
        {
            _lastReceived = e.Seq;
            _received.Writer.TryWrite(new Received(e, Gap: null));
        }
    }

    private async Task AcknowledgeAsync(CapEvent e)
    {
        if (Volatile.Read(ref _socket) is not { } socket)
        {
            return;
        }

        try
        {
            await socket.SendAsync(new StreamFrame { Frame = "ack", Seq = e.Seq }, _stop.Token);
        }
        catch (CapApiException)
        {
            // The receiving side sees the same loss and reconnects after this event's cursor, which says as much.
        }
    }
}
