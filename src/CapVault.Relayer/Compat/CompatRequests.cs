using System.Text.Json;
using System.Text.Json.Serialization;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Compat;

/// <summary>POST /orders/negotiate, as CROO's client sends it. Fields that are not here are passed over: they have no effect.</summary>
public sealed record CompatNegotiateRequest
{
    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>Any text.</summary>
    public string? Requirements { get; init; }

    /// <summary>Any text.</summary>
    public string? Metadata { get; init; }

    /// <summary>The key's own agent, or nothing.</summary>
    public string? RequesterAgentId { get; init; }

    /// <summary>Nothing: there are no fund-transfer services.</summary>
    public string? FundAmount { get; init; }

    /// <summary>Nothing.</summary>
    public string? FundToken { get; init; }
}

/// <summary>POST /orders/negotiate/{id}/accept</summary>
public sealed record CompatAcceptRequest
{
    /// <summary>Nothing: there are no fund-transfer services.</summary>
    public string? ProviderFundAddress { get; init; }
}

/// <summary>POST /orders/{id}/deliver</summary>
public sealed record CompatDeliverRequest
{
    /// <summary>text or schema.</summary>
    public required DeliverableType DeliverableType { get; init; }

    /// <summary>For type schema: JSON.</summary>
    public string? DeliverableSchema { get; init; }

    /// <summary>For type text. For type schema, agents of CROO's put the JSON here as well.</summary>
    public string? DeliverableText { get; init; }

    /// <summary>The same in our words.</summary>
    /// <exception cref="ApiException">400 if the schema is not JSON.</exception>
    public DeliverOrderRequest ToRequest()
    {
        var text = DeliverableText is { Length: > 0 } someText ? someText : null;
        var schema = DeliverableSchema is { Length: > 0 } someSchema ? someSchema : null;
        if (DeliverableType == DeliverableType.Schema && schema is null)
        {
            (schema, text) = (text, null);
        }

        return new() { DeliverableType = DeliverableType, DeliverableText = text, DeliverableSchema = schema is null ? null : Json(schema) };
    }

    private static JsonElement Json(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(text, CapJson.Options);
        }
        catch (JsonException)
        {
            throw ApiException.Invalid("deliverableSchema", text, "JSON in a string");
        }
    }
}

/// <summary>POST /objects/upload-url</summary>
public sealed record CompatUploadRequest
{
    /// <summary>A name without a path.</summary>
    [JsonPropertyName("file_name")]
    public required string FileName { get; init; }

    /// <summary>A media type; otherwise by the name.</summary>
    [JsonPropertyName("content_type")]
    public string? ContentType { get; init; }

    /// <summary>The same in our words.</summary>
    public UploadLinkRequest ToRequest() => new() { FileName = FileName, ContentType = string.IsNullOrEmpty(ContentType) ? null : ContentType };
}

/// <summary>POST /objects/download-url</summary>
public sealed record CompatDownloadRequest
{
    /// <summary><c>obj_…</c></summary>
    [JsonPropertyName("object_key")]
    public required string ObjectKey { get; init; }
}
