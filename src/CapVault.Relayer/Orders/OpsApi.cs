using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Routes <c>/ops</c>: what agents do whose Executor stays with them.</summary>
public static class OpsApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapOps(this RouteGroupBuilder api)
    {
        api.MapPost("/ops/prepare", async (HttpContext context, PreparedSteps steps) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<PrepareRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, await steps.PrepareAsync(agentId, request, context.RequestAborted));
        });

        api.MapPost("/ops/{userOpHash}/submit", (HttpContext context, PreparedSteps steps, string userOpHash) => OrdersApi.StepAsync(context, async agentId =>
        {
            var request = await RequestBody.ReadAsync<SubmitRequest>(context.Request, context.RequestAborted);
            return await steps.SubmitAsync(agentId, userOpHash, request.Signature, context.IdempotentCall(), context.RequestAborted);
        }));
    }
}
