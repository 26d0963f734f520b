using System.Text.Json;
using CapVault.Relayer.Catalogue.Schemas;
using CapVault.Relayer.Http;
using CapVault.Relayer.Objects;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;

namespace CapVault.Relayer.Orders;

/// <summary>Whether a content may be delivered: its files are the Provider's, and it is what the service promised when the order was negotiated.</summary>
public sealed class DeliveryChecks(Db db, Downloads downloads)
{
    /// <summary>The content with the records of its files.</summary>
    /// <exception cref="ApiException">404 for an object that is not the Provider's own, 409 for one that is not uploaded.</exception>
    public async Task<DeliveryContent> WithFilesAsync(string providerAgentId, DeliveryContent content, CancellationToken cancellationToken) =>
        content.WithFiles(await downloads.GetOwnAsync(providerAgentId, content.Files, cancellationToken));

    /// <summary>Holds the content against the service's version that the negotiation pinned.</summary>
    /// <exception cref="ApiException">400 for another type than the service's, 422 for a value that does not fit its schema.</exception>
    public async Task RequirePromisedAsync(OrderRow order, DeliveryContent content, CancellationToken cancellationToken)
    {
        var promise = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<Promise?>(
                """
                SELECT s.deliverable_type, s.deliverable_schema FROM negotiation n JOIN service s ON s.service_id = n.service_id AND s.version = n.service_version
                WHERE n.negotiation_id = @NegotiationId
                """,
                order),
            cancellationToken);
        if (promise is null)
        {
            return; // created on chain directly: nothing was promised here
        }

        if (promise.DeliverableType != content.Type.Value)
        {
            throw ApiException.Invalid("deliverableType", content.Type.Value, $"{promise.DeliverableType}, which the order's service delivers");
        }

        if (promise.DeliverableSchema is { } schema)
        {
            RequireFit(schema, content.Value!.Value);
        }
    }

    private static void RequireFit(string schema, JsonElement value)
    {
        var errors = JsonSchemas.Validate(schema, value);
        if (errors.Count > 0)
        {
            throw new ApiException(
                422,
                ErrorCodes.DeliverableSchemaMismatch,
                $"deliverableSchema{errors[0].Path}: {errors[0].Message}. {errors.Count} places do not fit the schema that the service promises; nothing was delivered.",
                new { field = "deliverableSchema", errors = errors.Select(error => new { path = error.Path, message = error.Message }) });
        }
    }

    private sealed record Promise
    {
        public string DeliverableType { get; init; } = "";

        public string? DeliverableSchema { get; init; }
    }
}
