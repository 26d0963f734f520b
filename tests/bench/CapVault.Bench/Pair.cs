using CapVault.Sdk;

namespace CapVault.Bench;

/// <summary>A Requester with money and a Provider with a service.</summary>
internal sealed class Pair(AgentClient requester, AgentClient provider, string serviceId)
{
    public static async Task<Pair> CreateAsync(SetupClient setup, Config config, int number)
    {
        // Nobody acts as Owner here; any address will do.
        const string owner = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65";
        var requester = await setup.CreateAgentAsync(new CreateAgentRequest { Name = $"bench requester {number}", Owner = owner });
        var provider = await setup.CreateAgentAsync(new CreateAgentRequest { Name = $"bench provider {number}", Owner = owner });
        await setup.FaucetAsync(requester.Agent.WalletAddress, "1000000.00");
        var service = await setup.CreateServiceAsync(new CreateServiceRequest { AgentId = provider.Agent.AgentId, Name = "bench", Price = "1.00", SlaMinutes = 30 });
        return new Pair(new AgentClient(config, requester.SdkKey), new AgentClient(config, provider.SdkKey), service.ServiceId);
    }

    public async Task OrderAsync()
    {
        var negotiation = await requester.NegotiateOrderAsync(new NegotiateOrderRequest { ServiceId = serviceId });
        var order = (await provider.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;
        await requester.PayOrderAsync(order.OrderId);
        await provider.DeliverOrderAsync(order.OrderId, new DeliverOrderRequest { DeliverableType = DeliverableType.Text, DeliverableText = order.OrderId });
    }
}
