using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Sdk;

/// <summary>The terms of an order as they are signed and go on chain (EIP-712 type <c>Order</c>). Amounts are base-unit strings.</summary>
public sealed record OrderTerms
{
    /// <summary>Account that buys.</summary>
    public required string Requester { get; init; }

    /// <summary>Account that sells.</summary>
    public required string Provider { get; init; }

    /// <summary>ERC-20 that the price is paid in.</summary>
    public required string Token { get; init; }

    /// <summary>Zero address: no dispute.</summary>
    public required string Arbiter { get; init; }

    /// <summary>Zero address: no delivery gate.</summary>
    public required string Approver { get; init; }

    /// <summary>Zero address: no second payee.</summary>
    public required string CommissionTo { get; init; }

    /// <summary>Price in token base units.</summary>
    public required string Amount { get; init; }

    /// <summary>Platform fee in 1/10 000.</summary>
    public required int FeeBps { get; init; }

    /// <summary>Second payee's share in 1/10 000.</summary>
    public required int CommissionBps { get; init; }

    /// <summary>Unix seconds; payment is valid up to and including it.</summary>
    public required long PayDeadline { get; init; }

    /// <summary>Seconds from payment to the last second in which delivery is valid.</summary>
    public required long SlaSeconds { get; init; }

    /// <summary>0: settle on delivery.</summary>
    public required long ReviewSeconds { get; init; }

    /// <summary>keccak256 of the RFC 8785 form of <see cref="Negotiation.TermsDocument"/>.</summary>
    public required string TermsHash { get; init; }

    /// <summary>Decimal string (uint64).</summary>
    public required string Salt { get; init; }

    /// <summary>From the terms as the vault takes them.</summary>
    public static OrderTerms From(Contracts.CAPVault.ContractDefinition.Order order)
    {
        ArgumentNullException.ThrowIfNull(order);
        return new()
        {
            Requester = Checksum(order.Requester),
            Provider = Checksum(order.Provider),
            Token = Checksum(order.Token),
            Arbiter = Checksum(order.Arbiter),
            Approver = Checksum(order.Approver),
            CommissionTo = Checksum(order.CommissionTo),
            Amount = order.Amount.ToString(CultureInfo.InvariantCulture),
            FeeBps = order.FeeBps,
            CommissionBps = order.CommissionBps,
            PayDeadline = (long)order.PayDeadline,
            SlaSeconds = order.SlaSeconds,
            ReviewSeconds = order.ReviewSeconds,
            TermsHash = order.TermsHash.ToHex(true),
            Salt = order.Salt.ToString(CultureInfo.InvariantCulture),
        };
    }

    /// <summary>The terms as the vault takes them; their EIP-712 digest is the orderId.</summary>
    /// <exception cref="FormatException">A value is none that the vault could take.</exception>
    public Contracts.CAPVault.ContractDefinition.Order ToChain()
    {
        try
        {
            return new()
            {
                Requester = Address(nameof(Requester), Requester),
                Provider = Address(nameof(Provider), Provider),
                Token = Address(nameof(Token), Token),
                Arbiter = Address(nameof(Arbiter), Arbiter),
                Approver = Address(nameof(Approver), Approver),
                CommissionTo = Address(nameof(CommissionTo), CommissionTo),
                Amount = AmountIn(Amount),
                FeeBps = checked((ushort)FeeBps),
                CommissionBps = checked((ushort)CommissionBps),
                PayDeadline = checked((ulong)PayDeadline),
                SlaSeconds = checked((uint)SlaSeconds),
                ReviewSeconds = checked((uint)ReviewSeconds),
                TermsHash = TermsHash.Length == 66 && TermsHash.IsHex()
                    ? TermsHash.HexToByteArray()
                    : throw new FormatException($"termsHash: found '{TermsHash}', expected 0x and 64 hex digits."),
                Salt = ulong.Parse(Salt, NumberStyles.None, CultureInfo.InvariantCulture),
            };
        }
        catch (OverflowException e)
        {
            throw new FormatException($"Found a number that is too large or negative, expected one that the vault can hold: {e.Message}", e);
        }
    }

    private static string Checksum(string address) => AddressUtil.Current.ConvertToChecksumAddress(address);

