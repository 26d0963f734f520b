using System.Text;
using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Relayer.Objects;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>What a Provider submits, checked and hashed. Where it has files, <see cref="WithFiles"/> comes before the hash.</summary>
public sealed class DeliveryContent
{
    private const int MaxBytes = 1024 * 1024;
    private const int MaxFiles = 100;

    private readonly byte[]? _hash;

    /// <summary>Checks a request.</summary>
    /// <exception cref="ApiException">400 if the content does not fit its type, or has no hash.</exception>
    public DeliveryContent(DeliverOrderRequest request)
    {
        Type = request.DeliverableType;
        Files = Keys(request.Files ?? []);
        (var content, var field) = request switch
        {
            { DeliverableType.Value: "text", DeliverableText: { Length: > 0 } text, DeliverableSchema: null } => (text, "deliverableText"),
            { DeliverableType.Value: "text", DeliverableText: null, DeliverableSchema: null, Files.Count: > 0 } => ("", "deliverableText"),
            { DeliverableType.Value: "schema", DeliverableText: null, DeliverableSchema: { } schema } => (Fields.Json("deliverableSchema", schema, MaxBytes)!, "deliverableSchema"),
            { DeliverableType.Value: "text", DeliverableSchema: not null } => throw ApiException.Invalid("deliverableSchema", "a value", "none for type text"),
            { DeliverableType.Value: "schema", DeliverableText: not null } => throw ApiException.Invalid("deliverableText", "a value", "none for type schema"),
            { DeliverableType.Value: "text" } => throw ApiException.Missing("deliverableText"),
            { DeliverableType.Value: "schema" } => throw ApiException.Missing("deliverableSchema"),
            _ => throw ApiException.Invalid("deliverableType", request.DeliverableType.Value, "text or schema"),
        };
        Content = Encoding.UTF8.GetBytes(content);
        if (Content.Length > MaxBytes)
        {
            throw ApiException.Invalid(field, $"{Content.Length} bytes", $"at most {MaxBytes} bytes of UTF-8");
        }

        Text = request.DeliverableText;
        Value = request.DeliverableSchema;
        try
        {
            var hash = DeliverableHash.Of(Type, Value is null ? content : null, Value);
            _hash = Files.Count == 0 ? hash : null;
        }
        catch (Exception exception) when (exception is ArgumentException or JsonException)
        {
            throw ApiException.Invalid(field, exception.Message, "content that has a hash");
        }
    }

    private DeliveryContent(DeliveryContent content, DeliveryManifest manifest)
    {
        (Type, Text, Value, Files, Content) = (content.Type, content.Text, content.Value, content.Files, content.Content);
        Manifest = DeliverableHash.CanonicalBytes(manifest);
        _hash = DeliverableHash.Keccak256(Manifest);
    }

    /// <summary>Text or schema.</summary>
    public DeliverableType Type { get; }

    /// <summary>The text, if there is one.</summary>
    public string? Text { get; }

    /// <summary>The JSON value, if there is one.</summary>
    public JsonElement? Value { get; }

    /// <summary>Keys of the files that belong to it.</summary>
    public IReadOnlyList<string> Files { get; }

    /// <summary>Text or value as UTF-8; empty for files alone.</summary>
    public byte[] Content { get; }

    /// <summary>What is hashed where there are files, else null.</summary>
    public byte[]? Manifest { get; }

    /// <summary>keccak256, as it goes on chain.</summary>
    /// <exception cref="InvalidOperationException">The files were not looked up.</exception>
    public byte[] Hash => _hash ?? throw new InvalidOperationException("Found files without their records, expected WithFiles before the hash is asked for.");

    /// <summary>The same with the records of its files, and so with its manifest.</summary>
    public DeliveryContent WithFiles(IReadOnlyList<StoredObject> files) =>
        Files.Count == 0 ? this : new DeliveryContent(this, new DeliveryManifest { Version = 1, Text = Text, Schema = Value, Files = files });

