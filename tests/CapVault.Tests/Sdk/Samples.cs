using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Tests.Sdk;

/// <summary>Orders and a negotiation as the wire carries them.</summary>
internal static class Samples
{
    public const string OrderId = "ord_000000000000000000001";

    public static readonly Order Created = new()
    {
        OrderId = OrderId,
        ChainOrderId = "0x" + new string('a', 64),
        RequesterWalletAddress = "0x" + new string('1', 40),
        ProviderWalletAddress = "0x" + new string('2', 40),
        Price = "1.00",
        PaymentToken = "0x" + new string('3', 40),
        DeliveryWindow = 1800,
        FeeBps = 1000,
        Status = OrderStatus.Created,
        Phase = "NEGOTIATION",
        PayDeadline = DateTimeOffset.UnixEpoch,
        CreateTxHash = "0xc1",
        CreatedTime = DateTimeOffset.UnixEpoch,
        Terms = new OrderTerms
        {
            Requester = "0x1",
            Provider = "0x2",
            Token = "0x3",
            Arbiter = "0x0",
            Approver = "0x0",
            CommissionTo = "0x0",
            Amount = "1000000",
            FeeBps = 1000,
            CommissionBps = 0,
            PayDeadline = 0,
            SlaSeconds = 1800,
            ReviewSeconds = 0,
            TermsHash = "0x0",
            Salt = "1",
        },
    };

    public static readonly Order Paying = Created with
    {
        Status = OrderStatus.Paying,
        Pending = new PendingOperation { Op = OrderStep.Pay, UserOpHash = "0xabc", Attempt = 1, Since = DateTimeOffset.UnixEpoch },
    };

    public static readonly Order Paid = Created with { Status = OrderStatus.Paid, Phase = "LOCK", PayTxHash = "0xa1" };

    public static readonly Order PayReverted = Created with
    {
        LastFailure = new OperationFailure { Op = OrderStep.Pay, Code = ErrorCodes.PayReverted, Reason = "ERC20: no money", At = DateTimeOffset.UnixEpoch },
    };

    public static readonly Negotiation Negotiation = new()
    {
        NegotiationId = "neg_000000000000000000001",
        ServiceId = "svc_1",
        ServiceVersion = 1,
        RequesterAgentId = "agt_1",
        ProviderAgentId = "agt_2",
        Status = NegotiationStatus.Pending,
        Revision = 1,
        Price = "1.00",
        PaymentToken = Created.PaymentToken,
        DeliveryWindow = 1800,
        OrderId = OrderId,
        ChainOrderId = Created.ChainOrderId,
        Terms = Created.Terms,
        TermsDocument = JsonDocument.Parse("{}").RootElement,
        ExpiresAt = DateTimeOffset.UnixEpoch,
        CreatedTime = DateTimeOffset.UnixEpoch,
        UpdatedTime = DateTimeOffset.UnixEpoch,
    };
}