    private static string Address(string name, string value) => AddressUtil.Current.IsValidEthereumAddressHexFormat(value)
        ? value
        : throw new FormatException($"{name}: found '{value}', expected 0x and 40 hex digits.");

    private static BigInteger AmountIn(string value)
    {
        var amount = BigInteger.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
        return amount >> 120 == 0 ? amount : throw new FormatException($"amount: found {value}, expected less than 2^120.");
    }
}

/// <summary>A Requester's request for a service, off chain. It fixes the whole on-chain order.</summary>
public sealed record Negotiation
{
    /// <summary><c>neg_…</c></summary>
    public required string NegotiationId { get; init; }

    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>The version of the service that price and SLA were taken from.</summary>
    public required int ServiceVersion { get; init; }

    /// <summary><c>agt_…</c> that buys.</summary>
    public required string RequesterAgentId { get; init; }

    /// <summary><c>agt_…</c> that sells.</summary>
    public required string ProviderAgentId { get; init; }

    /// <summary>What the Requester asks for, as it sent it.</summary>
    public JsonElement? Requirements { get; init; }

    /// <summary>Where it stands.</summary>
    public required NegotiationStatus Status { get; init; }

    /// <summary>The current revision of the terms; accepting may name it.</summary>
    public required int Revision { get; init; }

    /// <summary>Whose answer is due while pending. The Requester's, where it holds its Executor itself and has not consented yet: the Provider
    /// does not see the negotiation before.</summary>
    public Role? Awaiting { get; init; }

    /// <summary>For the agent whose answer is due, if it holds its Executor itself: what it signs to consent to exactly these terms.</summary>
    public TypedData? Consent { get; init; }

    /// <summary>Why the Provider declined.</summary>
    public string? RejectReason { get; init; }

    /// <summary>Whether the order is created and paid in one operation, see <see cref="NegotiateOrderRequest.PayOnAccept"/>.</summary>
    public bool PayOnAccept { get; init; }

    /// <summary>Opaque to us.</summary>
    public JsonElement? Metadata { get; init; }

    /// <summary>Decimal string, for people: <c>"1.00"</c>.</summary>
    public required string Price { get; init; }

    /// <summary>Address of the token.</summary>
    public required string PaymentToken { get; init; }

    /// <summary>Seconds from payment to the last second in which delivery is valid.</summary>
    public required long DeliveryWindow { get; init; }

    /// <summary><c>ord_…</c>; derives from <see cref="ChainOrderId"/>.</summary>
    public required string OrderId { get; init; }

    /// <summary>0x-prefixed orderId: the EIP-712 digest that both sides consent to.</summary>
    public required string ChainOrderId { get; init; }

    /// <summary>What both sides consent to.</summary>
    public required OrderTerms Terms { get; init; }

    /// <summary>The document behind <c>terms.termsHash</c>.</summary>
    public required JsonElement TermsDocument { get; init; }

    /// <summary>Without an answer by then it expires.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>When it last changed.</summary>
    public required DateTimeOffset UpdatedTime { get; init; }
}

/// <summary>An order: its terms, where it stands, and what the chain says of it.</summary>
public sealed record Order
{
    /// <summary><c>ord_…</c>; derives from <see cref="ChainOrderId"/>.</summary>
    public required string OrderId { get; init; }

    /// <summary>0x-prefixed orderId.</summary>
    public required string ChainOrderId { get; init; }

    /// <summary>The negotiation it came from; null for an order that was created on chain directly.</summary>
    public string? NegotiationId { get; init; }

    /// <summary><c>svc_…</c>; null for an order that was created on chain directly.</summary>
    public string? ServiceId { get; init; }

    /// <summary><c>agt_…</c> that buys; null where the account is not one of ours.</summary>
    public string? RequesterAgentId { get; init; }

    /// <summary><c>agt_…</c> that sells; null where the account is not one of ours.</summary>
    public string? ProviderAgentId { get; init; }

    /// <summary>Account that buys.</summary>
    public required string RequesterWalletAddress { get; init; }

    /// <summary>Account that sells.</summary>
    public required string ProviderWalletAddress { get; init; }

    /// <summary>Decimal string, for people.</summary>
    public required string Price { get; init; }

    /// <summary>Address of the token.</summary>
    public required string PaymentToken { get; init; }

    /// <summary>Seconds from payment to the last second in which delivery is valid.</summary>
    public required long DeliveryWindow { get; init; }

