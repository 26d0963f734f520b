using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Events;

/// <summary>
/// One client of the stream: reads the log for it, as far as it acknowledges. Three loops share the socket (one sends events, one
/// receives, one keeps the heartbeat); whichever ends first ends the others.
/// </summary>
public sealed class StreamConnection(WebSocket socket, Caller caller, EventLog events, EventFeed feed, TimeProvider time, int heartbeatSeconds, ILogger log)
    : IDisposable
{
    private const int PageSize = 100;

    /// <summary>A client that does not acknowledge is not read ahead for; nothing is dropped, it stays in the log.</summary>
    private const int MaxUnacknowledged = 1000;

    /// <summary>Acks come one by one: near the limit, a query for each of them would cost more than this wait.</summary>
    private static readonly TimeSpan AckPause = TimeSpan.FromMilliseconds(10);

    private readonly FrameSocket _socket = new(socket);
    private readonly Signal _changed = new();
    private readonly Queue<long> _unacknowledged = new();
    private readonly FrameBudget _budget = new(time);
    private readonly TimeSpan _heartbeat = TimeSpan.FromSeconds(heartbeatSeconds);
    private EventSubscription? _subscription;
    private bool _autoAck;
    private long _heardAt = time.GetTimestamp();
    private volatile bool _tellPosition;

    /// <summary>Serves the client until it goes, goes silent, its key is revoked, or the relayer stops.</summary>
    public async Task RunAsync(CancellationToken cut, CancellationToken stopping, CancellationToken aborted)
    {
        // Not linked to the other two: cancelling a receive aborts the socket, and the client would not learn why.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        var receiving = Task.CompletedTask;
        Task[] loops = [];
        try
        {
            await SendHelloAsync(ended.Token);
            receiving = ReceiveAsync(ended.Token);
            loops = [receiving, SendEventsAsync(ended.Token), HeartbeatAsync(ended.Token)];
            await await Task.WhenAny(loops).WaitAsync(stopping).WaitAsync(cut);
            await _socket.CloseAsync((int)WebSocketCloseStatus.NormalClosure, "bye", receiving);
        }
        catch (StreamException exception)
        {
            await SendErrorAsync(exception);
            await _socket.CloseAsync(exception.CloseCode, exception.Message, receiving);
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested)
        {
            await _socket.CloseAsync(CloseCodes.Unauthorised, "the key was revoked; connect with the new one", receiving);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await _socket.CloseAsync(CloseCodes.Restart, "the relayer is stopping; reconnect shortly", receiving);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client went without saying so; its cursor brings it back. Or it broke WebSocket itself, and the framework has cut it.
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(loops).ContinueWith(task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            log.LogDebug("Stream of {KeyId} ended", caller.KeyId);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _subscription?.Dispose();
        _socket.Dispose();
    }

    private async Task SendHelloAsync(CancellationToken cancellationToken)
    {
        var bounds = await events.BoundsAsync(cancellationToken);
        await SendAsync(
            new StreamFrame
            {
                Frame = "hello",
                ConnectionId = Ids.New("con_"),
                ServerTime = time.GetUtcNow(),
                Head = EventLog.Cursor(bounds.Epoch, bounds.Head),
                Oldest = bounds.OldestCursor,
                HeartbeatSeconds = heartbeatSeconds,
            },
            cancellationToken);
    }

    /* FROM THE CLIENT */

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (await _socket.ReceiveAsync(_budget.Spend, cancellationToken) is { } message)
        {
            Volatile.Write(ref _heardAt, time.GetTimestamp());
            await HandleAsync(Parse(message.Span), cancellationToken);
        }
    }

    private static StreamFrame Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<StreamFrame>(json, CapJson.Strict) ?? throw new JsonException("found null");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new StreamException(CloseCodes.BadFrame, ErrorCodes.ValidationError, "found a frame that is not JSON of this protocol; expected subscribe, ack, ping or pong");
        }
    }

    private async Task HandleAsync(StreamFrame frame, CancellationToken cancellationToken)
    {
        // An ack of something is as frequent as what was sent; everything else is a client's own idea.
        if (frame is { Frame: "ack", Seq: { } seq } && Acknowledge(seq))
        {
            return;
        }

        _budget.Spend();
        switch (frame.Frame)
        {
            case "subscribe":
                await SubscribeAsync(frame, cancellationToken);
                break;
            case "ack" when frame.Seq is null:
                throw new StreamException(CloseCodes.BadFrame, ErrorCodes.MissingRequiredField, "ack: found no seq, expected that of the last event that was handled");
            case "ping":
                await SendAsync(new StreamFrame { Frame = "pong", T = frame.T }, cancellationToken);
                break;
            case "ack" or "pong":
                break;
            default:
                throw new StreamException(CloseCodes.BadFrame, ErrorCodes.ValidationError, "found an unknown frame; expected subscribe, ack, ping or pong");
        }
    }

    private async Task SubscribeAsync(StreamFrame frame, CancellationToken cancellationToken)
    {
        if (_subscription is not null)
        {
            throw new StreamException(CloseCodes.BadFrame, ErrorCodes.ValidationError, "subscribe: found a second one; open another connection");
        }

        try
        {
            var reader = EventReader.Of(caller, frame.Audience, frame.Types);
            var bounds = await events.BoundsAsync(cancellationToken);
            var after = bounds.Find(frame.After ?? "tail");
            if (after is null)
            {
                // What is lost is said, and the client goes on from what is kept: it must look its orders up once.
                await SendGapAsync(frame.After!, bounds.OldestCursor, cancellationToken);
            }

            var from = after ?? bounds.Oldest;
            await SendAsync(
                new StreamFrame
                {
                    Frame = "subscribed",
                    Id = frame.Id,
                    From = EventLog.Cursor(bounds.Epoch, from),
                    To = EventLog.Cursor(bounds.Epoch, bounds.Head),
                },
                cancellationToken);
            _autoAck = frame.AutoAck == true;
            _subscription = feed.Subscribe(reader, bounds.Epoch, from);
            _changed.Set();
        }
        catch (ApiException exception)
        {
            throw new StreamException(CloseCodes.BadFrame, exception.Code, exception.Message);
        }
    }

    /// <summary>Whether it acknowledges anything.</summary>
    private bool Acknowledge(long seq)
    {
        var acknowledged = false;
        lock (_unacknowledged)
        {
            while (_unacknowledged.TryPeek(out var oldest) && oldest <= seq)
            {
                _unacknowledged.Dequeue();
                acknowledged = true;
            }
        }

        if (acknowledged)
        {
            _changed.Set();
        }

        return acknowledged;
    }

    /* TO THE CLIENT */

    private async Task SendEventsAsync(CancellationToken cancellationToken)
    {
        var changed = _changed.Next;
        while (_subscription is null)
        {
            await changed.WaitAsync(cancellationToken);
            changed = _changed.Next;
        }

        var subscription = _subscription;
        long sent = 0;
        long told = -1;
        while (true)
        {
            changed = _changed.Next;
            var room = await RoomAsync(cancellationToken);
            if (room == 0)
            {
                await changed.WaitAsync(cancellationToken);
                continue;
            }

            foreach (var row in await TakeAsync(subscription, Math.Min(room, PageSize), cancellationToken))
            {
                await SendEventAsync(subscription, row, sent, cancellationToken);
                sent = row.Seq;
            }

            if (subscription.IsBehind)
            {
                continue;
            }

            if (told < 0 || (_tellPosition && subscription.Position > Math.Max(told, sent)))
            {
                told = subscription.Position;
                await SendAsync(new StreamFrame { Frame = "caught_up", Seq = told, Cursor = subscription.Cursor }, cancellationToken);
            }

            _tellPosition = false;
            await Task.WhenAny(subscription.Available, changed).WaitAsync(cancellationToken);
        }
    }

    private async Task<List<EventRow>> TakeAsync(EventSubscription subscription, int limit, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await subscription.TakeAsync(limit, cancellationToken);
            }
            catch (EventsForgottenException)
            {
                var from = subscription.Cursor;
                await SendGapAsync(from, subscription.SkipForgotten(), cancellationToken);
            }
        }
    }

    /// <summary>How many more events may be sent now.</summary>
    private async Task<int> RoomAsync(CancellationToken cancellationToken)
    {
        if (Room() is > 0 and < PageSize)
        {
            await Task.Delay(AckPause, cancellationToken);
        }

        return Room();

        int Room()
        {
            lock (_unacknowledged)
            {
                return MaxUnacknowledged - _unacknowledged.Count;
            }
        }
    }

    private async Task SendEventAsync(EventSubscription subscription, EventRow row, long previous, CancellationToken cancellationToken)
    {
        if (!_autoAck)
        {
            lock (_unacknowledged)
            {
                _unacknowledged.Enqueue(row.Seq);
            }
        }

        await _socket.SendAsync(Encoding.UTF8.GetBytes(row.ToJson(subscription.Epoch, $"\"frame\":\"event\",\"prevSeq\":{previous},")), cancellationToken);
    }

    private Task SendGapAsync(string from, string to, CancellationToken cancellationToken) =>
        SendAsync(new StreamFrame { Frame = "gap", From = from, To = to, Reason = ErrorCodes.CursorExpired }, cancellationToken);

    private async Task HeartbeatAsync(CancellationToken cancellationToken)
    {
        var tolerance = TimeSpan.FromMilliseconds(50);
        using var timer = new PeriodicTimer(_heartbeat);
        var ping = Task.CompletedTask;
        var pingedAt = time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (time.GetElapsedTime(Volatile.Read(ref _heardAt)) > (_heartbeat * 2) - tolerance)
            {
                throw new StreamException(CloseCodes.HeartbeatTimeout, "HEARTBEAT_TIMEOUT", $"heard nothing for {heartbeatSeconds * 2} s; answer pings with pong");
            }

            if (ping.IsCompleted)
            {
                await ping;
                (ping, pingedAt) = (SendAsync(new StreamFrame { Frame = "ping", T = time.GetUtcNow().ToUnixTimeMilliseconds() }, cancellationToken), time.GetTimestamp());
                _tellPosition = true;
                _changed.Set();
            }
            else if (time.GetElapsedTime(pingedAt) > (_heartbeat * 2) - tolerance)
            {
                // It may still send, but a ping cannot be waited for behind what it does not read.
                throw new StreamException(CloseCodes.HeartbeatTimeout, "HEARTBEAT_TIMEOUT", $"nothing was read for {heartbeatSeconds * 2} s; read what the server sends");
            }
        }
    }

    private Task SendAsync(StreamFrame frame, CancellationToken cancellationToken) =>
        _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame, CapJson.Options), cancellationToken);

    private async Task SendErrorAsync(StreamException exception)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await SendAsync(new StreamFrame { Frame = "error", Code = exception.Code, Message = exception.Message, Fatal = true }, patience.Token);
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            // It does not read: the close code says the same.
        }
    }
}
