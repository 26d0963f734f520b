using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Orders;

/// <summary>Routes <c>/orders</c>.</summary>
public static class OrdersApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapOrders(this RouteGroupBuilder api)
    {
        api.MapGet("/orders", async (HttpContext context, OrderReader orders) =>
        {
            var paging = Paging.FromPageOrCursor(context.Request);
            var rows = await orders.ListAsync(ListFilter.From(context.Request, context.Caller().RequireAgent(), ListFilter.OrderStatuses, paging), context.RequestAborted);
            return Envelopes.Page(context, paging.ToPage(rows, row => row.ToModel(), row => (row.CreatedAt, row.PublicId)));
        });

        api.MapPost("/orders/validate", async (HttpContext context, PreFlight preFlight, ChainContext chain) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<ValidateOrderRequest>(context.Request, context.RequestAborted);
            var requirements = Fields.Json("requirements", request.Requirements, 64 * 1024);
            var thirdParties = ThirdPartyTerms.Check(request.ThirdParties, chain);
            return Envelopes.Ok(context, await preFlight.ValidateAsync(agentId, request.ServiceId, requirements, thirdParties, context.RequestAborted));
        });

        api.MapGet("/orders/{id}", async (HttpContext context, OrderReader orders, string id) =>
        {
            var order = await orders.GetSettledAsync(context.Caller().RequireAgent(), id, OrderReader.WaitOf(context.Request), context.RequestAborted);
            return Envelopes.Ok(context, order.ToModel());
        });

        api.MapPost("/orders/{id}/pay", (HttpContext context, OrderSteps steps, string id) =>
            StepAsync(context, agentId => steps.PayAsync(agentId, id, context.IdempotentCall(), context.RequestAborted)));

        api.MapPost("/orders/{id}/deliver", (HttpContext context, OrderSteps steps, string id) => StepAsync(context, async agentId =>
        {
            var request = await RequestBody.ReadAsync<DeliverOrderRequest>(context.Request, context.RequestAborted);
            return await steps.DeliverAsync(agentId, id, new DeliveryContent(request), context.IdempotentCall(), context.RequestAborted);
        }));

        api.MapPost("/orders/{id}/release", (HttpContext context, OrderSteps steps, string id) =>
            StepAsync(context, agentId => steps.ReleaseAsync(agentId, id, context.IdempotentCall(), context.RequestAborted)));

        api.MapPost("/orders/{id}/dispute", (HttpContext context, OrderSteps steps, string id) => StepAsync(context, async agentId =>
        {
            var request = await RequestBody.ReadAsync<DisputeRequest>(context.Request, context.RequestAborted);
            return await steps.DisputeAsync(agentId, id, Fields.Text("reason", request.Reason, 1, 512), context.IdempotentCall(), context.RequestAborted);
        }));

        api.MapPost("/orders/{id}/reject", (HttpContext context, OrderSteps steps, string id) => StepAsync(context, async agentId =>
        {
            var request = await RequestBody.ReadAsync<RejectRequest>(context.Request, context.RequestAborted);
            return await steps.RejectAsync(agentId, id, Fields.Text("reason", request.Reason, 1, 512), context.IdempotentCall(), context.RequestAborted);
        }));

        api.MapPost("/orders/{id}/expire", (HttpContext context, OrderSteps steps, string id) =>
            StepAsync(context, agentId => steps.ExpireAsync(agentId, id, context.IdempotentCall(), context.RequestAborted)));

        api.MapGet("/orders/{id}/delivery", async (HttpContext context, Deliveries deliveries, string id) =>
            Envelopes.Ok(context, await deliveries.GetAsync(context.Caller().RequireAgent(), id, context.RequestAborted)));
    }

    // 202 while the outcome is open: what is not proven is never told as success or failure.
    internal static async Task<IResult> StepAsync(HttpContext context, Func<string, Task<OrderRow>> take)
    {
        var agentId = context.Caller().RequireAgent();
        var wait = OrderReader.WaitOf(context.Request);
        var order = await take(agentId);
        if (order.PendingStep is not null && wait > TimeSpan.Zero)
        {
            order = await context.RequestServices.GetRequiredService<OrderReader>().GetSettledAsync(agentId, order.PublicId, wait, context.RequestAborted);
        }

        var model = order.ToModel();
        return Envelopes.Ok(context, model, model.Pending is null ? 200 : 202);
    }
}
