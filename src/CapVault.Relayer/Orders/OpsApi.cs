using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Routes <c>/ops</c>: what agents do whose Executor stays with them, and what Owners do with their agents' accounts.</summary>
public static class OpsApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapOps(this RouteGroupBuilder api)
    {
        api.MapPost("/ops/prepare", async (HttpContext context, PreparedSteps steps, OwnerActions actions) =>
        {
            if (context.Caller().AgentId is { } agentId)
            {
                var step = await RequestBody.ReadAsync<PrepareRequest>(context.Request, context.RequestAborted);
                return Envelopes.Ok(context, await steps.PrepareAsync(agentId, step, context.RequestAborted));
            }

            var action = await RequestBody.ReadAsync<OwnerActionRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, await actions.PrepareAsync(action, context.Caller().RequireSetUp(), context.RequestAborted));
        }).AlsoForOwners();

        api.MapPost("/ops/{userOpHash}/submit", async (HttpContext context, PreparedSteps steps, OwnerActions actions, string userOpHash) =>
        {
            var request = await RequestBody.ReadAsync<SubmitRequest>(context.Request, context.RequestAborted);
            if (context.Caller().AgentId is not null)
            {
                return await OrdersApi.StepAsync(
                    context, agentId => steps.SubmitAsync(agentId, userOpHash, request.Signature, context.IdempotentCall(), context.RequestAborted));
            }

            var result = await actions.SubmitAsync(
                userOpHash, request.Signature, context.Caller().RequireSetUp(), OrderReader.WaitOf(context.Request), context.IdempotentCall(), context.RequestAborted);
            return Envelopes.Ok(context, result, result.Status == OwnerActionStatus.Pending ? 202 : 200);
        }).AlsoForOwners();
    }
}
