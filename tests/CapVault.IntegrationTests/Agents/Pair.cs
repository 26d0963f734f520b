using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A Requester with money and a Provider with a service, and the way of an order between them.</summary>
internal sealed record Pair(Party Requester, Party Provider, Service Service)
{
    public Task<Negotiation> NegotiateAsync(object? requirements = null, bool payOnAccept = false)
    {
        var request = new NegotiateOrderRequest
        {
            ServiceId = Service.ServiceId,
            Requirements = requirements is null ? null : JsonSerializer.SerializeToElement(requirements),
            ThirdParties = Service.ThirdParties,
            PayOnAccept = payOnAccept,
        };
        return Requester.Agent.SelfHeld
            ? Requester.Client.NegotiateOrderAsync(request, new ExpectedTerms { MaxPrice = Service.Price, ProviderWallet = Provider.Wallet })
            : Requester.Client.NegotiateOrderAsync(request);
    }

    /// <summary>An order on chain that waits for payment.</summary>
    public async Task<Order> CreateOrderAsync()
    {
        var negotiation = await NegotiateAsync();
        return (Provider.Agent.SelfHeld
            ? await Provider.Client.AcceptNegotiationAsync(negotiation, Service.ThirdParties ?? ThirdParties.None)
            : await Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;
    }

    /// <summary>An order whose price is in the vault.</summary>
    public async Task<Order> CreatePaidOrderAsync()
    {
        var order = await CreateOrderAsync();
        return (await Requester.Client.PayOrderAsync(order.OrderId)).Order;
    }

    public async Task<Order> DeliverAsync(string orderId, string text = "The deliverable.") =>
        (await Provider.Client.DeliverOrderAsync(orderId, Text(text))).Order;

    /// <summary>A whole order, paid out.</summary>
    public async Task<Order> CompleteOrderAsync() => await DeliverAsync((await CreatePaidOrderAsync()).OrderId);

    public static DeliverOrderRequest Text(string text) => new() { DeliverableType = DeliverableType.Text, DeliverableText = text };

    /// <summary>
    /// Makes something happen that both streams tell of by default, and waits for it: what would have come before has come then.
    /// </summary>
    public async Task CatchUpAsync(Listener requester, Listener provider)
    {
        var negotiation = await NegotiateAsync();
        await Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, "only a marker");
        await provider.HearAsync(EventType.NegotiationCreated, negotiation.NegotiationId);
        await requester.HearAsync(EventType.NegotiationRejected, negotiation.NegotiationId);
    }
}
