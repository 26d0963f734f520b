using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>A sandbox whose sockets find out within seconds that nobody is there.</summary>
public sealed class ShortHeartbeatSandbox() : Sandbox(["HeartbeatSeconds=1"]);

/// <summary>CROO's socket: eight events, and what a key has missed.</summary>
public sealed class CompatSocketTests(ShortHeartbeatSandbox sandbox) : IClassFixture<ShortHeartbeatSandbox>
{
    [Fact]
    public async Task CR45_Each_surface_has_its_own_names()
    {
        var pair = await sandbox.NewPairAsync();
        await using var own = await pair.Provider.ListenAsync();
        await using var compat = await ConnectAsync(pair.Provider);

        var negotiation = await pair.NegotiateAsync();
        var frame = (await compat.ReceiveAsync())!.Value;
        var heard = await own.HearAsync(EventType.NegotiationCreated, negotiation.NegotiationId);

        frame.EnumerateObject().Select(property => property.Name).Should().Equal(
            "type", "order_id", "negotiation_id", "requester_agent_id", "provider_agent_id", "service_id", "status", "reason");
        Text(frame, "type").Should().Be("order_negotiation_created");
        Text(frame, "negotiation_id").Should().Be(negotiation.NegotiationId);
        Text(frame, "requester_agent_id").Should().Be(pair.Requester.AgentId);
        Text(frame, "provider_agent_id").Should().Be(pair.Provider.AgentId);
        Text(frame, "service_id").Should().Be(pair.Service.ServiceId);
        Text(frame, "status").Should().Be("pending");
        Text(frame, "order_id").Should().BeEmpty();
        Text(frame, "reason").Should().BeEmpty();
        heard.Type.Value.Should().Be("negotiation_created");
        heard.Aliases.Should().Contain("order_negotiation_created");
    }

    [Fact]
    public async Task CR45_Each_side_hears_its_part_of_the_eight_events_and_nothing_else()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = await ConnectAsync(pair.Requester);
        await using var provider = await ConnectAsync(pair.Provider);

        var completed = await pair.CompleteOrderAsync();
        var rejected = await pair.CreateOrderAsync();
        await pair.Requester.Client.RejectOrderAsync(rejected.OrderId, "changed my mind");
        var declined = await pair.NegotiateAsync();
        await pair.Provider.Client.RejectNegotiationAsync(declined.NegotiationId, "no time");

