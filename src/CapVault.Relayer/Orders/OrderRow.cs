using System.Globalization;
using System.Numerics;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.Relayer.Orders;

/// <summary>A row of <c>order_book</c>: the signed terms, what the chain says, and the step in flight.</summary>
public sealed record OrderRow
{
    private ChainOrder? _terms;

    /// <summary>EIP-712 digest of the terms.</summary>
    public byte[] OrderId { get; init; } = [];

    /// <summary><c>ord_…</c></summary>
    public string PublicId { get; init; } = "";

    /// <summary>Where it was agreed on.</summary>
    public string? NegotiationId { get; init; }

    /// <summary>What was bought.</summary>
    public string? ServiceId { get; init; }

    /// <summary>Who buys.</summary>
    public string? RequesterAgentId { get; init; }

    /// <summary>Who sells.</summary>
    public string? ProviderAgentId { get; init; }

    /// <summary>The signed terms, ABI-encoded.</summary>
    public byte[] Terms { get; init; } = [];

    /// <summary>Unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>Where it stands on chain.</summary>
    public Phase Phase { get; init; }

    /// <summary>The last second that is in time in this phase, unix seconds; null while it is not on chain, and once it is over.</summary>
    public long? DeadlineTime { get; init; }

    /// <summary>Where it stands for the API.</summary>
    public string Status { get; init; } = "";

    /// <summary>keccak256 of the deliverable.</summary>
    public byte[]? DeliverableHash { get; init; }

    /// <summary>Base units that the Provider got.</summary>
    public string? ToProvider { get; init; }

    /// <summary>Base units of platform fee.</summary>
    public string? Fee { get; init; }

    /// <summary>Base units that the second payee was credited.</summary>
    public string? Commission { get; init; }

    /// <summary>Base units that went back.</summary>
    public string? Refund { get; init; }

    /// <summary>Account that rejected.</summary>
    public byte[]? RejectedBy { get; init; }

    /// <summary>Why, where that was said to us.</summary>
    public string? RejectReason { get; init; }

    /// <summary>Account that disputed last.</summary>
    public byte[]? DisputedBy { get; init; }

    /// <summary>Why, where that was said to us.</summary>
    public string? DisputeReason { get; init; }

    /// <summary>Transaction of createOrder.</summary>
    public byte[]? CreateTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? CreatedTime { get; init; }

    /// <summary>Transaction of approveOrder.</summary>
    public byte[]? ApproveTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? ApprovedTime { get; init; }

    /// <summary>Transaction of payOrder.</summary>
    public byte[]? PayTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? PaidTime { get; init; }

    /// <summary>Last second for delivery.</summary>
    public long? SlaDeadlineTime { get; init; }

    /// <summary>Transaction of deliverOrder.</summary>
    public byte[]? DeliverTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? DeliveredTime { get; init; }

    /// <summary>Transaction of the last disputeOrder.</summary>
    public byte[]? DisputeTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? DisputedTime { get; init; }

    /// <summary>Transaction of resolveDispute.</summary>
    public byte[]? ResolveTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? ResolvedTime { get; init; }

    /// <summary>Transaction that settled.</summary>
    public byte[]? ClearTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? ClearedTime { get; init; }

    /// <summary>Transaction of rejectOrder.</summary>
    public byte[]? RejectTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? RejectedTime { get; init; }

    /// <summary>Transaction of expireOrder.</summary>
    public byte[]? ExpireTx { get; init; }

    /// <summary>Block time of it.</summary>
    public long? ExpiredTime { get; init; }

    /// <summary>The step in flight.</summary>
    public string? PendingStep { get; init; }

    /// <summary>Its operation.</summary>
    public byte[]? PendingUserOpHash { get; init; }

    /// <summary>Its transaction.</summary>
    public byte[]? PendingTxHash { get; init; }

