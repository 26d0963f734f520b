using System.Net.WebSockets;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>One log, four ways to read it.</summary>
public sealed class ManyReadersTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const int Events = 10_000;
    private const string Last = "evt_the_last";

    private static readonly EventType[] Types =
        [EventType.NegotiationCreated, EventType.NegotiationRejected, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted, EventType.OrderPaying];

    [Fact]
    public async Task Ten_thousand_events_and_any_number_of_disconnects_give_every_reader_the_same_list()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var other = await sandbox.NewAgentAsync("other");
        var start = await sandbox.HeadAsync();
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);
        var croo = FollowCompatAsync(await CompatStream.ConnectAsync(sandbox.Relayer.Url, agent.Key), agent.Key, new Random(4710));
        var reading = readers.All.Select((reader, i) => FollowAsync(reader.Value, start, new Random(4711 + i))).ToList();

        await WriteAsync(agent.AgentId, other.AgentId, new Random(42));

        var lists = await Task.WhenAll(reading).WaitAsync(TimeSpan.FromMinutes(3));
        var expected = await sandbox.LogAsync(
            "(requester_agent_id = @id AND default_audience & 1) OR (provider_agent_id = @id AND default_audience & 2)", new { id = agent.AgentId });
        expected.Should().HaveCountGreaterThan(Events / 2);
        foreach (var (list, name) in lists.Zip(readers.All.Keys))
        {
            list.Events.Select(e => (e.Seq, e.EventId)).Should().Equal(expected, $"{name} misses nothing, repeats nothing and keeps the order");
            list.Connections.Should().BeGreaterThan(10, $"{name} was to lose its connection often");
            list.Events.Select(LogReaders.Text).Should().Equal(lists[0].Events.Select(LogReaders.Text), $"{name} tells the same as the SDK's socket");
        }

        (await croo.WaitAsync(TimeSpan.FromMinutes(1))).Should().Equal(lists[0].Events.Select(e => e.Reason), "CROO's socket misses nothing either");
    }

    private async Task WriteAsync(string agentId, string other, Random random)
    {
        for (var written = 0; written < Events;)
        {
            var batch = Enumerable.Range(written, Math.Min(random.Next(1, 60), Events - written)).Select(i => (random.Next(4) switch
            {
                0 => LogWriter.Event($"evt_{i}", Types[i % Types.Length]) with { RequesterAgentId = agentId, ProviderAgentId = other },
                1 => LogWriter.Event($"evt_{i}", Types[i % Types.Length]) with { RequesterAgentId = other, ProviderAgentId = agentId },
                2 => LogWriter.Event($"evt_{i}", Types[i % Types.Length]) with { RequesterAgentId = agentId, ProviderAgentId = agentId },
                _ => LogWriter.Event($"evt_{i}", EventType.OrderCreated) with { RequesterAgentId = i % 2 == 0 ? agentId : other, ProviderAgentId = other },
            }) with
            { Reason = $"number {i}: \"ü€😀\"" }).ToList();
            await sandbox.AddEventsAsync(batch);
            written += batch.Count;
            if (written / (Events / 2) != (written - batch.Count) / (Events / 2) && written < Events)
            {
                await sandbox.Relayer.StopAsync();
                await sandbox.Relayer.StartAsync();
            }
        }

        await sandbox.AddEventsAsync([LogWriter.Event(Last, EventType.OrderCreated) with { RequesterAgentId = agentId, Reason = Last }]);
    }

    // CROO's socket tells no numbers: the reasons, which differ, stand for the events. After a break some come twice, which its clients expect.
    private async Task<List<string>> FollowCompatAsync(CompatStream stream, string key, Random random)
    {
        var reasons = new List<string>();
        while (true)
        {
            for (var left = random.Next(1, 2000); left > 0 && !reasons.Contains(Last) && await stream.ReceiveAsync() is { } frame; left--)
            {
                Take(frame);
            }

            await (stream.State != WebSocketState.Open || random.Next(3) == 0 ? stream.AbortAsync() : stream.CloseAsync());
            while (await stream.ReceiveAsync() is { } frame)
            {
                Take(frame);
            }

            if (reasons.Contains(Last))
            {
                return reasons;
            }

            stream = await ConnectAsync();
        }

        void Take(JsonElement frame)
        {
            if (frame.GetProperty("reason").GetString() is { } reason && !reasons.Contains(reason))
            {
                reasons.Add(reason);
            }
        }

        async Task<CompatStream> ConnectAsync()
        {
            while (true)
            {
                try
                {
                    return await CompatStream.ConnectAsync(sandbox.Relayer.Url, key);
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(100); // the relayer was restarted
                }
            }
        }
    }

    private static async Task<(List<CapEvent> Events, int Connections)> FollowAsync(Connect connect, string cursor, Random random)
    {
        var events = new List<CapEvent>();
        for (var connections = 1; ; connections++)
        {
            var left = random.Next(1, 500);
            try
            {
                await foreach (var e in connect(cursor, CancellationToken.None))
                {
                    events.Add(e);
                    cursor = e.Cursor;
                    if (e.EventId == Last)
                    {
                        return (events, connections);
                    }

                    if (--left == 0)
                    {
                        break;
                    }
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or WebSocketException or IOException or InvalidOperationException or CapApiException { Retryable: true })
            {
                // The relayer was restarted.
                await Task.Delay(100);
            }
        }
    }
}
