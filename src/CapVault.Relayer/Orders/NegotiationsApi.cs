using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Routes <c>/orders/negotiate</c>.</summary>
public static class NegotiationsApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapNegotiations(this RouteGroupBuilder api)
    {
        api.MapPost("/orders/negotiate", async (HttpContext context, Negotiations negotiations, Agents agents, ChainContext chain) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<NegotiateOrderRequest>(context.Request, context.RequestAborted);
            var requirements = Fields.Json("requirements", request.Requirements, 64 * 1024);
            var metadata = Fields.Json("metadata", request.Metadata, 16 * 1024);
            var thirdParties = ThirdPartyTerms.Check(request.ThirdParties, chain);
            var row = await negotiations.NegotiateAsync(agentId, request.ServiceId, requirements, thirdParties, request.PayOnAccept, metadata, context.IdempotentCall(), context.RequestAborted);
            return Envelopes.Ok(context, negotiations.ToModel(row, await PartyAsync(context, agents)), 201);
        });

        api.MapGet("/orders/negotiate", async (HttpContext context, Negotiations negotiations, Agents agents) =>
        {
            var paging = Paging.FromPageOrCursor(context.Request);
            var filter = ListFilter.From(context.Request, context.Caller().RequireAgent(), ListFilter.NegotiationStatuses, paging);
            var rows = await negotiations.ListAsync(filter, context.RequestAborted);
            var party = await PartyAsync(context, agents);
            return Envelopes.Page(context, paging.ToPage(rows, row => negotiations.ToModel(row, party), row => (row.CreatedAt, row.NegotiationId)));
        });

        api.MapGet("/orders/negotiate/{negotiationId}", async (HttpContext context, Negotiations negotiations, Agents agents, string negotiationId) =>
        {
            var row = await negotiations.GetAsync(context.Caller().RequireAgent(), negotiationId, context.RequestAborted);
            return Envelopes.Ok(context, negotiations.ToModel(row, await PartyAsync(context, agents)));
        });

        api.MapPost("/orders/negotiate/{negotiationId}/consent", async (HttpContext context, Negotiations negotiations, string negotiationId) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<ConsentRequest>(context.Request, context.RequestAborted);
            var row = await negotiations.ConsentAsync(agentId, negotiationId, request.Revision, request.Signature, context.IdempotentCall(), context.RequestAborted);
            return Envelopes.Ok(context, row.ToModel());
        });

        api.MapPost("/orders/negotiate/{negotiationId}/accept", async (HttpContext context, Negotiations negotiations, OrderReader orders, string negotiationId) =>
        {
            var agentId = context.Caller().RequireAgent();
            var wait = OrderReader.WaitOf(context.Request);
            var request = await RequestBody.ReadOrDefaultAsync<AcceptNegotiationRequest>(context.Request, context.RequestAborted);
            var row = await negotiations.AcceptAsync(agentId, negotiationId, request.Revision, request.Signature, context.IdempotentCall(), context.RequestAborted);
            var order = (await orders.GetSettledAsync(agentId, Ids.Of("ord_", row.OrderId), wait, context.RequestAborted)).ToModel();
            return Envelopes.Ok(context, new AcceptNegotiationResult(row.ToModel(), order), order.Pending is null ? 200 : 202);
        });

        api.MapPost("/orders/negotiate/{negotiationId}/reject", async (HttpContext context, Negotiations negotiations, string negotiationId) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<RejectRequest>(context.Request, context.RequestAborted);
            var reason = Fields.Text("reason", request.Reason, 1, 512);
            return Envelopes.Ok(context, (await negotiations.RejectAsync(agentId, negotiationId, reason, context.IdempotentCall(), context.RequestAborted)).ToModel());
        });
    }

    private static async Task<AgentRow> PartyAsync(HttpContext context, Agents agents) =>
        (await agents.FindAsync(context.Caller().RequireAgent(), context.RequestAborted))!;
}
