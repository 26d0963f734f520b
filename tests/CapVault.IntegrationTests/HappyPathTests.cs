using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>The main job: one order from negotiation to settlement, and both hear every step.</summary>
public sealed class HappyPathTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task An_order_settles_and_both_hear_every_step()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00", price: "1.00");
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var provider = await pair.Provider.ListenAsync(audience: "all");

        var negotiation = await pair.NegotiateAsync(new { text = "Hello", to = "fr" });
        await provider.HearAsync(EventType.NegotiationCreated, negotiation.NegotiationId);
        var accepted = await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        await requester.HearAsync(EventType.OrderCreated, accepted.Order.OrderId);
        var paid = await pair.Requester.Client.PayOrderAsync(accepted.Order.OrderId);
        await provider.HearAsync(EventType.OrderPaid, paid.Order.OrderId);
        var delivered = await pair.Provider.Client.DeliverOrderAsync(paid.Order.OrderId, Pair.Text("Bonjour"));
        await requester.HearAsync(EventType.OrderCompleted, delivered.Order.OrderId);
        await provider.HearAsync(EventType.OrderCompleted, delivered.Order.OrderId);
        var delivery = await pair.Requester.Client.GetDeliveryAsync(delivered.Order.OrderId);

        delivery.DeliverableText.Should().Be("Bonjour");
        delivery.HashVerified.Should().BeTrue();
        EventType[] story = [EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted];
        requester.Types.Should().Equal(story);
        provider.Types.Should().Equal(story);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(4_000_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
        (await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault)).Should().Be(100_000, "the fee waits for the sweep");
        (await pair.Requester.Client.GetOrderAsync(delivered.Order.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Done, FeeAmount = "0.10", ProviderAmount = "0.90", Pending = (object?)null, LastFailure = (object?)null });
    }
}
