using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>A request as bytes: everything that a client library would repair or refuse can be sent. Text is Latin-1, a byte a character.</summary>
internal sealed record RawRequest(string Method, string Target)
{
    public List<(string Name, string Value)> Headers { get; init; } = [];

    /// <summary>As it goes over the wire, framed already.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>Whether the sender closes its side when it has sent this, as one that breaks off does.</summary>
    public bool BreaksOff { get; init; }

    /// <summary>A request of a well-behaved client.</summary>
    public static RawRequest Of(string method, string target, string? key, byte[]? body = null, string contentType = "application/json")
    {
        var request = new RawRequest(method, target) { Body = body ?? [] };
        request.Headers.Add(("Host", "localhost"));
        request.Headers.Add(("Connection", "close"));
        if (key is not null)
        {
            request.Headers.Add(("X-SDK-Key", key));
        }

        if (body is not null)
        {
            request.Headers.Add(("Content-Type", contentType));
            request.Headers.Add(("Content-Length", body.Length.ToString(CultureInfo.InvariantCulture)));
        }

        return request;
    }

    /// <summary>Without a header.</summary>
    public RawRequest Without(string name) => this with { Headers = [.. Headers.Where(header => !header.Name.Equals(name, StringComparison.OrdinalIgnoreCase))] };

    /// <summary>With one more header.</summary>
    public RawRequest With(string name, string value) => this with { Headers = [.. Headers, (name, value)] };

    /// <summary>With a header in place of those of its name.</summary>
    public RawRequest Set(string name, string value) => Without(name).With(name, value);

    /// <summary>As the beginning of a WebSocket.</summary>
    public RawRequest AsHandshake() => this with
    {
        Headers =
        [
            .. Without("Connection").Headers, ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
        ],
    };

    public byte[] ToBytes()
    {
        var head = new StringBuilder($"{Method} {Target} HTTP/1.1\r\n");
        foreach (var (name, value) in Headers)
        {
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        }

        return [.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. Body];
    }
}

/// <summary>What came back.</summary>
internal sealed record RawReply(int Status, IReadOnlyList<(string Name, string Value)> Headers, byte[] Bytes)
{
    public string Body => Encoding.UTF8.GetString(Bytes);

    public string? Header(string name) => Headers.FirstOrDefault(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    /// <summary>The body as JSON.</summary>
    public JsonElement Json() => JsonSerializer.Deserialize<JsonElement>(Bytes);

    /// <summary>The body as JSON, if it is.</summary>
    public bool TryJson([NotNullWhen(true)] out JsonElement? json)
    {
        json = null;
        try
        {
            json = JsonSerializer.Deserialize<JsonElement>(Bytes);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

/// <summary>HTTP/1.1 over a bare connection, one request each.</summary>
internal sealed class RawHttp(string url)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly int _port = new Uri(url).Port;

    public Task<RawReply?> SendAsync(RawRequest request) => SendAsync(request.ToBytes(), request.BreaksOff, hasBody: request.Method != "HEAD");

    /// <summary>Sends bytes and returns the first answer; null if the server closes without one.</summary>
    /// <exception cref="TimeoutException">There is neither in time.</exception>
    public async Task<RawReply?> SendAsync(byte[] bytes, bool breaksOff = false, bool hasBody = true)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, _port, patience.Token);
        var stream = client.GetStream();
        // Both at once: a server that has heard enough answers before it has read everything.
        var sending = SendAsync(client.Client, bytes, breaksOff, patience.Token);
        try
        {
            return await ReadAsync(stream, hasBody, patience.Token);
        }
        catch (OperationCanceledException exception)
        {
            throw new TimeoutException($"No answer within {Patience.TotalSeconds} s.", exception);
        }
        finally
        {
            client.Close();
            await sending;
        }
    }

    /// <summary>Sends bytes, closes its side, and returns all that comes until the server closes too.</summary>
    /// <exception cref="TimeoutException">It does not in time.</exception>
    public async Task<byte[]> FloodAsync(byte[] bytes)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, _port, patience.Token);
        var stream = client.GetStream();
        var sending = SendAsync(client.Client, bytes, breaksOff: true, patience.Token);
        using var received = new MemoryStream();
        try
        {
            await stream.CopyToAsync(received, patience.Token);
        }
        catch (IOException)
        {
            // The server has reset it: that is an end too.
        }
        catch (OperationCanceledException exception)
        {
            throw new TimeoutException($"Still open after {Patience.TotalSeconds} s.", exception);
        }
        finally
        {
            client.Close();
            await sending;
        }

        return received.ToArray();
    }

    private static async Task SendAsync(Socket socket, byte[] bytes, bool breaksOff, CancellationToken cancellationToken)
    {
        try
        {
            for (var sent = 0; sent < bytes.Length;)
            {
                sent += await socket.SendAsync(bytes.AsMemory(sent), cancellationToken);
            }

            if (breaksOff)
            {
                socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The server has closed: what it had to say is read beside.
        }
    }

    private static async Task<RawReply?> ReadAsync(NetworkStream stream, bool hasBody, CancellationToken cancellationToken)
    {
        var received = new List<byte>();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            if (Parse(received.ToArray(), hasBody) is { } reply)
            {
                return reply;
            }

            int count;
            try
            {
                count = await stream.ReadAsync(buffer, cancellationToken);
            }
            catch (IOException)
            {
                count = 0;
            }

            if (count == 0)
            {
                return received.Count == 0 ? null : throw new InvalidDataException($"The server closed within an answer: {Encoding.Latin1.GetString([.. received])}");
            }

            received.AddRange(buffer.AsSpan(0, count));
        }
    }

    /// <summary>The answer, once it is whole.</summary>
    private static RawReply? Parse(byte[] received, bool hasBody)
    {
        var end = received.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return null;
        }

        var lines = Encoding.Latin1.GetString(received, 0, end).Split("\r\n");
        var headers = lines.Skip(1).Select(line => line.Split(':', 2)).Select(pair => (Name: pair[0], Value: pair[1].Trim())).ToList();
        var reply = new RawReply(int.Parse(lines[0].Split(' ')[1], CultureInfo.InvariantCulture), headers, []);
        var body = received.AsSpan(end + 4);
        if (reply.Status is 100)
        {
            return Parse(body.ToArray(), hasBody);
        }

        if (!hasBody || reply.Status is 101 or 204 or 304)
        {
            return reply;
        }

        if (reply.Header("Transfer-Encoding") == "chunked")
        {
            return Unchunk(body) is { } whole ? reply with { Bytes = whole } : null;
        }

        var length = int.Parse(reply.Header("Content-Length") ?? "0", CultureInfo.InvariantCulture);
        return body.Length < length ? null : reply with { Bytes = body[..length].ToArray() };
    }

    private static byte[]? Unchunk(ReadOnlySpan<byte> body)
    {
        var whole = new List<byte>();
        while (true)
        {
            var line = body.IndexOf("\r\n"u8);
            if (line < 0)
            {
                return null;
            }

            var size = int.Parse(body[..line], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body = body[(line + 2)..];
            if (size == 0)
            {
                return [.. whole];
            }

            if (body.Length < size + 2)
            {
                return null;
            }

            whole.AddRange(body[..size]);
            body = body[(size + 2)..];
        }
    }
}
