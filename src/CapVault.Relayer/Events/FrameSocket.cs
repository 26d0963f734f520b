using System.Net.WebSockets;
using System.Text;
using CapVault.Sdk;

namespace CapVault.Relayer.Events;

/// <summary>A client's WebSocket: whole text messages in, whole text messages out, and an end that says why.</summary>
public sealed class FrameSocket(WebSocket socket) : IDisposable
{
    private const int MaxBytes = 16 * 1024;

    /// <summary>What fits into a control frame.</summary>
    private const int MaxReasonBytes = 123;

    private readonly SemaphoreSlim _sending = new(1, 1);
    // What clients send is an ack of 30 bytes: 16 KiB for each would be most of what an idle socket costs.
    private byte[] _buffer = new byte[512];

    /// <summary>The next message, good until the next call; null when the client says goodbye.</summary>
    /// <param name="fragment">Called for each fragment that adds nothing, of which a message could have endlessly many.</param>
    /// <param name="cancellationToken">Aborts the socket.</param>
    /// <exception cref="StreamException">A message that is binary or larger than 16 KiB.</exception>
    public async Task<ReadOnlyMemory<byte>?> ReceiveAsync(Action fragment, CancellationToken cancellationToken)
    {
        var length = 0;
        while (true)
        {
            if (length == _buffer.Length)
            {
                Array.Resize(ref _buffer, MaxBytes + 1);
            }

            var received = await socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken);
            length += received.Count;
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            if (received.MessageType == WebSocketMessageType.Binary)
            {
                throw new StreamException(CloseCodes.BadFrame, ErrorCodes.ValidationError, "found a binary frame, expected text");
            }

            if (length > MaxBytes)
            {
                throw new StreamException(CloseCodes.BadFrame, ErrorCodes.PayloadTooLarge, $"found a frame of more than {MaxBytes} bytes");
            }

            if (received.EndOfMessage)
            {
                return _buffer.AsMemory(0, length);
            }

            if (received.Count == 0)
            {
                fragment();
            }
        }
    }

    /// <summary>Sends a message; returns when the connection has taken it, which a client that does not read can put off for ever.</summary>
    public async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>
    /// Says why it ends and waits a moment for the answer: dropping the socket at once, or with something unread, resets it, and the client
    /// may never read why.
    /// </summary>
    /// <param name="code">Close code.</param>
    /// <param name="reason">For people; cut where a control frame ends.</param>
    /// <param name="receiving">Whoever receives: completes with the client's goodbye, or has failed already.</param>
    public async Task CloseAsync(int code, string reason, Task receiving)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await socket.CloseOutputAsync((WebSocketCloseStatus)code, Cut(reason), patience.Token);
            await Task.WhenAny(receiving.IsFaulted ? DrainAsync(patience.Token) : receiving, Task.Delay(Timeout.Infinite, patience.Token));
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            // It is gone already, or does not read.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _sending.Dispose();

    private async Task DrainAsync(CancellationToken cancellationToken)
    {
        while ((await socket.ReceiveAsync(_buffer.AsMemory(), cancellationToken)).MessageType != WebSocketMessageType.Close)
        {
        }
    }

    // By bytes: the reason may repeat what the client sent, in any script.
    private static string Cut(string reason)
    {
        var cut = new StringBuilder();
        var bytes = 0;
        foreach (var rune in reason.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > MaxReasonBytes)
            {
                break;
            }

            cut.Append(rune.ToString());
        }

        return cut.ToString();
    }
}
