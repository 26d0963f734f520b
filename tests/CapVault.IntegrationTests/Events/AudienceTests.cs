using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Who hears what.</summary>
public sealed class AudienceTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR35_By_default_each_side_hears_what_it_has_to_act_upon()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();

        var order = await pair.CompleteOrderAsync();
        await pair.CatchUpAsync(requester, provider);

        requester.Heard.Where(e => e.OrderId == order.OrderId).Select(e => e.Type).Should().Equal(EventType.OrderCreated, EventType.OrderCompleted);
        requester.Heard.Where(e => e.NegotiationId == order.NegotiationId).Should().HaveCount(2);
        provider.Heard.Where(e => e.NegotiationId == order.NegotiationId).Select(e => e.Type)
            .Should().Equal(EventType.NegotiationCreated, EventType.OrderCreated, EventType.OrderPaid);
    }

    [Fact]
    public async Task CR35_The_other_ends_are_told_to_whom_they_concern()
    {
        var pair = await sandbox.NewPairAsync(slaMinutes: 5);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();

        var rejected = await pair.CreateOrderAsync();
        await pair.Requester.Client.RejectOrderAsync(rejected.OrderId, "no need");
        var expired = await pair.CreatePaidOrderAsync();
        await sandbox.Setup.AdvanceClockAsync(301);
        foreach (var listener in new[] { requester, provider })
        {
            await listener.HearAsync(EventType.OrderRejected, rejected.OrderId);
            await listener.HearAsync(EventType.OrderExpired, expired.OrderId);
        }

        await pair.CatchUpAsync(requester, provider);

        requester.Types.Should().NotContain(EventType.NegotiationCreated).And.NotContain(EventType.OrderPaid);
        provider.Types.Should().NotContain(EventType.NegotiationRejected).And.NotContain(EventType.OrderCompleted);
    }

    [Fact]
    public async Task Whoever_asks_for_all_hears_all_of_its_own_orders_and_no_others()
    {
        var pair = await sandbox.NewPairAsync();
        var others = await sandbox.NewPairAsync();
        await using var provider = await pair.Provider.ListenAsync(audience: "all");

        await others.CompleteOrderAsync();
        var order = await pair.CompleteOrderAsync();
        await provider.HearAsync(EventType.OrderCompleted, order.OrderId);

        provider.Types.Should().Equal(
            EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted);
        provider.Heard.Should().OnlyContain(e => e.NegotiationId == order.NegotiationId);
    }

    [Fact]
    public async Task The_operator_hears_of_operations_on_their_way()
    {
        var pair = await sandbox.NewPairAsync();
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, sandbox.Relayer.OperatorKey);
        await using var operatorStream = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s", after = "tail", types = new[] { "order_*" } });

        var order = await pair.CreatePaidOrderAsync();

        foreach (var expected in new[] { "order_creating", "order_created", "order_paying", "order_paid" })
        {
            var told = await stream.ReceiveAsync("event");
            told.GetProperty("type").GetString().Should().Be(expected);
            told.GetProperty("orderId").GetString().Should().Be(order.OrderId);
        }
    }
}
