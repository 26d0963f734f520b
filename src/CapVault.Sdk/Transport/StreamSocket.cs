using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;

namespace CapVault.Sdk.Transport;

/// <summary>One WebSocket connection: frames in, frames out.</summary>
internal sealed class StreamSocket : IDisposable
{
    private const string SubProtocol = "cap.v1+json";
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(30);

    private readonly ClientWebSocket _socket = new();
    private readonly SemaphoreSlim _sending = new(1, 1); // a WebSocket takes one send at a time
    private readonly TimeProvider _time;
    private readonly ArrayBufferWriter<byte> _message = new();
    private TimeSpan _longestSilence = HandshakeTimeout;
    private CapApiException? _lastError;
    private Task _receiving = Task.CompletedTask;

    private StreamSocket(TimeProvider time) => _time = time;

    /// <summary>What the server said first.</summary>
    public StreamFrame Hello { get; private set; } = null!;

    /// <summary>Connects and takes the server's hello.</summary>
    /// <exception cref="StreamRefusedException">The key does not open this stream.</exception>
    /// <exception cref="CapApiException">Anything else that a later attempt may mend.</exception>
    public static async Task<StreamSocket> ConnectAsync(Uri address, string key, TimeProvider time, CancellationToken cancellationToken)
    {
        var connection = new StreamSocket(time);
        try
        {
            await connection.HandshakeAsync(address, key, cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // _sending stays: a sender may still be inside, and without a wait handle it holds nothing.
    public void Dispose() => _socket.Dispose();

    public async Task SendAsync(StreamFrame frame, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(frame, CapJson.Options);
        await _sending.WaitAsync(cancellationToken);
        try
        {
            await _socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
        catch (Exception e) when (e is WebSocketException or InvalidOperationException) // the latter: closed or disposed meanwhile
        {
            throw Lost(e.Message, e);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>The next frame that is not a ping; with the event where it is one.</summary>
    /// <exception cref="StreamRefusedException">The server ended the stream for good.</exception>
    /// <exception cref="CapApiException">The connection is lost: closed, broken, silent for twice the heartbeat, or speaking something else.</exception>
    public async Task<(StreamFrame Frame, CapEvent? Event)> ReceiveAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var message = await ReadMessageAsync(cancellationToken);
            var frame = Parse<StreamFrame>(message);
            switch (frame.Frame)
            {
                case "ping":
                    await SendAsync(new StreamFrame { Frame = "pong", T = frame.T }, cancellationToken);
                    break;
                case "error":
                    _lastError = new CapApiException(0, frame.Code ?? ErrorCodes.InternalError, frame.Message ?? "The stream reported an error without saying which.");
                    return (frame, null);
                case "event":
                    return (frame, Parse<CapEvent>(message));
                default:
                    return (frame, null);
            }
        }
    }

    /// <summary>Says goodbye, and waits a moment for the answer: a socket that is cut at once may take the goodbye with it.</summary>
    public async Task CloseAsync()
    {
        if (_socket.State != WebSocketState.Open)
        {
            return;
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1), _time);
        try
        {
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, patience.Token);
            await _receiving.WaitAsync(patience.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or InvalidOperationException)
        {
            // It is gone already, which is what was wanted.
        }
    }

    private async Task HandshakeAsync(Uri address, string key, CancellationToken cancellationToken)
    {
        _socket.Options.SetRequestHeader("Authorization", "Bearer " + key);
        _socket.Options.AddSubProtocol(SubProtocol);
        _socket.Options.CollectHttpResponseDetails = true;
        _socket.Options.KeepAliveInterval = TimeSpan.Zero; // the protocol has its own heartbeat, which both sides act on
        using var patience = new CancellationTokenSource(HandshakeTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await _socket.ConnectAsync(address, both.Token);
        }
        catch (Exception e) when (e is WebSocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw NotConnected(address, (int)_socket.HttpStatusCode, e);
        }

        var (frame, _) = await ReceiveAsync(cancellationToken);
        Hello = frame.Frame == "hello" ? frame : throw Lost($"found frame '{frame.Frame}', expected hello first");
        if (frame.HeartbeatSeconds is > 0 and var heartbeat)
        {
            _longestSilence = TimeSpan.FromSeconds(2 * heartbeat);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadMessageAsync(CancellationToken cancellationToken)
    {
        _message.ResetWrittenCount();
        using var silence = new CancellationTokenSource(_longestSilence, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        while (true)
        {
            ValueWebSocketReceiveResult part;
            try
            {
                // Waited for with the token instead of given it: a cancelled receive aborts the socket, and the server would not hear a goodbye.
                var receiving = _socket.ReceiveAsync(_message.GetMemory(4096), CancellationToken.None).AsTask();
                _receiving = receiving;
                part = await receiving.WaitAsync(both.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw Lost($"nothing came for {_longestSilence.TotalSeconds:0} s, not even a ping");
            }
            catch (Exception e) when (e is WebSocketException or InvalidOperationException)
            {
                throw Lost(e.Message, e);
            }

            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw Closed();
            }

            _message.Advance(part.Count);
            if (part.EndOfMessage)
            {
                return _message.WrittenMemory;
            }
        }
    }

    private static T Parse<T>(ReadOnlyMemory<byte> message)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(message.Span, CapJson.Options) ?? throw new JsonException("found null, expected a frame");
        }
        catch (JsonException e)
        {
            throw Lost($"could not read a frame: {e.Message}", e);
        }
    }

    private CapApiException Closed()
    {
        var code = (int)(_socket.CloseStatus ?? WebSocketCloseStatus.Empty);
        var said = _lastError?.Reason ?? _socket.CloseStatusDescription;
        var reason = $"The server closed the stream with {code}{(string.IsNullOrEmpty(said) ? "" : ": " + said)}.";
        return code switch
        {
            // Coming back with the same key or the same frames would end the same way, for ever.
            4400 => new StreamRefusedException(400, _lastError?.Code ?? ErrorCodes.ValidationError, reason),
            4401 => new StreamRefusedException(401, _lastError?.Code ?? ErrorCodes.InvalidApiKey, reason),
            4403 => new StreamRefusedException(403, _lastError?.Code ?? ErrorCodes.Forbidden, reason),
            _ => Lost(reason),
        };
    }

    private static CapApiException NotConnected(Uri address, int status, Exception cause) => status switch
    {
        429 => Lost($"{address} answered 429: this key has as many streams open as it may. Close one, or share one between the tasks of a process.", cause),
        401 => new StreamRefusedException(401, ErrorCodes.InvalidApiKey, $"{address} refused the SDK key: it is unknown or was rotated.", cause),
        403 => new StreamRefusedException(403, ErrorCodes.Forbidden, $"{address} refused the SDK key for this stream.", cause),
        0 => Lost($"could not reach {address} ({cause.Message}). Is the relayer running there, and is Config.WsUrl its stream?", cause),
        _ => Lost($"{address} answered {status}, expected 101. Is Config.WsUrl the whole address of the stream?", cause),
    };

    /// <summary>The connection is of no more use; another one may be.</summary>
    public static CapApiException Lost(string what, Exception? cause = null) =>
        new(0, ErrorCodes.RelayerUnavailable, "No stream: " + what, cause) { Retryable = true };
}

/// <summary>The stream is refused for good; connecting again cannot help.</summary>
internal sealed class StreamRefusedException(int httpStatus, string code, string reason, Exception? inner = null)
    : CapApiException(httpStatus, code, reason, inner);
