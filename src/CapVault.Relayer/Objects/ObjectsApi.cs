using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace CapVault.Relayer.Objects;

/// <summary>Routes <c>/objects</c>, and the links that they give out.</summary>
public static class ObjectsApi
{
    private const int ReadAhead = 2 * 1024 * 1024; // twice what Kestrel buffers

    /// <summary>Maps the routes that take a key.</summary>
    public static void MapObjects(this RouteGroupBuilder api)
    {
        api.MapPost("/objects/upload-url", async (HttpContext context, Uploads uploads, ObjectLinks links) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<UploadLinkRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, await NewUploadAsync(context, uploads, links, agentId, request), 201);
        });

        api.MapPost("/objects/download-url", async (HttpContext context, Downloads downloads, ObjectLinks links) =>
        {
            var agentId = context.Caller().RequireAgent();
            var request = await RequestBody.ReadAsync<DownloadLinkRequest>(context.Request, context.RequestAborted);
            return Envelopes.Ok(context, await NewDownloadAsync(context, downloads, links, agentId, request.ObjectKey));
        });
    }

    /// <summary>Maps what links lead to. They take no key: the signature is the authority.</summary>
    public static void MapObjectLinks(this WebApplication app)
    {
        app.MapPut($"{ObjectLinks.Path}/{{objectKey}}", async (HttpContext context, Uploads uploads, ObjectLinks links, IOptions<RelayerOptions> options, string objectKey) =>
        {
            links.Require(context.Request, objectKey);
            // The limit of all other routes is much lower. The refusal is ours; Kestrel's bound, a buffer's length above it, ends a body that goes on
            // all the same instead of reading it to its end.
            context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = options.Value.MaxObjectBytes + ReadAhead;
            var row = await uploads.ReceiveAsync(objectKey, context.Request.Body, context.Request.ContentLength, context.RequestAborted);
            return Envelopes.Ok(context, row.ToModel());
        });

        app.MapMethods($"{ObjectLinks.Path}/{{objectKey}}", [HttpMethods.Get, HttpMethods.Head], async (
            HttpContext context, Downloads downloads, ObjectStore store, ObjectLinks links, string objectKey) =>
        {
            links.Require(context.Request, objectKey);
            var row = await downloads.GetAsync(objectKey, context.RequestAborted);
            // Whatever an agent uploads must never become a page of this origin.
            context.Response.Headers.XContentTypeOptions = "nosniff";
            context.Response.Headers.ContentSecurityPolicy = "sandbox";
            context.Response.Headers.CacheControl = "private, no-store";
            return Results.File(
                store.PathOf(objectKey),
                row.ContentType,
                fileDownloadName: row.Name,
                lastModified: DateTimeOffset.FromUnixTimeMilliseconds(row.StoredAt!.Value),
                entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(row.ContentHash!)}\""),
                enableRangeProcessing: true);
        });
    }

    /// <summary>Makes an object and the link to upload it.</summary>
    public static async Task<UploadLink> NewUploadAsync(HttpContext context, Uploads uploads, ObjectLinks links, string agentId, UploadLinkRequest request)
    {
        var row = await uploads.CreateAsync(agentId, request, context.IdempotentCall(), context.RequestAborted);
        var (url, expiresAt) = links.New(context.Request, HttpMethods.Put, row.ObjectKey);
        return new UploadLink { ObjectKey = row.ObjectKey, UploadUrl = url, ExpiresAt = expiresAt };
    }

    /// <summary>Makes a link to an object that the agent may have.</summary>
    public static async Task<DownloadLink> NewDownloadAsync(HttpContext context, Downloads downloads, ObjectLinks links, string agentId, string objectKey)
    {
        var stored = (await downloads.GetAsync(agentId, objectKey, context.RequestAborted)).ToModel();
        var (url, expiresAt) = links.New(context.Request, HttpMethods.Get, objectKey);
        return new DownloadLink
        {
            DownloadUrl = url,
            ExpiresAt = expiresAt,
            Name = stored.Name,
            Size = stored.Size,
            ContentType = stored.ContentType,
            Keccak256 = stored.Keccak256,
        };
    }
}
