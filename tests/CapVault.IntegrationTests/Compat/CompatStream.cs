using System.Net.WebSockets;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>CROO's socket without CROO's client.</summary>
internal sealed class CompatStream : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[64 * 1024];

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

        return stream;
    }

    /// <summary>What the next frame carries; null when the server closes.</summary>
    public async Task<JsonElement?> ReceiveAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        var received = await _socket.ReceiveAsync(_buffer.AsMemory(), patience.Token);
        return received.MessageType == WebSocketMessageType.Close ? null : JsonSerializer.Deserialize<JsonElement>(_buffer.AsSpan(0, received.Count)).GetProperty("data");
    }

    /// <summary>What comes up to and with the first frame of a negotiation; the subjects in their order.</summary>
    public async Task<List<string>> ReadToAsync(string negotiationId)
    {
        var negotiations = new List<string>();
        while (!negotiations.Contains(negotiationId))
        {
            var frame = await ReceiveAsync() ?? throw new InvalidOperationException($"The server closed with {CloseCode}.");
            negotiations.Add(frame.GetProperty("negotiation_id").GetString()!);
        }

        return negotiations;
    }

    /// <summary>Says goodbye, as CROO's client does.</summary>
    public async Task CloseAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "normal closure", patience.Token);
    }

    /// <summary>Ends without a word, as far as TCP allows.</summary>
    public void Abort() => _socket.Abort();

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
