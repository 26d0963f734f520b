using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Compat;

/// <summary>
/// A negotiation as CROO's client reads it. In all of these shapes every field is always there: "" where there is nothing, times in ISO 8601
/// (UTC), money in base units.
/// </summary>
public sealed record CompatNegotiation
{
    /// <summary>Makes the shape.</summary>
    public CompatNegotiation(NegotiationRow row)
    {
        NegotiationId = row.NegotiationId;
        ServiceId = row.ServiceId;
        RequesterAgentId = row.RequesterAgentId;
        ProviderAgentId = row.ProviderAgentId;
        Requirements = CompatText.Of(row.Requirements);
        Status = row.Status;
        RejectReason = row.RejectReason ?? "";
        Metadata = CompatText.Of(row.Metadata);
        ExpiresAt = CompatText.OfMilliseconds(row.ExpiresAt);
        CreatedTime = CompatText.OfMilliseconds(row.CreatedAt);
        UpdatedTime = CompatText.OfMilliseconds(row.UpdatedAt);
    }

    /// <summary><c>neg_…</c></summary>
    public string NegotiationId { get; }

    /// <summary><c>svc_…</c></summary>
    public string ServiceId { get; }

    /// <summary><c>agt_…</c> that buys.</summary>
    public string RequesterAgentId { get; }

    /// <summary><c>agt_…</c> that sells.</summary>
    public string ProviderAgentId { get; }

    /// <summary>The text that was sent; of other JSON values, their JSON.</summary>
    public string Requirements { get; }

    /// <summary>pending, accepted, rejected or expired.</summary>
    public string Status { get; }

    /// <summary>Why the Provider declined.</summary>
    public string RejectReason { get; }

    /// <summary>As <see cref="Requirements"/>.</summary>
    public string Metadata { get; }

    /// <summary>Without an answer by then it expires.</summary>
    public string ExpiresAt { get; }

    /// <summary>When it was made.</summary>
    public string CreatedTime { get; }

    /// <summary>When it last changed.</summary>
    public string UpdatedTime { get; }

    /// <summary>Always empty: there are no fund-transfer services.</summary>
    public string FundAmount { get; } = "";

    /// <summary>Always empty.</summary>
    public string FundToken { get; } = "";

    /// <summary>Always empty.</summary>
    public string ProviderFundAddress { get; } = "";
}

/// <summary>An order as CROO's client reads it, and what CROO does not have: the step in flight, the last failure, how it ended.</summary>
public sealed record CompatOrder
{
    /// <summary>Makes the shape.</summary>
    public CompatOrder(OrderRow row)
    {
        var model = row.ToModel();
        OrderId = model.OrderId;
        NegotiationId = model.NegotiationId ?? "";
        ChainOrderId = model.ChainOrderId;
        ServiceId = model.ServiceId ?? "";
        RequesterAgentId = model.RequesterAgentId ?? "";
        ProviderAgentId = model.ProviderAgentId ?? "";
        RequesterWalletAddress = model.RequesterWalletAddress;
        ProviderWalletAddress = model.ProviderWalletAddress;
        Price = model.Terms.Amount;
        PaymentToken = model.PaymentToken;
        DeliveryWindow = model.DeliveryWindow;
        Status = row.Status;
        RejectReason = model.RejectReason ?? "";
        CreateTxHash = model.CreateTxHash ?? "";
        PayTxHash = model.PayTxHash ?? "";
        DeliverTxHash = model.DeliverTxHash ?? "";
        RejectTxHash = model.RejectTxHash ?? "";
        ClearTxHash = model.ClearTxHash ?? "";
        SlaDeadline = CompatText.Of(model.SlaDeadline);
        PayDeadline = CompatText.Of(model.PayDeadline);
        CreatedTime = CompatText.Of(model.CreatedTime);
        CreatedAt = CompatText.OfSeconds(row.CreatedTime);
        PaidAt = CompatText.Of(model.PaidAt);
        DeliveredAt = CompatText.Of(model.DeliveredAt);
        RejectedAt = CompatText.Of(model.RejectedAt);
        ExpiredAt = CompatText.Of(model.ExpiredAt);
        UpdatedTime = CompatText.Of(((DateTimeOffset?[])
        [
            model.CreatedTime, model.ApprovedAt, model.PaidAt, model.DeliveredAt, model.DisputedAt, model.ClearedAt, model.RejectedAt, model.ExpiredAt, model.Pending?.Since, model.LastFailure?.At,
        ]).Max());
        FeeAmount = row.Fee ?? "";
        FinalStatus = model.FinalStatus?.Value ?? "";
        Pending = model.Pending;
        LastFailure = model.LastFailure;
    }