        (await TypesAsync(requester, count: 5)).Should().Equal("order_created", "order_completed", "order_created", "order_rejected", "order_negotiation_rejected");
        (await TypesAsync(provider, count: 7)).Should().Equal(
            "order_negotiation_created", "order_created", "order_paid", "order_negotiation_created", "order_created", "order_rejected", "order_negotiation_created");
        completed.Status.Should().Be(OrderStatus.Completed);
    }

    [Fact]
    public async Task CR45_What_CROO_has_no_name_for_is_not_said_there()
    {
        var judge = TestKeys.Stranger.GetPublicAddress();
        var pair = await sandbox.NewPairAsync(thirdParties: new() { Arbiter = judge, ReviewSeconds = 3600, Approver = judge });
        await using var requester = await ConnectAsync(pair.Requester);
        await using var provider = await ConnectAsync(pair.Provider);
        var vault = new VaultClient(sandbox.Chain.RpcUrl, sandbox.Chain.Deployment, TestKeys.Stranger);

        var order = await pair.CreatePaidOrderAsync();
        await vault.ApproveOrderAsync(order.ChainOrderId);
        await Eventually.TrueAsync(async () => (await pair.Provider.Client.GetOrderAsync(order.OrderId)).ApprovedAt is not null, "the approval is known");
        await pair.DeliverAsync(order.OrderId);
        await pair.Requester.Client.DisputeOrderAsync(order.OrderId, "Bad.");
        await vault.ResolveDisputeAsync(order.ChainOrderId, 500_000, "Half.");

        (await TypesAsync(requester, count: 2)).Should().Equal("order_created", "order_completed");
        (await TypesAsync(provider, count: 3)).Should().Equal("order_negotiation_created", "order_created", "order_paid");
    }

    [Fact]
    public async Task CR45_Ends_by_time_have_CROOs_names_too()
    {
        var pair = await sandbox.NewPairAsync(negotiationTtlSeconds: 60);
        var order = await pair.CreateOrderAsync();
        await using var requester = await ConnectAsync(pair.Requester);
        var negotiation = await pair.NegotiateAsync();

        await sandbox.Setup.AdvanceClockAsync(3600);

        var frames = new List<JsonElement>();
        while (frames.Count < 2)
        {
            frames.Add((await requester.ReceiveAsync())!.Value);
        }

        frames.Should().ContainSingle(frame => Text(frame, "type") == "order_negotiation_expired" && Text(frame, "negotiation_id") == negotiation.NegotiationId);
        frames.Should().ContainSingle(frame => Text(frame, "type") == "order_expired" && Text(frame, "order_id") == order.OrderId);
    }

    [Fact]
    public async Task CR49_Two_sockets_of_a_key_both_receive_and_neither_is_closed()
    {
        var pair = await sandbox.NewPairAsync();
        await using var first = await ConnectAsync(pair.Provider);
        await using var second = await ConnectAsync(pair.Provider);

        for (var i = 0; i < 3; i++)
        {
            var negotiation = await pair.NegotiateAsync();
            (await first.ReadToAsync(negotiation.NegotiationId)).Should().Equal(negotiation.NegotiationId);
            (await second.ReadToAsync(negotiation.NegotiationId)).Should().Equal(negotiation.NegotiationId);
        }

        first.State.Should().Be(WebSocketState.Open);
        second.State.Should().Be(WebSocketState.Open);
    }

    [Fact]
    public async Task A_rotated_key_loses_its_sockets_at_once_and_the_new_one_nothing()
    {
        var pair = await sandbox.NewPairAsync();
        await using var stream = await ConnectAsync(pair.Provider);
        await stream.ReadToAsync((await pair.NegotiateAsync()).NegotiationId);

        var newKey = await sandbox.Setup.RotateSdkKeyAsync(pair.Provider.AgentId);
        (await stream.ReceiveAsync()).Should().BeNull();
        stream.CloseCode.Should().Be(4401);
        await ClosedAsync(pair.Provider);
        var missed = await pair.NegotiateAsync();
        await using var next = await CompatStream.ConnectAsync(sandbox.Relayer.Url, newKey);

        (await next.ReadToAsync(missed.NegotiationId)).Should().Equal(missed.NegotiationId);
    }

    [Fact]
    public async Task A_first_connection_starts_at_the_end_of_the_log()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.NegotiateAsync();
        await using var stream = await ConnectAsync(pair.Provider);

        var negotiation = await pair.NegotiateAsync();

        (await stream.ReadToAsync(negotiation.NegotiationId)).Should().Equal(negotiation.NegotiationId);
    }

    [Fact]
    public async Task After_a_goodbye_exactly_what_was_missed_is_told()
    {
        var pair = await sandbox.NewPairAsync();
        await using (var stream = await ConnectAsync(pair.Provider))
        {
            await stream.ReadToAsync((await pair.NegotiateAsync()).NegotiationId);
            await stream.CloseAsync();
        }

        await ClosedAsync(pair.Provider);
        var missed = await pair.NegotiateAsync();
        await using (var stream = await ConnectAsync(pair.Provider))
        {
            (await stream.ReadToAsync(missed.NegotiationId)).Should().Equal(missed.NegotiationId);
            await stream.CloseAsync();
        }

        await ClosedAsync(pair.Provider);
        await using var third = await ConnectAsync(pair.Provider);
        var last = await pair.NegotiateAsync();
        (await third.ReadToAsync(last.NegotiationId)).Should().Equal([last.NegotiationId], "everything before was received");
    }

    [Fact]
    public async Task What_went_into_a_dead_connection_is_told_again()
    {
        var pair = await sandbox.NewPairAsync();
        // It shakes hands, and from then on neither reads nor answers a ping: the relayer's writes succeed all the same.
        using var dead = await ShakeHandsAsync(pair.Provider);
        await Task.Delay(TimeSpan.FromSeconds(1.2)); // it settles before it is told anything
        var lost = await pair.NegotiateAsync();
        await ClosedAsync(pair.Provider);

        await using var stream = await ConnectAsync(pair.Provider);

        (await stream.ReadToAsync(lost.NegotiationId)).Should().Equal(lost.NegotiationId);
    }

    [Fact]
    public async Task A_connection_that_breaks_off_is_told_the_last_events_again()
    {
        var pair = await sandbox.NewPairAsync();
        var stream = await ConnectAsync(pair.Provider);
        var received = await pair.NegotiateAsync();
        await stream.ReadToAsync(received.NegotiationId);

        await stream.AbortAsync();
        await ClosedAsync(pair.Provider);
        var missed = await pair.NegotiateAsync();
        await using var next = await ConnectAsync(pair.Provider);

        (await next.ReadToAsync(missed.NegotiationId)).Should().Equal([received.NegotiationId, missed.NegotiationId], "nobody can know that the first one arrived");
    }

    [Fact]
    public async Task What_was_sent_long_ago_on_a_living_connection_is_not_told_again()
    {
        var pair = await sandbox.NewPairAsync();
        var stream = await ConnectAsync(pair.Provider);
        await stream.ReadToAsync((await pair.NegotiateAsync()).NegotiationId);
        var before = await PositionAsync(pair.Provider);

        // Two heartbeats and ten seconds; a killed relayer would go on from here too.
        await Eventually.TrueAsync(async () => await PositionAsync(pair.Provider) > before, "the position moves while the connection lives");
        await stream.AbortAsync();
        await ClosedAsync(pair.Provider);
        var missed = await pair.NegotiateAsync();
        await using var next = await ConnectAsync(pair.Provider);

        (await next.ReadToAsync(missed.NegotiationId)).Should().Equal(missed.NegotiationId);
    }

    [Fact]
    public async Task Of_two_sockets_the_one_that_breaks_off_is_told_what_it_missed()
    {
        var pair = await sandbox.NewPairAsync();
        await using var alive = await ConnectAsync(pair.Provider);
        using var dead = await ShakeHandsAsync(pair.Provider);
        var told = await pair.NegotiateAsync();
        await alive.ReadToAsync(told.NegotiationId);
        await EndedAsync(dead);
        await alive.CloseAsync();
        await ClosedAsync(pair.Provider);
        var missed = await pair.NegotiateAsync();

        await using var next = await ConnectAsync(pair.Provider);

        (await next.ReadToAsync(missed.NegotiationId)).Should().Equal(told.NegotiationId, missed.NegotiationId);
    }

    [Fact]
    public async Task A_client_that_comes_back_before_its_end_was_noticed_is_told_everything()
    {
        var pair = await sandbox.NewPairAsync();
        using var dead = await ShakeHandsAsync(pair.Provider);
        var lost = await pair.NegotiateAsync();
        await using var back = await ConnectAsync(pair.Provider);
        (await back.ReadToAsync(lost.NegotiationId)).Should().Equal(lost.NegotiationId);
        await EndedAsync(dead);
        await back.CloseAsync();
        await ClosedAsync(pair.Provider);
        var missed = await pair.NegotiateAsync();

        await using var next = await ConnectAsync(pair.Provider);

        (await next.ReadToAsync(missed.NegotiationId)).Should().EndWith(missed.NegotiationId, "where the dead one's end is noticed last, what it was sent comes again before");
    }

    [Fact]
    public async Task Nothing_older_than_a_day_is_told()
    {
        var pair = await sandbox.NewPairAsync();
        await using (var stream = await ConnectAsync(pair.Provider))
        {
            await stream.CloseAsync();
        }

        await ClosedAsync(pair.Provider);
        await pair.NegotiateAsync();
        await sandbox.Setup.AdvanceClockAsync(25 * 3600);
        var young = await pair.NegotiateAsync();
        await using var next = await ConnectAsync(pair.Provider);

        (await next.ReadToAsync(young.NegotiationId)).Should().Equal(young.NegotiationId);
    }

    private Task<CompatStream> ConnectAsync(Party party) => CompatStream.ConnectAsync(sandbox.Relayer.Url, party.Key);

    // A client that is there for TCP, and for nothing else.
    private async Task<TcpClient> ShakeHandsAsync(Party party)
    {
        var relayer = new Uri(sandbox.Relayer.Url);
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, relayer.Port);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            $"GET /ws?key={party.Key} HTTP/1.1\r\nHost: {relayer.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        var answer = new byte[1024];
        var read = await client.GetStream().ReadAsync(answer);
        Encoding.ASCII.GetString(answer, 0, read).Should().StartWith("HTTP/1.1 101");
        return client;
    }

    // The relayer has given a connection up. What it has sent before lies there unread.
    private static async Task EndedAsync(TcpClient client)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[1024];
        try
        {
            while (await client.GetStream().ReadAsync(buffer, patience.Token) > 0)
            {
                // Frames and pings.
            }
        }
        catch (IOException)
        {
            // It was reset.
        }
    }

    // The relayer has seen the end of all of the agent's connections, and stored where they were.
    private Task ClosedAsync(Party party)
    {
        var live = sandbox.Relayer.Services.GetRequiredService<LiveConnections>();
        return Eventually.TrueAsync(() => Task.FromResult(!live.IsOnline(party.AgentId)), "the relayer notices that the connection has ended");
    }

    private Task<long> PositionAsync(Party party) => sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
        connection => connection.ExecuteScalarAsync<long>("SELECT seq FROM compat_cursor WHERE key_id = @keyId", new { keyId = KeyId(party) }), CancellationToken.None);

    private static async Task<List<string>> TypesAsync(CompatStream stream, int count)
    {
        var types = new List<string>();
        while (types.Count < count)
        {
            types.Add(Text((await stream.ReceiveAsync())!.Value, "type"));
        }

        return types;
    }

    private static string KeyId(Party party) => party.Key.Split('_')[2];

    private static string Text(JsonElement frame, string field) => frame.GetProperty(field).GetString()!;
}
