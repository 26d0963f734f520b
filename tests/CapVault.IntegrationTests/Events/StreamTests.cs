using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that pings each second.</summary>
public sealed class ImpatientSandbox() : Sandbox(["HeartbeatSeconds=1"]);

/// <summary>The stream's protocol, frame by frame.</summary>
public sealed class StreamTests(ImpatientSandbox sandbox) : IClassFixture<ImpatientSandbox>
{
    [Fact]
    public async Task CR38_A_client_that_stops_answering_is_closed_and_may_come_back()
    {
        var pair = await sandbox.NewPairAsync();
        var (silent, hello) = await RawStream.ConnectAsync(sandbox.Relayer.Url, pair.Provider.Key);
        await using var first = silent;
        hello.GetProperty("heartbeatSeconds").GetInt32().Should().Be(1);
        await silent.SendAsync(new { frame = "subscribe", id = "s", after = "tail" });
        var heard = await pair.NegotiateAsync();
        var cursor = (await silent.ReceiveAsync("event")).GetProperty("cursor").GetString();

        var frames = await silent.ReadToCloseAsync();

        silent.CloseCode.Should().Be(4408);
        frames.Should().Contain(frame => frame.GetProperty("frame").GetString() == "ping");
        var missed = await pair.NegotiateAsync();
        var (back, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, pair.Provider.Key);
        await using var second = back;
        await back.SendAsync(new { frame = "subscribe", id = "s", after = cursor });
        (await back.ReceiveAsync("event")).GetProperty("negotiationId").GetString().Should().Be(missed.NegotiationId).And.NotBe(heard.NegotiationId);
    }

    [Fact]
    public async Task CR38_A_client_that_answers_stays()
    {
        var pair = await sandbox.NewPairAsync();
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, pair.Provider.Key);
        await using var socket = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s", after = "tail" });

        for (var beat = 0; beat < 4; beat++)
        {
            var ping = await stream.ReceiveAsync("ping");
            await stream.SendAsync(new { frame = "pong", t = ping.GetProperty("t").GetInt64() });
        }