    /// <summary>Keeps it for the Requester. What was submitted before stays: its operation may have been seen, and may still land.</summary>
    /// <exception cref="ApiException">404 if a file is not there any more.</exception>
    public async Task KeepAsync(Tx tx, byte[] orderId, DateTimeOffset now)
    {
        await tx.PostAsync(
            """
            INSERT INTO delivery (order_id, deliverable_type, content, content_hash, manifest, submitted_at) VALUES (@orderId, @type, @Content, @Hash, @Manifest, @now)
            ON CONFLICT (order_id, content_hash) DO UPDATE SET submitted_at = excluded.submitted_at
            """,
            new { orderId, type = Type.Value, Content, Hash, Manifest, now = now.ToUnixTimeMilliseconds() });
        await ObjectReferences.KeepAsync(tx, orderId, this);
    }

    private static IReadOnlyList<string> Keys(IReadOnlyList<string> files)
    {
        if (files.Count > MaxFiles)
        {
            throw ApiException.Invalid("files", $"{files.Count} files", $"at most {MaxFiles}");
        }

        if (files.Any(key => key is null))
        {
            throw ApiException.Invalid("files", null, "keys of objects");
        }

        var twice = files.GroupBy(key => key, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1);
        return twice is null ? files : throw ApiException.Invalid("files", twice.Key, "each file once");
    }
}

/// <summary>Hands deliverables to the parties.</summary>
public sealed class Deliveries(Db db, OrderReader orders)
{
    /// <summary>The deliverable, once its hash is on chain.</summary>
    /// <exception cref="ApiException">404 for a stranger, 409 before delivery.</exception>
    public async Task<Delivery> GetAsync(string agentId, string id, CancellationToken cancellationToken)
    {
        var order = await orders.GetAsync(agentId, id, cancellationToken);
        if (order.DeliverTx is null)
        {
            throw ApiException.State(
                ErrorCodes.InvalidState, $"The order is {order.Status}: nothing is delivered yet.", new { currentState = order.Status }, retryable: order.PendingStep is not null);
        }

        return await GetSubmittedAsync(order, order.DeliverableHash!, cancellationToken);
    }

    /// <summary>A deliverable that was submitted for an order; its hash may not be on chain yet.</summary>
    /// <exception cref="ApiException">404 if it was not submitted here.</exception>
    public async Task<Delivery> GetSubmittedAsync(OrderRow order, byte[] contentHash, CancellationToken cancellationToken)
    {
        var row = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<Row?>(
                "SELECT deliverable_type, content, content_hash, manifest, submitted_at FROM delivery WHERE order_id = @OrderId AND content_hash = @contentHash",
                new { order.OrderId, contentHash }),
            cancellationToken);
        if (row is null)
        {
            throw new ApiException(404, ErrorCodes.DeliveryNotFound, "The order was delivered on chain, but its content was not submitted here. Ask the Provider for it.");
        }

        return new Delivery
        {
            OrderId = order.PublicId,
            DeliverableType = DeliverableType.Parse(row.DeliverableType),
            DeliverableText = row.DeliverableType == DeliverableType.Text.Value && row.Content.Length > 0 ? Encoding.UTF8.GetString(row.Content) : null,
            DeliverableSchema = row.DeliverableType == DeliverableType.Schema.Value ? JsonSerializer.Deserialize<JsonElement>(row.Content) : null,
            ContentHash = row.ContentHash.ToHex(true),
            HashScheme = row.Manifest is not null ? HashScheme.Manifest : row.DeliverableType == DeliverableType.Text.Value ? HashScheme.Text : HashScheme.Schema,
            Manifest = row.Manifest is null ? null : JsonSerializer.Deserialize<DeliveryManifest>(row.Manifest, CapJson.Options),
            Status = order.Phase switch
            {
                Phase.Clear => "accepted",
                Phase.Rejected or Phase.Expired => "rejected",
                _ => "submitted",
            },
            SubmittedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.SubmittedAt),
            VerifiedAt = order.DeliveredTime is { } time ? DateTimeOffset.FromUnixTimeSeconds(time) : null,
        };
    }

    private sealed record Row
    {
        public string DeliverableType { get; init; } = "";

        public byte[] Content { get; init; } = [];

        public byte[] ContentHash { get; init; } = [];

        public byte[]? Manifest { get; init; }

        public long SubmittedAt { get; init; }
    }
}