    /// <summary><c>ord_…</c></summary>
    public string OrderId { get; }

    /// <summary><c>neg_…</c></summary>
    public string NegotiationId { get; }

    /// <summary>0x-prefixed orderId.</summary>
    public string ChainOrderId { get; }

    /// <summary><c>svc_…</c></summary>
    public string ServiceId { get; }

    /// <summary><c>agt_…</c> that buys.</summary>
    public string RequesterAgentId { get; }

    /// <summary><c>agt_…</c> that sells.</summary>
    public string ProviderAgentId { get; }

    /// <summary>Always empty: agents buy here, not users.</summary>
    public string BuyerUserId { get; } = "";

    /// <summary>Account that buys; the client looks at its balance before it pays.</summary>
    public string RequesterWalletAddress { get; }

    /// <summary>Account that sells.</summary>
    public string ProviderWalletAddress { get; }

    /// <summary>Base units.</summary>
    public string Price { get; }

    /// <summary>Address of the token.</summary>
    public string PaymentToken { get; }

    /// <summary>Seconds from payment to the last second in which delivery is valid.</summary>
    public long DeliveryWindow { get; }

    /// <summary>Our status: CROO's words, without pay_failed and deliver_failed (see <see cref="LastFailure"/>).</summary>
    public string Status { get; }

    /// <summary>Why it was rejected.</summary>
    public string RejectReason { get; }

    /// <summary>Transaction of createOrder.</summary>
    public string CreateTxHash { get; }

    /// <summary>Transaction of payOrder.</summary>
    public string PayTxHash { get; }

    /// <summary>Transaction of deliverOrder.</summary>
    public string DeliverTxHash { get; }

    /// <summary>Transaction of rejectOrder.</summary>
    public string RejectTxHash { get; }

    /// <summary>Transaction that settled.</summary>
    public string ClearTxHash { get; }

    /// <summary>Delivery is valid up to and including it; from payment on.</summary>
    public string SlaDeadline { get; }

    /// <summary>Payment is valid up to and including it.</summary>
    public string PayDeadline { get; }

    /// <summary>When the order was accepted.</summary>
    public string CreatedTime { get; }

    /// <summary>When something last happened.</summary>
    public string UpdatedTime { get; }

    /// <summary>Block time of its creation.</summary>
    public string CreatedAt { get; }

    /// <summary>Block time of the payment.</summary>
    public string PaidAt { get; }

    /// <summary>Block time of the delivery.</summary>
    public string DeliveredAt { get; }

    /// <summary>Block time of the rejection.</summary>
    public string RejectedAt { get; }

    /// <summary>Block time of the expiry.</summary>
    public string ExpiredAt { get; }

    /// <summary>The platform fee in base units, once it is charged.</summary>
    public string FeeAmount { get; }

    /// <summary>Always empty: there are no fund-transfer services.</summary>
    public string FundAmount { get; } = "";

    /// <summary>Always empty.</summary>
    public string FundToken { get; } = "";

    /// <summary>Always empty.</summary>
    public string ProviderFundAddress { get; } = "";

    /// <summary>How it ended.</summary>
    public string FinalStatus { get; }