    /// <summary>Platform fee in 1/10 000 of the price.</summary>
    public required int FeeBps { get; init; }

    /// <summary>The platform fee that was charged, decimal string; null before settlement.</summary>
    public string? FeeAmount { get; init; }

    /// <summary>What was credited to <see cref="OrderTerms.CommissionTo"/>, decimal string; null before settlement.</summary>
    public string? CommissionAmount { get; init; }

    /// <summary>What the Provider got, decimal string; null before settlement.</summary>
    public string? ProviderAmount { get; init; }

    /// <summary>What went back to the Requester, decimal string; null while nothing ended.</summary>
    public string? RefundAmount { get; init; }

    /// <summary>Where it stands.</summary>
    public required OrderStatus Status { get; init; }

    /// <summary>Phase on chain: NONE, NEGOTIATION, LOCK, DELIVER, DISPUTE, CLEAR, REJECTED, EXPIRED.</summary>
    public required string Phase { get; init; }

    /// <summary>How it ended.</summary>
    public FinalStatus? FinalStatus { get; init; }

    /// <summary>The step in flight.</summary>
    public PendingOperation? Pending { get; init; }

    /// <summary>The last step that failed for good, until a later step succeeds.</summary>
    public OperationFailure? LastFailure { get; init; }

    /// <summary>Why it was rejected, where that was said to us.</summary>
    public string? RejectReason { get; init; }

    /// <summary>Account that disputed last.</summary>
    public string? DisputedBy { get; init; }

    /// <summary>Why it was disputed last, where that was said to us.</summary>
    public string? DisputeReason { get; init; }

    /// <summary>keccak256 of the deliverable, 0x-prefixed; null before delivery.</summary>
    public string? DeliverableHash { get; init; }

    /// <summary>Payment is valid up to and including it.</summary>
    public required DateTimeOffset PayDeadline { get; init; }

    /// <summary>Delivery is valid up to and including it; null before payment.</summary>
    public DateTimeOffset? SlaDeadline { get; init; }

    /// <summary>The Requester may dispute the delivery up to and including it, afterwards anyone releases; null before delivery, and without a review.</summary>
    public DateTimeOffset? ReviewDeadline { get; init; }

    /// <summary>The Arbiter may rule up to and including it; null while there is no dispute.</summary>
    public DateTimeOffset? ResolveDeadline { get; init; }

    /// <summary>Transaction of createOrder.</summary>
    public string? CreateTxHash { get; init; }

    /// <summary>Transaction of approveOrder.</summary>
    public string? ApproveTxHash { get; init; }

    /// <summary>Transaction of payOrder.</summary>
    public string? PayTxHash { get; init; }

    /// <summary>Transaction of deliverOrder.</summary>
    public string? DeliverTxHash { get; init; }

    /// <summary>Transaction of the last disputeOrder.</summary>
    public string? DisputeTxHash { get; init; }

    /// <summary>Transaction of resolveDispute.</summary>
    public string? ResolveTxHash { get; init; }

    /// <summary>Transaction of rejectOrder.</summary>
    public string? RejectTxHash { get; init; }

    /// <summary>Transaction of expireOrder.</summary>
    public string? ExpireTxHash { get; init; }

    /// <summary>Transaction that settled.</summary>
    public string? ClearTxHash { get; init; }

    /// <summary>When the order was accepted, or created on chain where we did not see it accepted.</summary>
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>Block time of the approval.</summary>
    public DateTimeOffset? ApprovedAt { get; init; }

    /// <summary>Block time of the payment.</summary>
    public DateTimeOffset? PaidAt { get; init; }

    /// <summary>Block time of the delivery.</summary>
    public DateTimeOffset? DeliveredAt { get; init; }

    /// <summary>Block time of the last dispute.</summary>
    public DateTimeOffset? DisputedAt { get; init; }

    /// <summary>Block time of the Arbiter's ruling.</summary>
    public DateTimeOffset? ResolvedAt { get; init; }

    /// <summary>Block time of the settlement.</summary>
    public DateTimeOffset? ClearedAt { get; init; }

    /// <summary>Block time of the rejection.</summary>
    public DateTimeOffset? RejectedAt { get; init; }

    /// <summary>Block time of the expiry.</summary>
    public DateTimeOffset? ExpiredAt { get; init; }

