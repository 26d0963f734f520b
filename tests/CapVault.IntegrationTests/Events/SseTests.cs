using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>GET /events as Server-Sent Events, line by line.</summary>
public sealed class SseTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_says_where_it_begins_when_to_come_back_and_then_each_event()
    {
        var pair = await sandbox.NewPairAsync();
        using var readers = new LogReaders(sandbox.Relayer.Url, pair.Provider);
        var start = await sandbox.HeadAsync();
        using var response = await readers.OpenSseAsync(start, CancellationToken.None);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var negotiation = await pair.NegotiateAsync();

        var head = await ReadAsync(lines, 3);
        var block = await ReadAsync(lines, 4);

        response.StatusCode.Should().Be(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.Should().Be("text/event-stream");
        response.Headers.CacheControl!.NoStore.Should().BeTrue();
        head.Should().Equal("retry: 2000", $"id: {start}", "");
        var (listed, _, _) = await pair.Provider.Client.ListEventsAsync(new() { After = start });
        block[0].Should().Be($"id: {listed[0].Cursor}");
        block[1].Should().Be("event: negotiation_created");
        block[2].Should().StartWith("data: {").And.Contain(negotiation.NegotiationId).And.Contain(listed[0].EventId);
        block[3].Should().BeEmpty();
    }

    [Fact]
    public async Task While_nothing_happens_a_comment_comes_every_15_seconds_and_a_newer_id_where_others_were_told()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var other = await sandbox.NewAgentAsync("other");
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);
        var start = await sandbox.HeadAsync();
        using var response = await readers.OpenSseAsync(start, CancellationToken.None);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        await ReadAsync(lines, 3);
        var opened = TimeProvider.System.GetTimestamp();
        await sandbox.AddEventsAsync(other.AgentId, 3);

        var beat = await ReadAsync(lines, 3);

        TimeProvider.System.GetElapsedTime(opened).Should().BeCloseTo(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(3));
        beat[0].Should().StartWith(":");
        beat[1].Should().StartWith("id: ").And.NotBe($"id: {start}");
        (await agent.Client.ListEventsAsync(new() { After = beat[1][4..] })).Events.Should().BeEmpty("it is a cursor");
    }

    [Fact]
    public async Task The_last_id_goes_before_the_cursor_in_the_address()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, 3);
        var cursors = new List<string>();
        await foreach (var e in readers.SseAsync(start, CancellationToken.None))
        {
            cursors.Add(e.Cursor);
            if (cursors.Count == 3)
            {
                break;
            }
        }

        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{sandbox.Relayer.Url}/api/v1/events?after={start}&types=negotiation_created");
        request.Headers.Add("Accept", "application/json;q=0.1, text/event-stream");
        request.Headers.Add("Last-Event-ID", cursors[1]);
        request.Headers.Add("Authorization", $"Bearer {agent.Key}");
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());

        (await ReadAsync(lines, 4))[3].Should().Be($"id: {cursors[2]}");
    }

    [Theory]
    [InlineData("999:1", HttpStatusCode.Gone, ErrorCodes.CursorExpired)]
    [InlineData("yesterday", HttpStatusCode.BadRequest, ErrorCodes.ValidationError)]
    public async Task A_bad_cursor_is_answered_before_the_stream_begins(string lastEventId, HttpStatusCode status, string code)
    {
        var agent = await sandbox.NewAgentAsync("agent");
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);

        using var response = await readers.OpenSseAsync(lastEventId, CancellationToken.None);

        response.StatusCode.Should().Be(status);
        response.Content.Headers.ContentType!.MediaType.Should().Be("application/json");
        (await response.Content.ReadAsStringAsync()).Should().Contain(code);
    }

    [Fact]
    public async Task It_ends_when_the_relayer_stops()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);
        using var response = await readers.OpenSseAsync("tail", CancellationToken.None);
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        await ReadAsync(lines, 3);

        var stopping = sandbox.Relayer.StopAsync();
        (await lines.ReadToEndAsync().WaitAsync(Patience)).Should().BeEmpty();
        await stopping.WaitAsync(Patience);
        await sandbox.Relayer.StartAsync();
    }

    private static async Task<List<string>> ReadAsync(StreamReader lines, int count)
    {
        var read = new List<string>();
        while (read.Count < count)
        {
            read.Add((await lines.ReadLineAsync().WaitAsync(Patience))!);
        }

        return read;
    }
}