    /// <summary>The step in flight.</summary>
    public PendingOperation? Pending { get; }

    /// <summary>The last step that failed for good.</summary>
    public OperationFailure? LastFailure { get; }
}

/// <summary>A delivery as CROO's client reads it.</summary>
public sealed record CompatDelivery
{
    /// <summary>Makes the shape.</summary>
    public CompatDelivery(OrderRow order, Delivery delivery)
    {
        DeliveryId = Ids.Of("dlv_", SHA256.HashData([.. order.OrderId, .. delivery.ContentHash.HexToByteArray()]));
        OrderId = delivery.OrderId;
        ProviderAgentId = order.ProviderAgentId ?? "";
        DeliverableType = delivery.DeliverableType.Value;
        DeliverableSchema = delivery.DeliverableSchema?.GetRawText() ?? "";
        DeliverableText = delivery.DeliverableText ?? "";
        ContentHash = delivery.ContentHash;
        Status = delivery.Status;
        SubmittedAt = CompatText.Of(delivery.SubmittedAt);
        VerifiedAt = CompatText.Of(delivery.VerifiedAt);
        CreatedTime = SubmittedAt;
        UpdatedTime = CompatText.Of(delivery.VerifiedAt ?? delivery.SubmittedAt);
    }

    /// <summary><c>dlv_…</c>; derives from the order and the content.</summary>
    public string DeliveryId { get; }

    /// <summary><c>ord_…</c></summary>
    public string OrderId { get; }

    /// <summary><c>agt_…</c> that sells.</summary>
    public string ProviderAgentId { get; }

    /// <summary>text or schema.</summary>
    public string DeliverableType { get; }

    /// <summary>For type schema: JSON.</summary>
    public string DeliverableSchema { get; }

    /// <summary>For type text.</summary>
    public string DeliverableText { get; }

    /// <summary>keccak256, as it goes on chain.</summary>
    public string ContentHash { get; }

    /// <summary>submitted, accepted or rejected.</summary>
    public string Status { get; }

    /// <summary>When the Provider submitted it.</summary>
    public string SubmittedAt { get; }

    /// <summary>Block time at which its hash was recorded.</summary>
    public string VerifiedAt { get; }

    /// <summary>As <see cref="SubmittedAt"/>.</summary>
    public string CreatedTime { get; }

    /// <summary>When it last changed.</summary>
    public string UpdatedTime { get; }
}

/// <summary>How CROO writes what we keep as something else.</summary>
public static class CompatText
{
    /// <summary>A time, or "".</summary>
    public static string Of(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture) ?? "";

    /// <summary>A time in unix milliseconds.</summary>
    public static string OfMilliseconds(long time) => Of(DateTimeOffset.FromUnixTimeMilliseconds(time));

    /// <summary>A time in unix seconds, or "".</summary>
    public static string OfSeconds(long? time) => time is { } seconds ? Of(DateTimeOffset.FromUnixTimeSeconds(seconds)) : "";

    /// <summary>JSON: the content of a string, any other value as it is, "" for nothing.</summary>
    public static string Of(string? json)
    {
        if (json is null)
        {
            return "";
        }

        var value = JsonSerializer.Deserialize<JsonElement>(json);
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : json;
    }

    /// <summary>Text that CROO's client sent, as JSON; nothing for "".</summary>
    /// <param name="text">The text.</param>
    /// <param name="wantsValue">Whether a JSON object in it is meant as that value.</param>
    public static JsonElement? ToJson(string? text, bool wantsValue = false) =>
        string.IsNullOrEmpty(text) ? null : wantsValue && ObjectIn(text) is { } value ? value : JsonSerializer.SerializeToElement(text, CapJson.Options);

    private static JsonElement? ObjectIn(string text)
    {
        try
        {
            var value = JsonSerializer.Deserialize<JsonElement>(text, CapJson.Options);
            return value.ValueKind == JsonValueKind.Object ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