    /// <summary>What both sides consented to.</summary>
    public required OrderTerms Terms { get; init; }
}

/// <summary>A step in flight: its outcome is not proven yet.</summary>
public sealed record PendingOperation
{
    /// <summary>Which step.</summary>
    public required OrderStep Op { get; init; }

    /// <summary>Hash of the ERC-4337 operation; null for a step that the relayer sends itself, and while it waits for its nonce lane.</summary>
    public string? UserOpHash { get; init; }

    /// <summary>The transaction that carries it, once it is sent.</summary>
    public string? TxHash { get; init; }

    /// <summary>How often it was put into a transaction, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was taken.</summary>
    public required DateTimeOffset Since { get; init; }
}

/// <summary>A step that failed for good: it has had no effect and never will.</summary>
public sealed record OperationFailure
{
    /// <summary>Which step.</summary>
    public required OrderStep Op { get; init; }

    /// <summary>PAY_REVERTED and its like, or RELAY_FAILED.</summary>
    public required string Code { get; init; }

    /// <summary>For people: the decoded contract error, or what the EntryPoint said.</summary>
    public required string Reason { get; init; }

    /// <summary>Hash of the ERC-4337 operation, where there was one.</summary>
    public string? UserOpHash { get; init; }

    /// <summary>The transaction in which it failed; null when it was predicted and never sent.</summary>
    public string? TxHash { get; init; }

    /// <summary>When that was known.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>What a Provider delivered.</summary>
public sealed record Delivery
{
    /// <summary><c>ord_…</c></summary>
    public required string OrderId { get; init; }

    /// <summary>Which of the two fields below is set.</summary>
    public required DeliverableType DeliverableType { get; init; }

    /// <summary>Set for type text.</summary>
    public string? DeliverableText { get; init; }

    /// <summary>Set for type schema.</summary>
    public JsonElement? DeliverableSchema { get; init; }

    /// <summary>keccak256, as it went on chain.</summary>
    public required string ContentHash { get; init; }

    /// <summary>What it is the keccak256 of.</summary>
    public required HashScheme HashScheme { get; init; }

    /// <summary>Set for hash scheme MANIFEST: the files, and the text or the value once more.</summary>
    public DeliveryManifest? Manifest { get; init; }

    /// <summary>submitted (on its way, or under review), accepted (on chain and paid out) or rejected (the order ended otherwise).</summary>
    public required string Status { get; init; }

    /// <summary>When the Provider submitted it.</summary>
    public required DateTimeOffset SubmittedAt { get; init; }

    /// <summary>Block time at which its hash was recorded.</summary>
    public DateTimeOffset? VerifiedAt { get; init; }

    /// <summary>Not on the wire: set by <see cref="AgentClient.GetDeliveryAsync"/> when the hash of the content, computed here, is
    /// <see cref="ContentHash"/>, and, where <see cref="Config.RpcUrl"/> is set, the vault says that it recorded it.</summary>
    [JsonIgnore]
    public bool HashVerified { get; init; }
}

/// <summary>What a delivery with files is made of. Its RFC 8785 bytes are what is hashed.</summary>
public sealed record DeliveryManifest
{
    /// <summary>1.</summary>
    public required int Version { get; init; }

    /// <summary>The text, if there is one.</summary>
    public string? Text { get; init; }

    /// <summary>The JSON value, if there is one.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>The files, in the Provider's order. The Requester may download each.</summary>
    public required IReadOnlyList<StoredObject> Files { get; init; }

    /// <summary>Members that a newer relayer puts in, such as message and encryption: the hash covers them too.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? More { get; init; }
}

/// <summary>Answer of accept: the negotiation, and the order that is being created.</summary>
/// <param name="Negotiation">The negotiation, accepted.</param>
/// <param name="Order">The order.</param>
public sealed record AcceptNegotiationResult(Negotiation Negotiation, Order Order);

/// <summary>What POST /orders/validate found; nothing was written.</summary>
public sealed record ValidateOrderResult
{
    /// <summary>Whether nothing stands in the way now.</summary>
    public required bool Valid { get; init; }

    /// <summary>Everything that does, each as the call that it would stop would be refused.</summary>
    public required IReadOnlyList<ErrorBody> Reasons { get; init; }
}
