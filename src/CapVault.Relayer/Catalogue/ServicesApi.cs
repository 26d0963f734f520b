using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;

namespace CapVault.Relayer.Catalogue;

/// <summary>Routes <c>/services</c>: set-up by the operator or the agent's Owner. Who wants to buy looks at the public catalogue.</summary>
public static class ServicesApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapServices(this RouteGroupBuilder api)
    {
        api.MapPost("/services", async (HttpContext context, Services services) =>
        {
            var owner = context.Caller().RequireSetUp();
            var request = await RequestBody.ReadAsync<CreateServiceRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, (await services.CreateAsync(request, owner, context.IdempotentCall(), context.RequestAborted)).ToModel(), 201);
        }).AlsoForOwners();

        api.MapPatch("/services/{serviceId}", async (HttpContext context, Services services, string serviceId) =>
        {
            var owner = context.Caller().RequireSetUp();
            var change = await RequestBody.ReadAsync<UpdateServiceRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, (await services.UpdateAsync(serviceId, change, owner, context.IdempotentCall(), context.RequestAborted)).ToModel());
        }).AlsoForOwners();

        api.MapGet("/services", async (HttpContext context, Services services) =>
        {
            var paging = Paging.From(context.Request);
            var rows = await services.ListAsync(context.Caller(), paging, context.RequestAborted);
            return Envelopes.Page(context, paging.ToPage(rows, row => row.ToModel(), row => (row.CreatedAt, row.ServiceId)));
        }).AlsoForOwners();

        api.MapGet("/services/{serviceId}", async (HttpContext context, Services services, string serviceId) =>
            Envelopes.Ok(context, (await services.GetAsync(context.Caller(), serviceId, context.RequestAborted)).ToModel())).AlsoForOwners();
    }
}
