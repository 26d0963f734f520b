using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.Relayer.Orders;

/// <summary>A row of <c>negotiation</c>.</summary>
public sealed record NegotiationRow
{
    private ChainOrder? _terms;

    /// <summary>Its id.</summary>
    public string NegotiationId { get; init; } = "";

    /// <summary>What is asked for.</summary>
    public string ServiceId { get; init; } = "";

    /// <summary>The version that price and windows were taken from.</summary>
    public int ServiceVersion { get; init; }

    /// <summary>Who asks.</summary>
    public string RequesterAgentId { get; init; } = "";

    /// <summary>Who is asked.</summary>
    public string ProviderAgentId { get; init; } = "";

    /// <summary>JSON as it came.</summary>
    public string? Requirements { get; init; }

    /// <summary>JSON as it came.</summary>
    public string? Metadata { get; init; }

    /// <summary>pending, accepted, rejected or expired.</summary>
    public string Status { get; init; } = "";

    /// <summary>Counts the terms that were on the table.</summary>
    public int Revision { get; init; }

    /// <summary>Why it was declined.</summary>
    public string? RejectReason { get; init; }

    /// <summary>EIP-712 digest of the terms.</summary>
    public byte[] OrderId { get; init; } = [];

    /// <summary>The Order struct, ABI-encoded.</summary>
    public byte[] Terms { get; init; } = [];

    /// <summary>The document behind termsHash, RFC 8785.</summary>
    public string TermsDocument { get; init; } = "";

    /// <summary>The Requester's consent, ERC-1271; empty while one that holds its Executor itself has not given it.</summary>
    public byte[] RequesterSignature { get; init; } = [];

    /// <summary>Whether the Requester consented to be charged by the acceptance.</summary>
    public bool PayOnAccept { get; init; }

    /// <summary>Whether the Requester has consented. The Provider is asked only then: to it there is no such negotiation before.</summary>
    public bool IsConsentedTo => RequesterSignature.Length > 0;

    /// <summary>The Provider's, once accepted.</summary>
    public byte[]? ProviderSignature { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long ExpiresAt { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long UpdatedAt { get; init; }

    /// <summary>The terms.</summary>
    public ChainOrder Order => _terms ??= new ABIEncode().DecodeEncodedComplexType<ChainOrder>(Terms);

    /// <summary>As the API shows it.</summary>
    public Negotiation ToModel() => new()
    {
        NegotiationId = NegotiationId,
        ServiceId = ServiceId,
        ServiceVersion = ServiceVersion,
        RequesterAgentId = RequesterAgentId,
        ProviderAgentId = ProviderAgentId,
        Requirements = Json(Requirements),
        Status = NegotiationStatus.Parse(Status),
        Revision = Revision,
        Awaiting = Status != NegotiationStatus.Pending.Value ? null : IsConsentedTo ? Role.Provider : Role.Requester,
        RejectReason = RejectReason,
        PayOnAccept = PayOnAccept,
        Metadata = Json(Metadata),
        Price = Money.Format(Order.Amount),
        PaymentToken = AddressUtil.Current.ConvertToChecksumAddress(Order.Token),
        DeliveryWindow = Order.SlaSeconds,
        OrderId = Ids.Of("ord_", OrderId),
        ChainOrderId = OrderId.ToHex(true),
        Terms = OrderTerms.From(Order),
        TermsDocument = Json(TermsDocument)!.Value,
        ExpiresAt = DateTimeOffset.FromUnixTimeMilliseconds(ExpiresAt),
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
        UpdatedTime = DateTimeOffset.FromUnixTimeMilliseconds(UpdatedAt),
    };

    private static JsonElement? Json(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);
}
