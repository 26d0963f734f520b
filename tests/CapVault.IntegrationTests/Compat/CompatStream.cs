using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;

namespace CapVault.IntegrationTests;

/// <summary>CROO's socket without CROO's client. It reads all the time, and so answers pings, as that one does.</summary>
internal sealed class CompatStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly Channel<JsonElement> _frames = Channel.CreateUnbounded<JsonElement>();
    private Task _reading = Task.CompletedTask;

    /// <summary>The close code, once the server has closed.</summary>
    public int? CloseCode => (int?)_socket.CloseStatus;

    public WebSocketState State => _socket.State;

    /// <exception cref="HttpRequestException">The handshake was refused; its status says why.</exception>
    public static async Task<CompatStream> ConnectAsync(string url, string? key)
    {
        var stream = new CompatStream();
        stream._socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await stream._socket.ConnectAsync(new Uri($"ws://{new Uri(url).Authority}/ws{(key is null ? "" : $"?key={key}")}"), CancellationToken.None);
        }
        catch (WebSocketException exception)
        {
            throw new HttpRequestException("The handshake was refused.", exception, stream._socket.HttpStatusCode);
        }

        stream._reading = stream.ReadAsync();
        return stream;
    }

    /// <summary>What the next frame carries; null when the connection has ended.</summary>
    public async Task<JsonElement?> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _frames.Reader.WaitToReadAsync(patience.Token) && _frames.Reader.TryRead(out var frame) ? frame : null;
    }

    /// <summary>What comes up to and with the first frame of a negotiation; the negotiations in their order.</summary>
    public async Task<List<string>> ReadToAsync(string negotiationId)
    {
        var negotiations = new List<string>();
        while (!negotiations.Contains(negotiationId))
        {
            var frame = await ReceiveAsync() ?? throw new InvalidOperationException($"The connection ended with {CloseCode} after {string.Join(", ", negotiations)}.");
            negotiations.Add(frame.GetProperty("negotiation_id").GetString()!);
        }

        return negotiations;
    }

    /// <summary>Says goodbye, as CROO's client does.</summary>
    public async Task CloseAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "normal closure", patience.Token);
        await _reading.WaitAsync(patience.Token);
    }

    /// <summary>Breaks off without a word.</summary>
    public async Task AbortAsync()
    {
        _socket.Abort();
        await _reading;
    }

    public async ValueTask DisposeAsync()
    {
        await AbortAsync();
        _socket.Dispose();
    }

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await _socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None) is { MessageType: not WebSocketMessageType.Close } received)
            {
                await _frames.Writer.WriteAsync(JsonSerializer.Deserialize<JsonElement>(buffer.AsSpan(0, received.Count)).GetProperty("data"));
            }

            if (_socket.State == WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(_socket.CloseStatus!.Value, null, CancellationToken.None);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // It broke off.
        }

        _frames.Writer.Complete();
    }
}
