using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.Bench.Orders;

/// <summary>A Requester with money and a Provider with a service.</summary>
internal sealed class Pair(AgentClient requester, AgentClient provider, string serviceId)
{
    public static async Task<Pair> CreateAsync(SetupClient setup, Config config, int number)
    {
        const string funds = "1000000.00";
        var key = EthECKey.GenerateKey();
        var owner = key.GetPublicAddress();
        var requester = await setup.CreateAgentAsync(new CreateAgentRequest { Name = $"bench requester {number}", Owner = owner });
        var provider = await setup.CreateAgentAsync(new CreateAgentRequest { Name = $"bench provider {number}", Owner = owner });
        await setup.FaucetAsync(requester.Agent.WalletAddress, funds);
        await setup.SetLimitsAsync(requester.Agent.AgentId, new OwnerSigner(requester.Agent.WalletAddress, key), funds, funds);
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
