using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Accounts;

/// <summary>Routes <c>/agents</c>.</summary>
public static class AgentsApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapAgents(this RouteGroupBuilder api)
    {
        api.MapPost("/agents", async (HttpContext context, Agents agents) =>
        {
            context.Caller().RequireOperator();
            var request = await RequestBody.ReadAsync<CreateAgentRequest>(context.Request, context.RequestAborted);
            var name = Fields.Text("name", request.Name, 1, 64);
            var owner = Fields.Address("owner", request.Owner);
            var executor = request.Executor is null ? null : Fields.Address("executor", request.Executor);
            return Envelopes.Ok(context, await agents.CreateAsync(name, owner, executor, context.RequestAborted), 201);
        });

        api.MapGet("/agents", async (HttpContext context, Agents agents) =>
        {
            context.Caller().RequireOperator();
            var paging = Paging.From(context.Request);
            var rows = await agents.ListAsync(paging.Limit + 1, paging.BeforeTime, paging.BeforeId, context.RequestAborted);
            return Envelopes.Page(context, paging.ToPage(rows, row => row.ToModel(), row => (row.CreatedAt, row.AgentId)));
        });

        api.MapGet("/agents/{agentId}", async (HttpContext context, Agents agents, string agentId) =>
        {
            // An agent sees itself only: who else is here is not its business.
            var caller = context.Caller();
            var agent = caller.IsOperator || caller.AgentId == agentId
                ? await agents.FindAsync(agentId, context.RequestAborted)
                : null;
            return Envelopes.Ok(context, (agent ?? throw ApiException.NotFound(ErrorCodes.AgentNotFound, "agent", agentId)).ToModel());
        });
    }
}
