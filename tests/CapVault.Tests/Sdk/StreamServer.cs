using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using CapVault.Sdk;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace CapVault.Tests.Sdk;

/// <summary>A real WebSocket endpoint on a loopback port whose side of the conversation the test speaks.</summary>
internal sealed class StreamServer : IAsyncDisposable
{
    private readonly Channel<ServerSide> _connections = Channel.CreateUnbounded<ServerSide>();
    private readonly WebApplication _app;

    private StreamServer(WebApplication app) => _app = app;

    /// <summary>When set, handshakes are refused with it.</summary>
    public int? RefuseWith { get; set; }

    public Uri Address => new(_app.Urls.Single());

    public static async Task<StreamServer> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        var app = builder.Build();
        var server = new StreamServer(app);
        app.UseWebSockets();
        app.MapGet("/api/v1/stream", server.ServeAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>The next client that connects.</summary>
    public async Task<ServerSide> AcceptAsync() => await _connections.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task ServeAsync(HttpContext context)
    {
        if (RefuseWith is { } status)
        {
            context.Response.StatusCode = status;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync("cap.v1+json");
        var side = new ServerSide(socket, context.Request.Headers.Authorization.ToString());
        await _connections.Writer.WriteAsync(side);
        await side.PumpAsync();
    }
}

/// <summary>The server's end of one connection.</summary>
internal sealed class ServerSide(WebSocket socket, string authorization)
{
    private readonly Channel<StreamFrame> _received = Channel.CreateUnbounded<StreamFrame>();
    private long _previous;

    public string Authorization => authorization;

    /// <summary>Takes frames until the connection ends, and answers a goodbye.</summary>
    public async Task PumpAsync()
    {
        try
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } part)
            {
                _received.Writer.TryWrite(JsonSerializer.Deserialize<StreamFrame>(buffer.AsSpan(0, part.Count), CapJson.Options)!);
            }

            _received.Writer.TryWrite(new StreamFrame { Frame = "closed" });
            if (socket.State == WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
            }
        }
        catch (WebSocketException)
        {
            _received.Writer.TryWrite(new StreamFrame { Frame = "cut" });
        }
    }

    public async Task SendAsync(object frame)
    {
        await socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame, CapJson.Options), WebSocketMessageType.Text, true, CancellationToken.None);
    }

    public Task HelloAsync(string head = "1:0", int heartbeatSeconds = 30) =>
        SendAsync(new StreamFrame { Frame = "hello", Head = head, Oldest = "1:0", HeartbeatSeconds = heartbeatSeconds });

    /// <summary>Greets, takes the subscription and confirms it.</summary>
    public async Task<StreamFrame> WelcomeAsync(string head = "1:0", int heartbeatSeconds = 30)
    {
        await HelloAsync(head, heartbeatSeconds);
        var subscribe = await ReceiveAsync();
        await SendAsync(new StreamFrame { Frame = "subscribed", Id = subscribe.Id });
        return subscribe;
    }

    public async Task EventAsync(long seq, EventType type, string? eventId = null)
    {
        await SendAsync(new
        {
            frame = "event",
            seq,
            cursor = $"1:{seq}",
            prevSeq = _previous,
            eventId = eventId ?? $"evt_{seq}",
            type,
            occurredAt = DateTimeOffset.UnixEpoch,
            fieldOfANewerServer = 1,
        });
        _previous = seq;
    }

    public async Task<StreamFrame> ReceiveAsync() => await _received.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    /// <summary>The sequence numbers of the next acks.</summary>
    public async Task<IReadOnlyList<long?>> AcksAsync(int count)
    {
        var acks = new List<long?>();
        while (acks.Count < count)
        {
            var frame = await ReceiveAsync();
            frame.Frame.Should().Be("ack");
            acks.Add(frame.Seq);
        }

        return acks;
    }

    public Task CloseAsync(int code) => socket.CloseOutputAsync((WebSocketCloseStatus)code, "told by the test", CancellationToken.None);

    /// <summary>Cuts the connection as a dying process does.</summary>
    public void Cut() => socket.Abort();
}
