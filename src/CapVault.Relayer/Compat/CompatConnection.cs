using System.Net.WebSockets;
using System.Text.Json;
using CapVault.Relayer.Events;
using CapVault.Sdk;

namespace CapVault.Relayer.Compat;

/// <summary>
/// One client of CROO's socket. It acknowledges nothing, so what has arrived is concluded: everything, where it says goodbye; otherwise what
/// was sent so long ago that a dead connection would have been noticed since. Some events may come twice, none is lost.
/// </summary>
public sealed class CompatConnection(string agentId, CompatCursor cursor, CompatCursors cursors, EventFeed feed, TimeProvider time, ILogger log)
{
    private const int PageSize = 200;
    private const int KeyRevoked = 4401;
    private const int Restart = 1012;

    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);

    /// <summary>
    /// CROO's client begins to listen a moment after its handshake: a frame that it reads together with the handshake's answer is lost in it, and
    /// so is one that comes before the program has put its handlers in place.
    /// </summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan StoreInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, string> WireNames = new(StringComparer.Ordinal)
    {
        [EventType.NegotiationCreated.Value] = "order_negotiation_created",
        [EventType.NegotiationRejected.Value] = "order_negotiation_rejected",
        [EventType.NegotiationExpired.Value] = "order_negotiation_expired",
        [EventType.OrderCreated.Value] = "order_created",
        [EventType.OrderPaid.Value] = "order_paid",
        [EventType.OrderCompleted.Value] = "order_completed",
        [EventType.OrderRejected.Value] = "order_rejected",
        [EventType.OrderExpired.Value] = "order_expired",
    };

    private readonly Queue<(long At, long Seq)> _sentUntil = new();
    private long _sent = cursor.Start;
    private long _received = cursor.Start;

    /// <summary>Everything up to here has certainly arrived.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Whether the client ended it, or answered when we did.</summary>
    public bool SaidGoodbye { get; private set; }

    /// <summary>Serves the client until it goes, goes silent, its key is revoked or the relayer stops.</summary>
    public async Task RunAsync(WebSocket socket, CancellationToken revoked, CancellationToken stopping, CancellationToken aborted)
    {
        // Two ways to end: sending stops between two events, so that nothing is cut in half; then the socket itself is given up.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(ended.Token, revoked, stopping);
        var receiving = ReceiveAsync(socket, ended.Token);
        var sending = SendEventsAsync(socket, leaving.Token, ended.Token);
        var keeping = KeepReceivedAsync(leaving.Token);
        await Task.WhenAny(receiving, sending, keeping);
        await leaving.CancelAsync();
        await Task.WhenAny(sending, Task.Delay(Patience, CancellationToken.None));
        await CloseAsync(socket, revoked.IsCancellationRequested ? KeyRevoked : stopping.IsCancellationRequested ? Restart : (int)WebSocketCloseStatus.NormalClosure, receiving);
        await ended.CancelAsync();
        await Task.WhenAll(receiving, sending, keeping).ContinueWith(task => Report(task.Exception), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    // That a client goes without a word is nothing to report.
    private void Report(AggregateException? failures)
    {
        foreach (var failure in failures?.InnerExceptions.Where(failure => failure is not (WebSocketException or IOException or ObjectDisposedException)) ?? [])
        {
            log.LogError(failure, "The socket of {KeyId} failed; its client comes back", cursor.KeyId);
        }
    }

    // Clients of CROO's send nothing. A close frame, of their own or in answer to ours, comes after all that they have read.
    private async Task ReceiveAsync(WebSocket socket, CancellationToken ended)
    {
        var buffer = new byte[256];
        while ((await socket.ReceiveAsync(buffer.AsMemory(), ended)).MessageType != WebSocketMessageType.Close)
        {
            // Passed over.
        }

        SaidGoodbye = true;
        Volatile.Write(ref _received, Volatile.Read(ref _sent));
    }

    private async Task SendEventsAsync(WebSocket socket, CancellationToken leaving, CancellationToken ended)
    {
        using var subscription = feed.Subscribe(new EventReader(agentId, All: false, [.. WireNames.Keys]), epoch: 0, cursor.Start);
        var since = (time.GetUtcNow() - MaxAge).ToUnixTimeMilliseconds();
        await Task.Delay(Settling, leaving);
        while (true)
        {
            foreach (var row in await TakeAsync(subscription, leaving))
            {
                leaving.ThrowIfCancellationRequested();
                if (row.CreatedAt >= since)
                {
                    await socket.SendAsync(Frame(row), WebSocketMessageType.Text, endOfMessage: true, ended);
                }

                Volatile.Write(ref _sent, row.Seq);
            }

            Volatile.Write(ref _sent, subscription.Position);
            await subscription.Available.WaitAsync(leaving);
        }
    }

    private static async Task<List<EventRow>> TakeAsync(EventSubscription subscription, CancellationToken cancellationToken)
    {
        try
        {
            return await subscription.TakeAsync(PageSize, cancellationToken);
        }
        catch (EventsForgottenException)
        {
            // They are far older than what is told here.
            subscription.SkipForgotten();
            return [];
        }
    }

    private static byte[] Frame(EventRow row)
    {
        var body = JsonSerializer.Deserialize<JsonElement>(row.Body);
        var data = new
        {
            type = WireNames[row.Type],
            order_id = Text("orderId"),
            negotiation_id = Text("negotiationId"),
            requester_agent_id = Text("requesterAgentId"),
            provider_agent_id = Text("providerAgentId"),
            service_id = Text("serviceId"),
            status = Text("status"),
            reason = Text("reason"),
        };
        return JsonSerializer.SerializeToUtf8Bytes(new { data }, CapJson.Options);

        string Text(string field) => body.TryGetProperty(field, out var value) ? value.GetString() ?? "" : "";
    }

    // Stored as it goes: a relayer that is killed does not get to say where its connections were.
    private async Task KeepReceivedAsync(CancellationToken leaving)
    {
        using var timer = new PeriodicTimer(StoreInterval);
        var stored = cursor.Start;
        while (await timer.WaitForNextTickAsync(leaving))
        {
            _sentUntil.Enqueue((time.GetTimestamp(), Volatile.Read(ref _sent)));
            while (_sentUntil.TryPeek(out var mark) && time.GetElapsedTime(mark.At) > cursors.NoticedAfter)
            {
                _sentUntil.Dequeue();
                Volatile.Write(ref _received, mark.Seq);
            }

            if (Received != stored)
            {
                stored = Received;
                await cursors.MoveAsync(cursor, stored);
            }
        }
    }

    private static async Task CloseAsync(WebSocket socket, int code, Task receiving)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            await socket.CloseOutputAsync((WebSocketCloseStatus)code, code == Restart ? "the relayer is stopping; reconnect shortly" : code == KeyRevoked ? "the key was revoked" : "bye", patience.Token);
            // Until the client has answered: dropping the socket at once resets it, and the client may never read why.
            await Task.WhenAny(receiving, Task.Delay(Timeout.Infinite, patience.Token));
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone already.
        }
    }
}
