using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Events;

/// <summary>
/// One WebSocket client: reads the log for it, as far as it acknowledges, and listens to it. Two loops share the socket (one sends,
/// one receives); whichever ends first ends the other.
/// </summary>
public sealed class StreamConnection(WebSocket socket, Caller caller, EventLog events, TimeProvider time, int heartbeatSeconds, ILogger log) : IDisposable
{
    private const int MaxFrameBytes = 16 * 1024;
    private const int PageSize = 200;

    /// <summary>A client that does not acknowledge is not read ahead for; nothing is dropped, it stays in the log.</summary>
    private const int MaxUnacknowledged = 1000;

    private const int BadFrame = 4400;
    private const int Unauthorised = 4401;
    private const int HeartbeatTimeout = 4408;
    private const int Restart = 1012;

    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Signal _changed = new();
    private readonly Queue<long> _unacknowledged = new();
    private readonly TimeSpan _heartbeat = TimeSpan.FromSeconds(heartbeatSeconds);
    private Subscription? _subscription;
    private long _heardAt = time.GetTimestamp();

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
            await CloseAsync((int)WebSocketCloseStatus.NormalClosure, "bye", receiving);
        }
        catch (StreamException exception)
        {
            await SendErrorAsync(exception);
            await CloseAsync(exception.CloseCode, exception.Message, receiving);
        }
        catch (OperationCanceledException) when (cut.IsCancellationRequested)
        {
            await CloseAsync(Unauthorised, "the key was revoked; connect with the new one", receiving);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await CloseAsync(Restart, "the relayer is stopping; reconnect shortly", receiving);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client went without saying so; its cursor brings it back.
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(loops).ContinueWith(task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            log.LogDebug("Stream of {KeyId} ended", caller.KeyId);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sending.Dispose();

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
                Oldest = EventLog.Cursor(bounds.Epoch, bounds.Oldest),
                HeartbeatSeconds = heartbeatSeconds,
            },
            cancellationToken);
    }

    /* FROM THE CLIENT */

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxFrameBytes];
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult received;
            do
            {
                if (length == buffer.Length)
                {
                    throw new StreamException(BadFrame, ErrorCodes.PayloadTooLarge, $"found a frame of more than {MaxFrameBytes} bytes");
                }

                received = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
                length += received.Count;
            }
            while (!received.EndOfMessage);

            if (received.MessageType == WebSocketMessageType.Close)
            {
                return;
            }

            Volatile.Write(ref _heardAt, time.GetTimestamp());
            await HandleAsync(Parse(buffer.AsSpan(0, length)), cancellationToken);
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
            throw new StreamException(BadFrame, ErrorCodes.ValidationError, "found a frame that is not JSON of this protocol; expected subscribe, ack or pong");
        }
    }

    private async Task HandleAsync(StreamFrame frame, CancellationToken cancellationToken)
    {
        switch (frame.Frame)
        {
            case "subscribe":
                await SubscribeAsync(frame, cancellationToken);
                break;
            case "ack":
                Acknowledge(frame.Seq ?? throw new StreamException(BadFrame, ErrorCodes.MissingRequiredField, "ack: found no seq, expected that of the last event that was handled"));
                break;
            case "ping":
                await SendAsync(new StreamFrame { Frame = "pong", T = frame.T }, cancellationToken);
                break;
            case "pong":
                break;
            default:
                throw new StreamException(BadFrame, ErrorCodes.ValidationError, "found an unknown frame; expected subscribe, ack, ping or pong");
        }
    }

    private async Task SubscribeAsync(StreamFrame frame, CancellationToken cancellationToken)
    {
        if (_subscription is not null)
        {
            throw new StreamException(BadFrame, ErrorCodes.ValidationError, "subscribe: found a second one; open another connection");
        }

        if (frame.Types?.Any(type => type is null) == true)
        {
            throw new StreamException(BadFrame, ErrorCodes.ValidationError, "types: found null, expected names of event types");
        }

        if (frame.Audience is not (null or "default" or "all"))
        {
            throw new StreamException(BadFrame, ErrorCodes.ValidationError, "audience: expected default or all");
        }

        var bounds = await events.BoundsAsync(cancellationToken);
        var after = await StartAsync(frame.After ?? "tail", bounds, cancellationToken);
        await SendAsync(
            new StreamFrame
            {
                Frame = "subscribed",
                Id = frame.Id,
                From = EventLog.Cursor(bounds.Epoch, after),
                To = EventLog.Cursor(bounds.Epoch, bounds.Head),
            },
            cancellationToken);
        _subscription = new Subscription(new EventReader(caller.AgentId, frame.Audience == "all"), frame.Types, bounds.Epoch, after);
        _changed.Set();
    }

    private async Task<long> StartAsync(string after, LogBounds bounds, CancellationToken cancellationToken)
    {
        if (after == "tail")
        {
            return bounds.Head;
        }

        if (EventLog.ParseCursor(after) is not var (epoch, seq))
        {
            throw new StreamException(BadFrame, ErrorCodes.ValidationError, "after: expected a cursor that this server gave, or tail");
        }

        if (epoch == bounds.Epoch && seq >= bounds.Oldest && seq <= bounds.Head)
        {
            return seq;
        }

        // What is lost is said, and the client goes on from what is kept: it must look its orders up once.
        await SendAsync(
            new StreamFrame { Frame = "gap", From = after, To = EventLog.Cursor(bounds.Epoch, bounds.Oldest), Reason = ErrorCodes.CursorExpired },
            cancellationToken);
        return bounds.Oldest;
    }

    private void Acknowledge(long seq)
    {
        lock (_unacknowledged)
        {
            while (_unacknowledged.TryPeek(out var oldest) && oldest <= seq)
            {
                _unacknowledged.Dequeue();
            }
        }

        _changed.Set();
    }

    /* TO THE CLIENT */

    private async Task SendEventsAsync(CancellationToken cancellationToken)
    {
        long sent = 0;
        var caughtUp = false;
        while (true)
        {
            var numbered = events.Numbered.Next;
            var changed = _changed.Next;
            if (_subscription is { } subscription && HasRoom())
            {
                var page = await events.ReadAsync(subscription.Reader, subscription.Position, PageSize, cancellationToken);
                foreach (var row in page)
                {
                    if (subscription.Wants(row.Type))
                    {
                        await SendEventAsync(subscription, row, sent, cancellationToken);
                        sent = row.Seq;
                    }

                    subscription.Position = row.Seq;
                }

                if (page.Count == PageSize)
                {
                    continue;
                }

                if (!caughtUp)
                {
                    caughtUp = true;
                    await SendAsync(new StreamFrame { Frame = "caught_up", Seq = subscription.Position }, cancellationToken);
                }
            }

            await Task.WhenAny(numbered, changed).WaitAsync(cancellationToken);
        }
    }

    private bool HasRoom()
    {
        lock (_unacknowledged)
        {
            return _unacknowledged.Count < MaxUnacknowledged;
        }
    }

    private async Task SendEventAsync(Subscription subscription, EventRow row, long previous, CancellationToken cancellationToken)
    {
        lock (_unacknowledged)
        {
            _unacknowledged.Enqueue(row.Seq);
        }

        var json = $$"""{"frame":"event","seq":{{row.Seq}},"prevSeq":{{previous}},"cursor":"{{EventLog.Cursor(subscription.Epoch, row.Seq)}}",{{row.Body.AsSpan(1)}}""";
        await SendAsync(Encoding.UTF8.GetBytes(json), cancellationToken);
    }

    private async Task HeartbeatAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(_heartbeat);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            if (time.GetElapsedTime(Volatile.Read(ref _heardAt)) > (_heartbeat * 2) - TimeSpan.FromMilliseconds(50))
            {
                throw new StreamException(HeartbeatTimeout, "HEARTBEAT_TIMEOUT", $"heard nothing for {heartbeatSeconds * 2} s; answer pings with pong");
            }

            await SendAsync(new StreamFrame { Frame = "ping", T = time.GetUtcNow().ToUnixTimeMilliseconds() }, cancellationToken);
        }
    }

    private Task SendAsync(StreamFrame frame, CancellationToken cancellationToken) =>
        SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame, CapJson.Options), cancellationToken);

    private async Task SendAsync(byte[] json, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(json, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

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

    private async Task CloseAsync(int code, string reason, Task receiving)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await socket.CloseOutputAsync((WebSocketCloseStatus)code, reason.Length <= 120 ? reason : reason[..120], patience.Token);
            // Until the client has answered: dropping the socket at once resets it, and the client may never read why.
            await Task.WhenAny(receiving, Task.Delay(Timeout.Infinite, patience.Token));
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }

    private sealed class Subscription(EventReader reader, IReadOnlyList<string>? types, long epoch, long position)
    {
        public EventReader Reader => reader;

        public long Epoch => epoch;

        public long Position { get; set; } = position;

        public bool Wants(string type) => types is null || types.Any(pattern =>
            pattern.EndsWith('*') ? type.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == type);
    }

    private sealed class StreamException(int closeCode, string code, string message) : Exception(message)
    {
        public int CloseCode => closeCode;

        public string Code => code;
    }
}
