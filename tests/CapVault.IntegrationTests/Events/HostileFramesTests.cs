using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using CapVault.Relayer.Events;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>Clients that send what no client should, or do not read. Each is told why it is closed, and nobody else notices.</summary>
public sealed class HostileFramesTests(ImpatientSandbox sandbox) : IClassFixture<ImpatientSandbox>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static TheoryData<string, byte[], WebSocketMessageType> Messages()
    {
        var messages = new TheoryData<string, byte[], WebSocketMessageType>();
        void Add(string what, string text) => messages.Add(what, Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);
        messages.Add("binary", """{"frame":"ping"}"""u8.ToArray(), WebSocketMessageType.Binary);
        Add("empty", "");
        Add("a NUL", "\0");
        Add("null", "null");
        Add("an array", "[]");
        Add("a string", "\"ping\"");
        Add("no frame", "{}");
        Add("frame null", """{"frame":null}""");
        Add("frame a number", """{"frame":1}""");
        Add("a duplicate key", """{"frame":"ping","frame":"ack"}""");
        Add("a duplicate key in other case", """{"frame":"ping","Frame":"ack"}""");
        Add("a number as a string", """{"frame":"ack","seq":"1"}""");
        Add("a fraction", """{"frame":"ack","seq":1.5}""");
        Add("a number beyond 64 bits", """{"frame":"ack","seq":9223372036854775808}""");
        Add("a number that is not one", """{"frame":"ack","seq":NaN}""");
        Add("after a number", """{"frame":"subscribe","after":1}""");
        Add("types a string", """{"frame":"subscribe","types":"order_*"}""");
        Add("a type that there is not", """{"frame":"subscribe","types":["order_payed"]}""");
        Add("a type that is null", """{"frame":"subscribe","types":[null]}""");
        Add("no types at all", """{"frame":"subscribe","types":[]}""");
        Add("autoAck a string", """{"frame":"subscribe","autoAck":"yes"}""");
        Add("deep nesting", """{"frame":"ping","t":""" + new string('[', 2000) + new string(']', 2000) + "}");
        Add("a lone surrogate", """{"frame":"subscribe","after":"\ud800"}""");
        Add("a cursor in a long script", $$"""{"frame":"subscribe","after":"{{string.Concat(Enumerable.Repeat("😀", 200))}}"}""");
        Add("a comment", """{"frame":"ping"/* */}""");
        Add("two values", """{"frame":"ping"}{"frame":"ping"}""");
        Add("16 KiB and one byte", new string(' ', (16 * 1024) + 1));
        Add("a megabyte", new string('x', 1024 * 1024));
        return messages;
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public async Task Whatever_is_sent_the_answer_is_a_close_code(string what, byte[] message, WebSocketMessageType type)
    {
        var agent = await sandbox.NewAgentAsync("hostile");
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;

        await socket.SendBytesAsync(message, type);

        var frames = await socket.ReadToCloseAsync();
        socket.CloseCode.Should().Be(4400, $"it sent {what}");
        var error = frames.Should().ContainSingle(frame => frame.GetProperty("frame").GetString() == "error").Which;
        error.GetProperty("code").GetString().Should().BeOneOf(ErrorCodes.ValidationError, ErrorCodes.PayloadTooLarge);
    }

    [Theory]
    [InlineData(new byte[] { 0xC3, 0x28 })]
    [InlineData(new byte[] { 0xF0, 0x9F })]
    public async Task Text_that_is_not_UTF8_is_cut(byte[] text)
    {
        var agent = await sandbox.NewAgentAsync("hostile");
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;

        await socket.SendBytesAsync(text);

        // The framework says 1007 and resets the connection at once, so that it may not be read any more.
        try
        {
            await socket.ReadToCloseAsync();
            socket.CloseCode.Should().Be(1007);
        }
        catch (WebSocketException reset)
        {
            reset.WebSocketErrorCode.Should().Be(WebSocketError.ConnectionClosedPrematurely);
        }
    }

    [Fact]
    public async Task Sixteen_KiB_in_many_fragments_are_a_frame()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;
        var frame = Encoding.UTF8.GetBytes("""{"frame":"ping","t":7}""".PadRight(16 * 1024));

        foreach (var part in frame.Chunk(1000))
        {
            await socket.SendBytesAsync(part, endOfMessage: false);
        }

        await socket.SendBytesAsync([], endOfMessage: true);

        (await socket.ReceiveAsync("pong")).GetProperty("t").GetInt64().Should().Be(7);
    }

    [Theory]
    [InlineData("""{"frame":"ping","t":1}""")]
    [InlineData("""{"frame":"pong"}""")]
    [InlineData("""{"frame":"ack","seq":1}""")]
    public async Task Too_many_frames_that_answer_to_nothing_are_too_fast(string frame)
    {
        var agent = await sandbox.NewAgentAsync("hostile");
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;

        await FloodAsync(() => socket.SendTextAsync(frame));

        var frames = await socket.ReadToCloseAsync();
        socket.CloseCode.Should().Be(4429);
        frames.Should().Contain(answer => answer.GetProperty("frame").GetString() == "error" && answer.GetProperty("code").GetString() == ErrorCodes.RateLimited);
    }

    [Fact]
    public async Task Empty_fragments_without_end_are_too_fast()
    {
        var agent = await sandbox.NewAgentAsync("hostile");
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;

        await FloodAsync(() => socket.SendBytesAsync([], endOfMessage: false));

        await socket.ReadToCloseAsync();
        socket.CloseCode.Should().Be(4429);
    }

    [Fact]
    public async Task An_ack_for_each_event_is_never_too_fast()
    {
        const int count = 3000;
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, count);
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;
        await socket.SendAsync(new { frame = "subscribe", id = "s", after = start });

        for (var received = 0; received < count; received++)
        {
            await socket.SendAsync(new { frame = "ack", seq = (await socket.ReceiveAsync("event")).GetProperty("seq").GetInt64() });
        }

        (await socket.ReceiveAsync("caught_up")).GetProperty("seq").GetInt64().Should().BeGreaterThan(0);
    }

    [Fact]
    public async Task A_client_that_never_reads_is_dropped_and_disturbs_nobody()
    {
        const int count = 6000; // more than the buffers of both ends hold
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(
            Enumerable.Range(0, count).Select(i => LogWriter.Event($"evt_big_{i}", EventType.NegotiationCreated) with { ProviderAgentId = agent.AgentId, Reason = new string('x', 2000) }));
        using var deaf = await ConnectDeafAsync(
            agent.Key, "stream", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13");
        await deaf.SendAsync(Frame($$"""{"frame":"subscribe","after":"{{start}}","autoAck":true}"""));

        // It goes on answering pings that it has not read: silence is not what gives it away.
        var talking = Task.Run(async () =>
        {
            while (true)
            {
                await deaf.SendAsync(Frame("""{"frame":"pong"}"""));
                await Task.Delay(300);
            }
        });

        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;
        await socket.SendAsync(new { frame = "subscribe", id = "s", after = start, autoAck = true });
        for (var received = 0; received < count; received++)
        {
            await socket.ReceiveAsync("event");
        }

        await talking.Invoking(task => task.WaitAsync(Patience)).Should().ThrowAsync<SocketException>("the relayer has dropped it");
    }

    [Fact]
    public async Task A_client_of_SSE_that_never_reads_is_dropped_too()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(
            Enumerable.Range(0, 6000).Select(i => LogWriter.Event($"evt_sse_{i}", EventType.NegotiationCreated) with { ProviderAgentId = agent.AgentId, Reason = new string('x', 2000) }));
        using var deaf = await ConnectDeafAsync(agent.Key, $"events?after={start}", "Accept: text/event-stream");
        var connections = sandbox.Relayer.Services.GetRequiredService<LiveConnections>();
        await Eventually.TrueAsync(() => Task.FromResult(connections.IsOnline(agent.AgentId)), "the stream is open");
        await Task.Delay(TimeSpan.FromSeconds(10));

        await Eventually.TrueAsync(() => Task.FromResult(!connections.IsOnline(agent.AgentId)), "the relayer has dropped it");
    }

    [Fact]
    public async Task Frames_that_are_changed_by_chance_end_in_a_close_code_or_are_understood()
    {
        string[] valid =
        [
            """{"frame":"subscribe","id":"s","after":"tail","types":["order_*"],"audience":"all","autoAck":true}""",
            """{"frame":"subscribe","after":"1:0"}""",
            """{"frame":"ack","seq":12}""",
            """{"frame":"ping","t":1}""",
            """{"frame":"pong","t":1}""",
        ];
        var random = new Random(20260711);
        var agent = await sandbox.NewAgentAsync("hostile");
        for (var i = 0; i < 400; i++)
        {
            var frame = Encoding.UTF8.GetBytes(valid[random.Next(valid.Length)]);
            Change(frame, random);
            await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;
            try
            {
                await socket.SendBytesAsync(frame);
                await socket.SendTextAsync("""{"frame":"ping","t":77}""");
                while (await socket.ReceiveAsync() is { } answer && !(answer.GetProperty("frame").GetString() == "pong" && answer.GetProperty("t").GetInt64() == 77))
                {
                }

                ((int?[])[null, 4400, 1007]).Should().Contain(socket.CloseCode, $"it sent {Encoding.UTF8.GetString(frame)}");
            }
            catch (WebSocketException reset)
            {
                reset.WebSocketErrorCode.Should().Be(WebSocketError.ConnectionClosedPrematurely);
                Encoding.UTF8.GetString(frame).Should().Contain("\uFFFD", "only what breaks WebSocket itself may be reset");
            }
        }

        static void Change(byte[] frame, Random random)
        {
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(frame.Length);
                frame[at] = random.Next(3) switch
                {
                    0 => (byte)random.Next(256),
                    1 => (byte)"{}[]\":,0-9e.\\\0"[random.Next(14)],
                    _ => frame[random.Next(frame.Length)],
                };
            }
        }
    }

    [Fact]
    public async Task A_client_that_sends_one_byte_of_a_frame_and_no_more_is_silent()
    {
        var agent = await sandbox.NewAgentAsync("hostile");
        await using var socket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream;
        await socket.SendBytesAsync("{"u8.ToArray(), endOfMessage: false);

        await socket.ReadToCloseAsync();

        socket.CloseCode.Should().Be(4408);
    }

    [Fact]
    public async Task Streams_beyond_the_cap_are_refused_at_the_handshake()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var other = await sandbox.NewAgentAsync("other");
        var open = new List<RawStream>();
        try
        {
            for (var i = 0; i < 32; i++)
            {
                open.Add((await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream);
            }

            var socket = () => RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
            (await socket.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(System.Net.HttpStatusCode.TooManyRequests);
            using var readers = new LogReaders(sandbox.Relayer.Url, agent);
            using var sse = await readers.OpenSseAsync("tail", CancellationToken.None);
            sse.StatusCode.Should().Be(System.Net.HttpStatusCode.TooManyRequests);
            var poll = await sandbox.Api.GetAsync(agent.Key, "events?wait=1");
            poll.Code.Should().Be(ErrorCodes.RateLimited);
            poll.Headers.RetryAfter.Should().NotBeNull();
            (await sandbox.Api.GetAsync(agent.Key, "events")).Status.Should().Be(System.Net.HttpStatusCode.OK, "what does not wait holds nothing");
            await using var stranger = (await RawStream.ConnectAsync(sandbox.Relayer.Url, other.Key)).Stream;

            await open[0].DisposeAsync();
            await Eventually.TrueAsync(
                async () =>
                {
                    try
                    {
                        open.Add((await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key)).Stream);
                        return true;
                    }
                    catch (HttpRequestException)
                    {
                        return false;
                    }
                },
                "one that ended makes room for another");
        }
        finally
        {
            foreach (var stream in open)
            {
                await stream.DisposeAsync();
            }
        }
    }

    private static async Task FloodAsync(Func<Task> send)
    {
        try
        {
            for (var i = 0; i < 5000; i++)
            {
                await send();
            }
        }
        catch (WebSocketException)
        {
            // The relayer had enough of it before the end.
        }
    }

    /// <summary>A connection without a reader: the framework's clients would answer and buffer by themselves.</summary>
    private async Task<Socket> ConnectDeafAsync(string key, string path, string headers)
    {
        var address = new Uri(sandbox.Relayer.Url);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(address.Host, address.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET /api/v1/{path} HTTP/1.1\r\nHost: {address.Authority}\r\n{headers}\r\nAuthorization: Bearer {key}\r\n\r\n"));
        return socket;
    }

    // Masked with zeros, which changes nothing.
    private static byte[] Frame(string text) => [0x81, (byte)(0x80 | Encoding.UTF8.GetByteCount(text)), 0, 0, 0, 0, .. Encoding.UTF8.GetBytes(text)];
}
