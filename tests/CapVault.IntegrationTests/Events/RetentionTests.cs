using System.Net;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>What becomes of events, and of readers, when events grow old.</summary>
public sealed class RetentionTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const int Days31 = 31 * 24 * 3600;

    [Fact]
    public async Task Old_events_go_and_every_reader_that_missed_them_is_told()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, 2500);
        // One that got the first event and never said so: it is read ahead for until 1 000, and has not seen the rest.
        var (slow, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var slowSocket = slow;
        await slow.SendAsync(new { frame = "subscribe", id = "s", after = start });
        var seen = new List<long>();
        while (seen.Count < 1000)
        {
            seen.Add((await slow.ReceiveAsync("event")).GetProperty("seq").GetInt64());
        }

        await sandbox.Setup.AdvanceClockAsync(Days31);
        await sandbox.AddEventsAsync(agent.AgentId, 3, prefix: "young_");
        await Eventually.TrueAsync(async () => (await CountAsync("created_at < (SELECT max(created_at) FROM event) - 3600000", "event")) == 0, "old events are gone");

        // The live one: a gap, and then what is kept.
        await slow.SendAsync(new { frame = "ack", seq = seen[^1] });
        var gap = await slow.ReceiveAsync("gap");
        gap.GetProperty("reason").GetString().Should().Be(ErrorCodes.CursorExpired);
        var young = new List<string?>();
        while (young.Count < 3)
        {
            young.Add((await slow.ReceiveAsync("event")).GetProperty("eventId").GetString());
        }

        young.Should().OnlyContain(eventId => eventId!.StartsWith("evt_young_"));

        // Those that come back with an old cursor.
        var listed = await sandbox.Api.GetAsync(agent.Key, $"events?after={start}");
        listed.Status.Should().Be(HttpStatusCode.Gone);
        var oldest = listed.Detail("oldest").GetString()!;
        oldest.Should().Be(gap.GetProperty("to").GetString());
        (await agent.Client.ListEventsAsync(new() { After = oldest })).Events.Should().HaveCount(3);
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);
        (await readers.OpenSseAsync(start, CancellationToken.None)).StatusCode.Should().Be(HttpStatusCode.Gone);
        StreamGapEventArgs? told = null;
        await using var stream = await agent.Client.ConnectWebSocketAsync(after: start);
        stream.Gap += (_, e) => told = e;
        await using var listener = new Listener(stream);
        await listener.HearAsync(e => e.EventId.StartsWith("evt_young_", StringComparison.Ordinal), "a young event");
        told!.To.Should().Be(oldest);
    }

    [Fact]
    public async Task Old_blocks_go_that_nothing_refers_to()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CompleteOrderAsync();
        await sandbox.Chain.Node.RequestAsync<object>("anvil_mine", "0x64");
        const string young = "number > (SELECT max(number) FROM block) - 12 OR block_time > (SELECT max(block_time) FROM block) - 3600";
        const string referred = "hash IN (SELECT block_hash FROM chain_event UNION SELECT block_hash FROM operation WHERE block_hash IS NOT NULL)";
        await Eventually.TrueAsync(async () => await CountAsync($"NOT ({referred})") > 100, "100 empty blocks are known");
        var kept = await CountAsync(referred);

        await sandbox.Setup.AdvanceClockAsync(Days31);

        await Eventually.TrueAsync(async () => await CountAsync($"NOT ({referred}) AND NOT ({young})") == 0, "old empty blocks are gone");
        (await CountAsync(referred)).Should().BeGreaterThanOrEqualTo(kept);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Completed, order.PayTxHash });
        (await pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed, "the follower goes on");
    }

    private Task<long> CountAsync(string condition, string table = "block") => sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
        connection => connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table} WHERE {condition}"), CancellationToken.None);
}
