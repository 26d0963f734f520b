using System.Text;
using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>What a Provider submits, checked and hashed.</summary>
public sealed class DeliveryContent
{
    private const int MaxBytes = 1024 * 1024;

    private readonly DeliverableType _type;
    private readonly byte[] _content;

    /// <summary>Checks a request.</summary>
    /// <exception cref="ApiException">400 if the content does not fit its type, or has no hash.</exception>
    public DeliveryContent(DeliverOrderRequest request)
    {
        _type = request.DeliverableType;
        (var content, var field) = request switch
        {
            { DeliverableType.Value: "text", DeliverableText: { Length: > 0 } text, DeliverableSchema: null } => (text, "deliverableText"),
            { DeliverableType.Value: "schema", DeliverableText: null, DeliverableSchema: { } schema } => (Fields.Json("deliverableSchema", schema, MaxBytes)!, "deliverableSchema"),
            { DeliverableType.Value: "text", DeliverableSchema: not null } => throw ApiException.Invalid("deliverableSchema", "a value", "none for type text"),
            { DeliverableType.Value: "schema", DeliverableText: not null } => throw ApiException.Invalid("deliverableText", "a value", "none for type schema"),
            { DeliverableType.Value: "text" } => throw ApiException.Missing("deliverableText"),
            { DeliverableType.Value: "schema" } => throw ApiException.Missing("deliverableSchema"),
            _ => throw ApiException.Invalid("deliverableType", request.DeliverableType.Value, "text or schema"),
        };
        _content = Encoding.UTF8.GetBytes(content);
        if (_content.Length > MaxBytes)
        {
            throw ApiException.Invalid(field, $"{_content.Length} bytes", $"at most {MaxBytes} bytes of UTF-8");
        }

        try
        {
            Hash = DeliverableHash.Of(_type, request.DeliverableText, request.DeliverableSchema);
        }
        catch (Exception exception) when (exception is ArgumentException or JsonException)
        {
            throw ApiException.Invalid(field, exception.Message, "content that has a hash");
        }
    }

    /// <summary>keccak256, as it goes on chain.</summary>
    public byte[] Hash { get; }

    /// <summary>Keeps it for the Requester. What was submitted before stays: its operation may have been seen, and may still land.</summary>
    public Task KeepAsync(Tx tx, byte[] orderId, DateTimeOffset now) => tx.ExecuteAsync(
        """
        INSERT INTO delivery (order_id, deliverable_type, content, content_hash, submitted_at) VALUES (@orderId, @type, @_content, @Hash, @now)
        ON CONFLICT (order_id, content_hash) DO UPDATE SET submitted_at = excluded.submitted_at
        """,
        new { orderId, type = _type.Value, _content, Hash, now = now.ToUnixTimeMilliseconds() });
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
                "SELECT deliverable_type, content, content_hash, submitted_at FROM delivery WHERE order_id = @OrderId AND content_hash = @contentHash",
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
            DeliverableText = row.DeliverableType == DeliverableType.Text.Value ? Encoding.UTF8.GetString(row.Content) : null,
            DeliverableSchema = row.DeliverableType == DeliverableType.Schema.Value ? JsonSerializer.Deserialize<JsonElement>(row.Content) : null,
            ContentHash = row.ContentHash.ToHex(true),
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

        public long SubmittedAt { get; init; }
    }
}