        var negotiation = await pair.NegotiateAsync();
        (await stream.ReceiveAsync("event")).GetProperty("negotiationId").GetString().Should().Be(negotiation.NegotiationId);
    }

    [Fact]
    public async Task Two_connections_of_one_key_both_hear()
    {
        var pair = await sandbox.NewPairAsync();
        await using var one = await pair.Provider.ListenAsync();
        await using var two = await pair.Provider.ListenAsync();

        var negotiation = await pair.NegotiateAsync();

        var first = await one.HearAsync(EventType.NegotiationCreated, negotiation.NegotiationId);
        (await two.HearAsync(EventType.NegotiationCreated, negotiation.NegotiationId)).EventId.Should().Be(first.EventId);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("croo_sk_000000000000000000_0000000000000000000000000000000000000000000")]
    public async Task Without_a_valid_key_the_handshake_is_refused(string? key)
    {
        var connect = () => RawStream.ConnectAsync(sandbox.Relayer.Url, key);

        (await connect.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("""{"frame":"shout"}""")]
    [InlineData("""{"frame":"subscribe","id":"s","after":"yesterday"}""")]
    [InlineData("""{"frame":"subscribe","id":"s","after":"tail","audience":"everybody"}""")]
    [InlineData("""{"frame":"subscribe","id":"s","after":"tail","extra":1}""")]
    [InlineData("""{"frame":"ack"}""")]
    public async Task A_bad_frame_is_named_and_ends_the_connection(string frame)
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;

        await stream.SendTextAsync(frame);

        var complaint = (await stream.ReadToCloseAsync()).Should().ContainSingle(answer => answer.GetProperty("frame").GetString() == "error").Which;
        complaint.GetProperty("fatal").GetBoolean().Should().BeTrue();
        complaint.GetProperty("message").GetString().Should().Contain("expected").And.NotBeEmpty();
        stream.CloseCode.Should().Be(4400);
    }

    [Fact]
    public async Task A_giant_frame_ends_the_connection()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;

        await stream.SendTextAsync($$"""{"frame":"subscribe","id":"{{new string('x', 20 * 1024)}}"}""");

        (await stream.ReadToCloseAsync()).Should().Contain(frame => frame.GetProperty("frame").GetString() == "error");
        stream.CloseCode.Should().Be(4400);
    }

    [Fact]
    public async Task A_cursor_of_another_epoch_is_answered_with_a_gap()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.NegotiateAsync();
        var (stream, hello) = await RawStream.ConnectAsync(sandbox.Relayer.Url, pair.Provider.Key);
        await using var socket = stream;

        await stream.SendAsync(new { frame = "subscribe", id = "s", after = "999:1" });

        var gap = await stream.ReceiveAsync("gap");
        gap.GetProperty("reason").GetString().Should().Be(ErrorCodes.CursorExpired);
        gap.GetProperty("to").GetString().Should().Be(hello.GetProperty("oldest").GetString());
        (await stream.ReceiveAsync("event")).GetProperty("type").GetString().Should().Be("negotiation_created", "it goes on with what is kept");
    }

    [Fact]
    public async Task A_quiet_agents_cursor_does_not_grow_old_while_it_listens()
    {
        var agent = await sandbox.NewAgentAsync("quiet");
        var other = await sandbox.NewAgentAsync("other");
        await using var listener = await agent.ListenAsync();
        var first = listener.Stream.Cursor;

        await sandbox.AddEventsAsync(other.AgentId, 1);

        await Eventually.TrueAsync(() => Task.FromResult(listener.Stream.Cursor != first), "the cursor has moved past what another was told");
        listener.Heard.Should().BeEmpty();
    }

    [Fact]
    public async Task Nobody_is_read_ahead_for_without_limit_and_nothing_is_dropped()
    {
        const int limit = 1000;
        const int more = 50;
        var agent = await sandbox.NewAgentAsync("agent");
        await sandbox.AddEventsAsync(agent.AgentId, limit + more);
        var (stream, hello) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s", after = hello.GetProperty("oldest").GetString() });
        var seqs = new List<long>();
        while (seqs.Count < limit)
        {
            seqs.Add((await stream.ReceiveAsync("event")).GetProperty("seq").GetInt64());
        }

        // Nothing but pings until something is acknowledged.
        (await stream.ReceiveAsync())!.Value.GetProperty("frame").GetString().Should().Be("ping");
        await stream.SendAsync(new { frame = "ack", seq = seqs[^1] });
        while (seqs.Count < limit + more)
        {
            seqs.Add((await stream.ReceiveAsync("event")).GetProperty("seq").GetInt64());
        }

        seqs.Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task An_ack_makes_room_for_just_as_many()
    {
        const int limit = 1000;
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, limit + 20);
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s", after = start });
        var seqs = new List<long>();
        while (seqs.Count < limit)
        {
            seqs.Add((await stream.ReceiveAsync("event")).GetProperty("seq").GetInt64());
        }

        for (var acknowledged = 0; acknowledged < 3; acknowledged++)
        {
            await stream.SendAsync(new { frame = "ack", seq = seqs[acknowledged] });
            seqs.Add((await stream.ReceiveAsync("event")).GetProperty("seq").GetInt64());
            (await stream.ReceiveAsync())!.Value.GetProperty("frame").GetString().Should().Be("ping", "there is room for one");
        }

        await stream.SendAsync(new { frame = "ack", seq = seqs[^1] });
        while (seqs.Count < limit + 20)
        {
            seqs.Add((await stream.ReceiveAsync("event")).GetProperty("seq").GetInt64());
        }

        seqs.Should().Equal(seqs.Order().Distinct());
    }

    [Fact]
    public async Task Who_acknowledges_by_receiving_is_sent_everything()
    {
        const int count = 2500;
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, count);
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;

        await stream.SendAsync(new { frame = "subscribe", id = "s", after = start, autoAck = true });

        for (var received = 0; received < count; received++)
        {
            await stream.ReceiveAsync("event");
        }

        var caughtUp = await stream.ReceiveAsync("caught_up");
        caughtUp.GetProperty("cursor").GetString().Should().EndWith($":{caughtUp.GetProperty("seq").GetInt64()}");
    }
}
