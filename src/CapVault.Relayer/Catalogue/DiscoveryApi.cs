using System.Numerics;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Util;

namespace CapVault.Relayer.Catalogue;

/// <summary>Routes for those who look for something to buy.</summary>
public static class DiscoveryApi
{
    /// <summary>Maps what needs no key.</summary>
    public static void MapDiscovery(this RouteGroupBuilder open)
    {
        open.MapGet("/public/services", ServicesAsync);

        open.MapGet("/public/services/{serviceId}", async (HttpContext context, Discovery discovery, string serviceId) =>
            Envelopes.Ok(context, await discovery.ServiceAsync(serviceId, context.RequestAborted)));

        open.MapGet("/public/agents", async (HttpContext context, Discovery discovery) =>
            Envelopes.Page(context, await discovery.AgentsAsync(DiscoveryFilter.From(context.Request), Paging.From(context.Request), context.RequestAborted)));

        open.MapGet("/public/agents/{agentId}", async (HttpContext context, Discovery discovery, string agentId) =>
            Envelopes.Ok(context, await discovery.AgentAsync(agentId, context.RequestAborted)));

        open.MapGet("/public/search", async (HttpContext context, Discovery discovery) =>
        {
            var filter = DiscoveryFilter.From(context.Request);
            var newest = Paging.From(context.Request) with { BeforeTime = long.MaxValue };
            var services = await discovery.ServicesAsync(filter, newest, context.RequestAborted);
            var agents = await discovery.AgentsAsync(filter, newest, context.RequestAborted);
            return Envelopes.Ok(context, new SearchResult { Services = services.Items, Agents = agents.Items });
        });

        open.MapGet("/public/tags", async (HttpContext context, Discovery discovery) => Envelopes.Ok(context, await discovery.TagsAsync(context.RequestAborted)));

        open.MapGet("/agents/{agentId}/stats", async (HttpContext context, Agents agents, Statistics statistics, string agentId) =>
        {
            _ = await agents.FindAsync(agentId, context.RequestAborted) ?? throw ApiException.NotOffered(ErrorCodes.AgentNotFound, "agent", agentId);
            return Envelopes.Ok(context, await statistics.OfAsync(agentId, context.RequestAborted));
        });
    }

    /// <summary>Maps what asks the chain, and so needs a key.</summary>
    public static void MapPrices(this RouteGroupBuilder api)
    {
        api.MapGet("/services/search", ServicesAsync).AlsoForOwners();

        api.MapGet("/fees", async (HttpContext context, TokenFees fees) => Envelopes.Ok(context, await fees.ListAsync(context.RequestAborted))).AlsoForOwners();

        api.MapGet("/quote", async (HttpContext context, Discovery discovery, TokenFees fees) =>
        {
            var serviceId = context.Request.Query["serviceId"].ToString() is { Length: > 0 } id ? id : throw ApiException.Missing("serviceId");
            var service = await discovery.OfferedAsync(serviceId, context.RequestAborted);
            var token = AddressUtil.Current.ConvertToChecksumAddress(service.Token);
            var feeBps = (await fees.OfAsync(token, context.RequestAborted)).MinFeeBps;
            var fee = TokenFees.Of(service.Amount, feeBps);
            var commission = ThirdPartyTerms.Read(service.ThirdParties)?.CommissionBps is { } bps ? TokenFees.Of(service.Amount, bps) : (BigInteger?)null;
            return Envelopes.Ok(
                context,
                new Quote
                {
                    ServiceId = service.ServiceId,
                    ServiceVersion = service.Version,
                    Price = Money.Format(service.Amount),
                    PaymentToken = token,
                    FeeBps = feeBps,
                    FeeAmount = Money.Format(fee),
                    CommissionAmount = commission is { } share ? Money.Format(share) : null,
                    ProviderAmount = Money.Format(service.Amount - fee - (commission ?? 0)),
                    SlaMinutes = service.SlaSeconds / 60,
                    NegotiationTtlSeconds = service.NegotiationTtlSeconds,
                });
        }).AlsoForOwners();
    }

    private static async Task<IResult> ServicesAsync(HttpContext context, Discovery discovery) =>
        Envelopes.Page(context, await discovery.ServicesAsync(DiscoveryFilter.From(context.Request), Paging.From(context.Request), context.RequestAborted));
}
