using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Catalogue;

/// <summary>Routes <c>/services</c>.</summary>
public static class ServicesApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapServices(this RouteGroupBuilder api)
    {
        api.MapPost("/services", async (HttpContext context, Services services) =>
        {
            context.Caller().RequireOperator();
            var request = await RequestBody.ReadAsync<CreateServiceRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, (await services.CreateAsync(request, context.IdempotentCall(), context.RequestAborted)).ToModel(), 201);
        });

        api.MapPatch("/services/{serviceId}", async (HttpContext context, Services services, string serviceId) =>
        {
            context.Caller().RequireOperator();
            var change = await RequestBody.ReadAsync<UpdateServiceRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, (await services.UpdateAsync(serviceId, change, context.IdempotentCall(), context.RequestAborted)).ToModel());
        });

        api.MapGet("/services", async (HttpContext context, Services services) =>
        {
            var paging = Paging.From(context.Request);
            var rows = await services.ListAsync(paging.Limit + 1, paging.BeforeTime, paging.BeforeId, context.RequestAborted);
            return Envelopes.Page(context, paging.ToPage(rows, row => row.ToModel(), row => (row.CreatedAt, row.ServiceId)));
        });

        api.MapGet("/services/{serviceId}", async (HttpContext context, Services services, string serviceId) =>
            Envelopes.Ok(
                context,
                (await services.FindAsync(serviceId, context.RequestAborted) ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId)).ToModel()));
    }
}
