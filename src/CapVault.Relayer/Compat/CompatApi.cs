using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Objects;
using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.Relayer.Compat;

/// <summary>
/// CROO's API, as its published client calls it: routes <c>/backend/v1</c> and the socket <c>/ws</c>. A projection over the services of
/// <c>/api/v1</c>, with no rule of its own: without this folder the system is gone, and nothing else changes.
/// </summary>
public static class CompatApi
{
    private const string Base = "/backend/v1";

    /// <summary>The client takes any answer below 400 as done, and wants the transaction: calls wait for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>CROO's words, of which no order here ever is in the last two: a failed step leaves the order where it was.</summary>
    private static readonly string[] OrderStatuses = [.. ListFilter.OrderStatuses, "pay_failed", "deliver_failed"];

    /// <summary>Adds what the routes need.</summary>
    public static IServiceCollection AddCompat(this IServiceCollection services) => services.AddSingleton<CompatCursors>();

    /// <summary>Maps the routes, and gives their errors CROO's shape.</summary>
    public static void MapCompat(this WebApplication app)
    {
        app.UseWhen(context => IsBelow(context, Base) || IsBelow(context, CompatSocket.Path), compat => compat.UseErrors(CompatErrors.Body));
        var api = app.MapGroup(Base).RequireCaller().TakeIdempotencyKeys();
        api.MapNegotiations();
        api.MapOrders();
        api.MapObjects();
        app.MapCompatSocket();
    }

    private static void MapNegotiations(this RouteGroupBuilder api)
    {
        api.MapPost("/orders/negotiate", async (HttpContext context, Negotiations negotiations, Services services) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await ReadAsync<CompatNegotiateRequest>(context);
            RequireOwn(request.RequesterAgentId, agentId);
            RequireNoFunds("fundAmount", request.FundAmount);
            RequireNoFunds("fundToken", request.FundToken);
            var wantsValue = (await services.FindAsync(request.ServiceId, context.RequestAborted))?.RequirementType == RequirementType.Schema.Value;
            var requirements = Fields.Json("requirements", CompatText.ToJson(request.Requirements, wantsValue), 64 * 1024);
            var metadata = Fields.Json("metadata", CompatText.ToJson(request.Metadata), 16 * 1024);
            // CROO has no word for third parties: its Requesters accept nobody.
            var row = await negotiations.NegotiateAsync(agentId, request.ServiceId, requirements, thirdParties: null, payOnAccept: false, metadata, context.IdempotentCall(), context.RequestAborted);
            return Json(new { negotiation = new CompatNegotiation(row) });
        });

        api.MapGet("/orders/negotiate", async (HttpContext context, Negotiations negotiations) =>
        {
            var filter = ListFilter.From(context.Request, context.Caller().RequireAgent(), ListFilter.NegotiationStatuses, Paging.FromPageOrCursor(context.Request));
            var rows = await negotiations.ListAsync(filter, context.RequestAborted);
            return Json(new { negotiations = rows.Take(filter.Rows - 1).Select(row => new CompatNegotiation(row)) });
        });

        api.MapGet("/orders/negotiate/{negotiationId}", async (HttpContext context, Negotiations negotiations, string negotiationId) =>
            Json(new { negotiation = new CompatNegotiation(await negotiations.GetAsync(context.Caller().RequireAgent(), negotiationId, context.RequestAborted)) }));

