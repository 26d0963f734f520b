using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Accounts;

/// <summary>Routes <c>/agents</c>: set-up by the operator or the agent's Owner.</summary>
public static class AgentsApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapAgents(this RouteGroupBuilder api)
    {
        api.MapPost("/agents", async (HttpContext context, Agents agents) =>
        {
            var owner = context.Caller().RequireSetUp();
            var request = await RequestBody.ReadAsync<CreateAgentRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, await agents.CreateAsync(request, owner, context.IdempotentCall(), context.RequestAborted), 201);
        }).AlsoForOwners();

        api.MapGet("/agents", async (HttpContext context, Agents agents, LiveConnections connections) =>
        {
            var owner = context.Caller().RequireSetUp();
            var paging = Paging.From(context.Request);
            var rows = await agents.ListAsync(owner, paging, context.RequestAborted);
            var online = await connections.StatusesAsync([.. rows.Select(row => row.AgentId)], context.RequestAborted);
            return Envelopes.Page(context, paging.ToPage(rows, row => row.ToModel(online[row.AgentId]), row => (row.CreatedAt, row.AgentId)));
        }).AlsoForOwners();

        api.MapGet("/agents/{agentId}", async (HttpContext context, Agents agents, Spending spending, string agentId) =>
        {
            // An agent sees itself only, an Owner its own: who else is here is not their business.
            var caller = context.Caller();
            var found = await agents.FindAsync(agentId, context.RequestAborted);
            var agent = found is not null && (caller.IsOperator || caller.AgentId == agentId || found.Owner.AsSpan().SequenceEqual(caller.Owner))
                ? found
                : throw ApiException.NotFound(ErrorCodes.AgentNotFound, "agent", agentId);
            var model = await agents.ToModelAsync(agent, context.RequestAborted);
            return Envelopes.Ok(context, model with { Limits = await spending.OfAsync(model.WalletAddress, context.RequestAborted) });
        }).AlsoForOwners();

        api.MapPut("/agents/{agentId}/limits", async (HttpContext context, OwnerActions actions, string agentId) =>
        {
            var owner = context.Caller().RequireSetUp();
            var request = await RequestBody.ReadAsync<SetLimitsRequest>(context.Request, context.RequestAborted);
            var action = new OwnerActionRequest
            {
                AgentId = agentId,
                Action = OwnerAction.SetLimits,
                Token = request.Token,
                PerOrder = request.PerOrder,
                PerDay = request.PerDay,
            };
            return Envelopes.Ok(context, await actions.PrepareAsync(action, owner, context.RequestAborted));
        }).AlsoForOwners();

        api.MapPatch("/agents/{agentId}", async (HttpContext context, Agents agents, string agentId) =>
        {
            var owner = context.Caller().RequireSetUp();
            var change = await RequestBody.ReadAsync<UpdateAgentRequest>(context.Request, context.RequestAborted);
            var agent = await agents.UpdateAsync(agentId, change, owner, context.IdempotentCall(), context.RequestAborted);
            return Envelopes.Ok(context, await agents.ToModelAsync(agent, context.RequestAborted));
        }).AlsoForOwners();

        api.MapPost("/agents/{agentId}/status", async (HttpContext context, Agents agents, string agentId) =>
        {
            var owner = context.Caller().RequireSetUp();
            var request = await RequestBody.ReadAsync<SetAgentStatusRequest>(context.Request, context.RequestAborted);
            var agent = await agents.SetStatusAsync(agentId, request.Status, owner, context.IdempotentCall(), context.RequestAborted);
            return Envelopes.Ok(context, await agents.ToModelAsync(agent, context.RequestAborted));
        }).AlsoForOwners();

        api.MapPost("/agents/{agentId}/sdk-key/rotate", async (HttpContext context, Agents agents, string agentId) =>
        {
            var owner = context.Caller().RequireSetUp();
            return Envelopes.Ok(context, new RotateSdkKeyResult { SdkKey = await agents.RotateKeyAsync(agentId, owner, context.IdempotentCall(), context.RequestAborted) });
        }).AlsoForOwners();
    }
}