    /// <summary>How often it was put into one.</summary>
    public int? PendingAttempt { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long? PendingSince { get; init; }

    /// <summary>The step that failed last.</summary>
    public string? FailedStep { get; init; }

    /// <summary>Why: a code.</summary>
    public string? FailureCode { get; init; }

    /// <summary>Why: for people.</summary>
    public string? FailureReason { get; init; }

    /// <summary>Its operation.</summary>
    public byte[]? FailedUserOpHash { get; init; }

    /// <summary>Its transaction.</summary>
    public byte[]? FailedTxHash { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long? FailedAt { get; init; }

    /// <summary>The signed terms.</summary>
    public ChainOrder Order => _terms ??= new ABIEncode().DecodeEncodedComplexType<ChainOrder>(Terms);

    /// <summary>What the protocol's table asks of it.</summary>
    public Standing Standing => new(Phase, DeadlineTime ?? (long)Order.PayDeadline)
    {
        IsReviewed = Order.ReviewSeconds > 0,
        IsGated = !Order.Approver.IsTheSameHex(AddressUtil.ZERO_ADDRESS),
        IsApproved = ApproveTx is not null,
        IsDisputed = DisputeTx is not null,
    };

    /// <summary>On which side an agent is.</summary>
    public Actor ActorOf(string agentId) =>
        agentId == RequesterAgentId ? Actor.Requester : agentId == ProviderAgentId ? Actor.Provider : Actor.Stranger;

    /// <summary>The account of an agent that is a party.</summary>
    public string AccountOf(string agentId) => ActorOf(agentId) == Actor.Requester ? Order.Requester : Order.Provider;

    /// <summary>As the API shows it.</summary>
    public Sdk.Order ToModel() => new()
    {
        OrderId = PublicId,
        ChainOrderId = OrderId.ToHex(true),
        NegotiationId = NegotiationId,
        ServiceId = ServiceId,
        RequesterAgentId = RequesterAgentId,
        ProviderAgentId = ProviderAgentId,
        RequesterWalletAddress = Checksum(Order.Requester),
        ProviderWalletAddress = Checksum(Order.Provider),
        Price = Money.Format(Order.Amount),
        PaymentToken = Checksum(Order.Token),
        DeliveryWindow = Order.SlaSeconds,
        FeeBps = Order.FeeBps,
        FeeAmount = FormatMoney(Fee),
        CommissionAmount = FormatMoney(Commission),
        ProviderAmount = FormatMoney(ToProvider),
        RefundAmount = FormatMoney(Refund),
        Status = OrderStatus.Parse(Status),
        Phase = Phase.ToString().ToUpperInvariant(),
        FinalStatus = FinalStatusOf(),
        Pending = PendingStep is null ? null : new PendingOperation
        {
            Op = OrderStep.Parse(PendingStep),
            UserOpHash = PendingUserOpHash?.ToHex(true),
            TxHash = PendingTxHash?.ToHex(true),
            Attempt = Math.Max(1, PendingAttempt!.Value),
            Since = DateTimeOffset.FromUnixTimeMilliseconds(PendingSince!.Value),
        },
        LastFailure = FailedStep is null || PendingStep is not null ? null : new OperationFailure
        {
            Op = OrderStep.Parse(FailedStep),
            Code = FailureCode!,
            Reason = FailureReason!,
            UserOpHash = FailedUserOpHash?.ToHex(true),
            TxHash = FailedTxHash?.ToHex(true),
            At = DateTimeOffset.FromUnixTimeMilliseconds(FailedAt!.Value),
        },
        RejectReason = RejectReason,
        DisputedBy = DisputedBy is null ? null : AddressUtil.Current.ConvertToChecksumAddress(DisputedBy),
        DisputeReason = DisputeReason,
        DeliverableHash = DeliverableHash?.ToHex(true),
        PayDeadline = Time((long)Order.PayDeadline)!.Value,
        SlaDeadline = Time(SlaDeadlineTime),
        ReviewDeadline = Order.ReviewSeconds > 0 ? Time(DeliveredTime + Order.ReviewSeconds) : null,
        ResolveDeadline = DisputeTx is null ? null : Time(DeadlineTime),
        CreateTxHash = CreateTx?.ToHex(true),
        ApproveTxHash = ApproveTx?.ToHex(true),
        PayTxHash = PayTx?.ToHex(true),
        DeliverTxHash = DeliverTx?.ToHex(true),
        DisputeTxHash = DisputeTx?.ToHex(true),
        ResolveTxHash = ResolveTx?.ToHex(true),
        RejectTxHash = RejectTx?.ToHex(true),
        ExpireTxHash = ExpireTx?.ToHex(true),
        ClearTxHash = ClearTx?.ToHex(true),
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
        ApprovedAt = Time(ApprovedTime),
        PaidAt = Time(PaidTime),
        DeliveredAt = Time(DeliveredTime),
        DisputedAt = Time(DisputedTime),
        ResolvedAt = Time(ResolvedTime),
        ClearedAt = Time(ClearedTime),
        RejectedAt = Time(RejectedTime),
        ExpiredAt = Time(ExpiredTime),
        Terms = OrderTerms.From(Order),
    };

    private FinalStatus? FinalStatusOf() => Phase switch
    {
        Phase.Clear => Refund != "0" ? FinalStatus.Split : Order.ReviewSeconds > 0 ? FinalStatus.Released : FinalStatus.Done,
        Phase.Rejected => PayTx is null ? FinalStatus.Canceled : FinalStatus.Refunded,
        Phase.Expired => FinalStatus.Expired,
        _ => null,
    };

    private static string? FormatMoney(string? baseUnits) => baseUnits is null ? null : Money.Format(BigInteger.Parse(baseUnits, CultureInfo.InvariantCulture));

    private static DateTimeOffset? Time(long? unixSeconds) => unixSeconds is { } seconds ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;

    private static string Checksum(string address) => AddressUtil.Current.ConvertToChecksumAddress(address);
}