        api.MapPost("/orders/negotiate/{negotiationId}/accept", async (HttpContext context, Negotiations negotiations, OrderReader orders, string negotiationId) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadOrDefaultAsync<CompatAcceptRequest>(context.Request, context.RequestAborted, CapJson.Options);
            RequireNoFunds("providerFundAddress", request.ProviderFundAddress);
            var row = await negotiations.AcceptAsync(agentId, negotiationId, revision: null, signature: null, context.IdempotentCall(), context.RequestAborted);
            var order = await orders.GetAsync(agentId, Ids.Of("ord_", row.OrderId), context.RequestAborted);
            var outcome = await OutcomeAsync(context, agentId, order, OrderStep.Create);
            return Json(new { negotiation = new CompatNegotiation(row), order = new CompatOrder(outcome.Order) }, outcome.Status);
        });

        api.MapPost("/orders/negotiate/{negotiationId}/reject", async (HttpContext context, Negotiations negotiations, string negotiationId) =>
        {
            var agentId = context.Caller().RequireAgent();
            var reason = Fields.Text("reason", (await ReadAsync<RejectRequest>(context)).Reason, 1, 512);
            return Json(new { negotiation = new CompatNegotiation(await negotiations.RejectAsync(agentId, negotiationId, reason, context.IdempotentCall(), context.RequestAborted)) });
        });
    }

    private static void MapOrders(this RouteGroupBuilder api)
    {
        api.MapGet("/orders", async (HttpContext context, OrderReader orders) =>
        {
            var filter = ListFilter.From(context.Request, context.Caller().RequireAgent(), OrderStatuses, Paging.FromPageOrCursor(context.Request));
            var rows = await orders.ListAsync(filter, context.RequestAborted);
            return Json(new { orders = rows.Take(filter.Rows - 1).Select(row => new CompatOrder(row)) });
        });

        api.MapGet("/orders/{id}", async (HttpContext context, OrderReader orders, string id) =>
            Json(new { order = new CompatOrder(await orders.GetAsync(context.Caller().RequireAgent(), id, context.RequestAborted)) }));

        api.MapPost("/orders/{id}/pay", async (HttpContext context, OrderSteps steps, string id) =>
        {
            var agentId = context.Caller().RequireAgent();
            var outcome = await OutcomeAsync(context, agentId, await steps.PayAsync(agentId, id, context.IdempotentCall(), context.RequestAborted), OrderStep.Pay);
            return Json(new { order = new CompatOrder(outcome.Order), outcome.TxHash }, outcome.Status);
        });

        api.MapPost("/orders/{id}/deliver", async (HttpContext context, OrderSteps steps, Deliveries deliveries, string id) =>
        {
            var agentId = context.Caller().RequireAgent();
            var content = new DeliveryContent((await ReadAsync<CompatDeliverRequest>(context)).ToRequest());
            var outcome = await OutcomeAsync(context, agentId, await steps.DeliverAsync(agentId, id, content, context.IdempotentCall(), context.RequestAborted), OrderStep.Deliver);
            var delivery = await deliveries.GetSubmittedAsync(outcome.Order, content.Hash, context.RequestAborted);
            return Json(new { order = new CompatOrder(outcome.Order), delivery = new CompatDelivery(outcome.Order, delivery), outcome.TxHash }, outcome.Status);
        });

        api.MapPost("/orders/{id}/reject", async (HttpContext context, OrderSteps steps, string id) =>
        {
            var agentId = context.Caller().RequireAgent();
            var reason = Fields.Text("reason", (await ReadAsync<RejectRequest>(context)).Reason, 1, 512);
            var outcome = await OutcomeAsync(context, agentId, await steps.RejectAsync(agentId, id, reason, context.IdempotentCall(), context.RequestAborted), OrderStep.Reject);
            return Json(new { order = new CompatOrder(outcome.Order) }, outcome.Status);
        });

        api.MapGet("/orders/{id}/delivery", async (HttpContext context, OrderReader orders, Deliveries deliveries, string id) =>
        {
            var agentId = context.Caller().RequireAgent();
            var delivery = await deliveries.GetAsync(agentId, id, context.RequestAborted);
            return Json(new { delivery = new CompatDelivery(await orders.GetAsync(agentId, id, context.RequestAborted), delivery) });
        });
    }

    private static void MapObjects(this RouteGroupBuilder api)
    {
        api.MapPost("/objects/upload-url", async (HttpContext context, Uploads uploads, ObjectLinks links) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = (await ReadAsync<CompatUploadRequest>(context)).ToRequest();
            var link = await ObjectsApi.NewUploadAsync(context, uploads, links, agentId, request);
            return Json(new { link.UploadUrl, link.ObjectKey });
        });

        api.MapPost("/objects/download-url", async (HttpContext context, Downloads downloads, ObjectLinks links) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await ReadAsync<CompatDownloadRequest>(context);
            return Json(new { (await ObjectsApi.NewDownloadAsync(context, downloads, links, agentId, request.ObjectKey)).DownloadUrl });
        });
    }

    private static bool IsBelow(HttpContext context, string path) => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase);

    private static IResult Json(object body, int status = 200) => Results.Json(body, CapJson.Options, statusCode: status);

    // What CROO's client sends beyond what we know is passed over, not refused.
    private static Task<T> ReadAsync<T>(HttpContext context)
        where T : class => RequestBody.ReadAsync<T>(context.Request, context.RequestAborted, CapJson.Options);

    /// <summary>Waits for what becomes of a step. 202 while that is open: what is not proven is never told as success or failure.</summary>
    /// <exception cref="ApiException">502 once the step has failed for good.</exception>
    private static async Task<(OrderRow Order, string TxHash, int Status)> OutcomeAsync(HttpContext context, string agentId, OrderRow order, OrderStep step)
    {
        if (TransactionOf(order, step) is null)
        {
            var orders = context.RequestServices.GetRequiredService<OrderReader>();
            order = await orders.GetSettledAsync(agentId, order.PublicId, Patience, context.RequestAborted);
        }

        var model = order.ToModel();
        var keyed = context.Request.Headers.ContainsKey(IdempotentCalls.Header);
        return (TransactionOf(order, step), model) switch
        {
            ({ } txHash, _) => (order, txHash, 200),
            (_, { Pending: { } pending }) => (order, pending.Op == step ? pending.TxHash ?? "" : "", 202),
            (_, { LastFailure: { } failure }) when failure.Op == step => throw new ApiException(
                502,
                ErrorCodes.RelayFailed,
                $"To {step} has failed and had no effect ({failure.Code}: {failure.Reason}). The order is {model.Status}; {(keyed ? "the same call with another Idempotency-Key" : "the same call")} tries again.",
                new { currentState = model.Status, lastFailure = failure },
                retryable: !keyed),
            _ => throw ApiException.State(
                ErrorCodes.InvalidState, $"The order is {model.Status}: to {step} had no effect and is not possible any more.", new { currentState = model.Status, step }),
        };
    }

    private static string? TransactionOf(OrderRow order, OrderStep step)
    {
        var model = order.ToModel();
        return step == OrderStep.Create ? model.CreateTxHash
            : step == OrderStep.Pay ? model.PayTxHash
            : step == OrderStep.Deliver ? model.DeliverTxHash
            : model.RejectTxHash;
    }

    private static void RequireOwn(string? requesterAgentId, string agentId)
    {
        if (!string.IsNullOrEmpty(requesterAgentId) && requesterAgentId != agentId)
        {
            throw ApiException.Forbidden($"requesterAgentId: found {ApiException.Quote(requesterAgentId)}, this key acts for {agentId}. Leave it out.");
        }
    }

    private static void RequireNoFunds(string field, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            throw ApiException.Invalid(field, value, "nothing: fund-transfer services are not supported yet");
        }
    }
}
