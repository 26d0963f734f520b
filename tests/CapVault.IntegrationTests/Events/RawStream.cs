using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>A stream without the SDK: it sends what it is told, and answers nothing by itself.</summary>
internal sealed class RawStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

    /// <summary>The close code, once the server has closed.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    /// <summary>Connects and reads the hello.</summary>
    public static async Task<(RawStream Stream, JsonElement Hello)> ConnectAsync(string url, string? key, string? ticket = null)
    {
        var stream = new RawStream();
        stream._socket.Options.AddSubProtocol("cap.v1+json");
        if (key is not null)
        {
            stream._socket.Options.SetRequestHeader("Authorization", $"Bearer {key}");
        }

        stream._socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await stream._socket.ConnectAsync(new Uri($"ws://{new Uri(url).Authority}/api/v1/stream{(ticket is null ? "" : "?ticket=" + ticket)}"), CancellationToken.None);
        }
        catch (WebSocketException exception)
        {
            throw new HttpRequestException("The handshake was refused.", exception, stream._socket.HttpStatusCode);
        }

        return (stream, (await stream.ReceiveAsync())!.Value);
    }

    public Task SendAsync(object frame) => SendTextAsync(JsonSerializer.Serialize(frame));

    public Task SendTextAsync(string text) =>
        _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);

    /// <summary>Any bytes as any kind of message, or a part of one.</summary>
    public Task SendBytesAsync(byte[] bytes, WebSocketMessageType type = WebSocketMessageType.Text, bool endOfMessage = true) =>
        _socket.SendAsync(bytes, type, endOfMessage, CancellationToken.None);

    /// <summary>The next frame; null when the server closes.</summary>
    public async Task<JsonElement?> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var length = 0;
        ValueWebSocketReceiveResult received;
        do
        {
            received = await _socket.ReceiveAsync(_buffer.AsMemory(length), patience.Token);
            length += received.Count;
        }
        while (!received.EndOfMessage);
        return received.MessageType == WebSocketMessageType.Close ? null : JsonSerializer.Deserialize<JsonElement>(_buffer.AsSpan(0, length));
    }

    /// <summary>The next frame of a kind; others are passed over.</summary>
    public async Task<JsonElement> ReceiveAsync(string kind)
    {
        while (await ReceiveAsync() is { } frame)
        {
            if (frame.GetProperty("frame").GetString() == kind)
            {
                return frame;
            }
        }

        throw new InvalidOperationException($"The server closed with {CloseCode} instead of sending {kind}.");
    }

    /// <summary>Reads until the server closes, and returns the frames.</summary>
    public async Task<List<JsonElement>> ReadToCloseAsync()
    {
        var frames = new List<JsonElement>();
        while (await ReceiveAsync() is { } frame)
        {
            frames.Add(frame);
        }

        return frames;
    }

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
