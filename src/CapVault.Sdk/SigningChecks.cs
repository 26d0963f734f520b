using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Sdk.Transport;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.Sdk;

/// <summary>The contracts that signatures are for.</summary>
internal sealed record SigningContracts(BigInteger ChainId, string Vault, string EntryPoint, string Paymaster, string Usdc)
{
    public static async Task<SigningContracts> OfAsync(Config config, ApiConnection api, CancellationToken cancellationToken) =>
        config.Deployment is { } pinned ? Of(pinned) : Of(await api.GetAsync<RelayerConfig>("config", cancellationToken));

    private static SigningContracts Of(Deployment deployment) =>
        new(deployment.ChainId, deployment.Vault, deployment.EntryPoint, deployment.Paymaster, deployment.Usdc);

    private static SigningContracts Of(RelayerConfig relayer) => new(relayer.ChainId, relayer.Vault, relayer.EntryPoint, relayer.Paymaster, relayer.Usdc);
}

/// <summary>
/// What an answer must be before anything is signed because of it. Everything that is signed is built here, from what was checked; the typed data
/// that the relayer sends is never looked at. So a relayer that lies, or was broken into, gets no signature for anything else.
/// </summary>
internal sealed class SigningChecks(string account, SigningContracts contracts)
{
    private readonly OrderTypedData _orders = new(contracts.ChainId, contracts.Vault);

    /// <summary>The consent to a negotiation's terms, as one of its sides.</summary>
    /// <param name="negotiation">What the relayer answers.</param>
    /// <param name="side">The account's side.</param>
    /// <param name="thirdParties">Whom the terms must name, and no others: each would have a say, or a share.</param>
    /// <exception cref="CapApiException">The terms are not what the answer says they are, or are none that this client knows.</exception>
    public TypedData Consent(Negotiation negotiation, Role side, ThirdParties thirdParties)
    {
        var (order, orderId) = Identify(negotiation.Terms, negotiation.ChainOrderId, negotiation.OrderId);
        RequireAddress($"terms.{side}", side == Role.Requester ? order.Requester : order.Provider, account);
        RequireAddress("terms.token", order.Token, contracts.Usdc);
        RequireAddress("terms.arbiter", order.Arbiter, thirdParties.Arbiter ?? AddressUtil.ZERO_ADDRESS);
        Require("terms.reviewSeconds", order.ReviewSeconds == (thirdParties.ReviewSeconds ?? 0), order.ReviewSeconds, thirdParties.ReviewSeconds ?? 0);
        RequireAddress("terms.approver", order.Approver, thirdParties.Approver ?? AddressUtil.ZERO_ADDRESS);
        RequireAddress("terms.commissionTo", order.CommissionTo, thirdParties.CommissionTo ?? AddressUtil.ZERO_ADDRESS);
        Require("terms.commissionBps", order.CommissionBps == (thirdParties.CommissionBps ?? 0), order.CommissionBps, thirdParties.CommissionBps ?? 0);
        // What people and programs read must be what is signed.
        Require("price", Money.TryParse(negotiation.Price, out var price) && price == order.Amount, negotiation.Price, Money.Format(order.Amount));
        RequireAddress("paymentToken", negotiation.PaymentToken, order.Token);
        Require("deliveryWindow", negotiation.DeliveryWindow == order.SlaSeconds, negotiation.DeliveryWindow, order.SlaSeconds);
        RequireDocument(negotiation, order);
        return TypedData.From(OrderConsent.TypedData(orderId, contracts.ChainId, account));
    }

    /// <summary>Makes sure that a negotiation is the one that was asked for.</summary>
    /// <exception cref="CapApiException">It is not.</exception>
    public static void RequireNegotiation(Negotiation negotiation, string negotiationId) =>
        Require("negotiationId", negotiation.NegotiationId == negotiationId, negotiation.NegotiationId, negotiationId);

    /// <summary>Makes sure that a negotiation is for what was asked for.</summary>
    /// <exception cref="CapApiException">It is not.</exception>
    public static void RequireAsked(Negotiation negotiation, NegotiateOrderRequest asked, BigInteger maxPrice, ExpectedTerms expected)
    {
        var order = Read(negotiation.Terms);
        Require("serviceId", negotiation.ServiceId == asked.ServiceId, negotiation.ServiceId, asked.ServiceId);
        Require("requirements", SameJson(negotiation.Requirements, asked.Requirements), "others", "those that were asked for");
        Require("price", order.Amount <= maxPrice, Money.Format(order.Amount), $"at most {Money.Format(maxPrice)}");
        Require("slaSeconds", !(order.SlaSeconds > expected.MaxDeliveryWindow), order.SlaSeconds, $"at most {expected.MaxDeliveryWindow}");
        if (expected.ServiceVersion is { } version)
        {
            Require("serviceVersion", negotiation.ServiceVersion == version, negotiation.ServiceVersion, version);
        }

        if (expected.ProviderWallet is { } providerWallet)
        {
            RequireAddress("terms.provider", order.Provider, providerWallet);
        }
    }

    /// <summary>The operation that takes one step of one order.</summary>
    /// <param name="prepared">What the relayer prepared.</param>
    /// <param name="order">The order, as the relayer shows it.</param>
    /// <param name="asked">The step that was asked for.</param>
    /// <param name="contentHash">What is delivered, hashed here; null for other steps.</param>
    /// <exception cref="CapApiException">It is another order, or the operation does anything else.</exception>
    public TypedData Operation(PreparedOperation prepared, Order order, PrepareRequest asked, byte[]? contentHash)
    {
        var (terms, orderId) = Identify(order.Terms, order.ChainOrderId, order.OrderId);
        Require("order", asked.OrderId == order.OrderId || asked.OrderId.IsTheSameHex(order.ChainOrderId), order.OrderId, asked.OrderId);
        return Operation(prepared.UserOp, prepared.UserOpHash, UserOperations.ExecutorKey(orderId), CallData(terms, asked, contentHash, prepared.ProviderSignature), $"{asked.Step} of {order.OrderId}");
    }

    /// <summary>The operation that an Owner asked for.</summary>
    /// <exception cref="CapApiException">It does anything else.</exception>
    public TypedData Operation(PreparedOwnerAction prepared, OwnerActionRequest asked)
    {
        Require("agentId", prepared.AgentId == asked.AgentId, prepared.AgentId, asked.AgentId);
        return Operation(prepared.UserOp, prepared.UserOpHash, UserOperations.OwnerKey, CallData(asked, prepared.Executor), $"{asked.Action} of {account}");
    }

    private TypedData Operation(UserOperation userOp, string userOpHash, int nonceKey, byte[] callData, string what)
    {
        var operation = Read(userOp);
        RequireAddress("userOp.sender", operation.Sender, account);
        Require("userOp.nonce", UserOperations.NonceKey(operation.Nonce) == nonceKey, userOp.Nonce, $"a nonce of key {nonceKey}");
        RequireAddress("userOp.paymaster", userOp.Paymaster, contracts.Paymaster);
        // What is asked for has one encoding, so whatever else the call did would show.
        var expected = callData.ToHex(prefix: true);
        Require("userOp.callData", operation.CallData.ToHex(prefix: true) == expected, userOp.CallData, $"{what} and nothing else: {expected}");
        var data = TypedData.From(new UserOperations(contracts.ChainId, contracts.EntryPoint).TypedData(operation));
        Require("userOpHash", string.Equals(userOpHash, data.Digest.ToHex(prefix: true), StringComparison.OrdinalIgnoreCase), userOpHash, data.Digest.ToHex(prefix: true));
        return data;
    }

    // An Executor that the relayer makes is the relayer's to name.
    private byte[] CallData(OwnerActionRequest asked, string? made) => asked switch
    {
        { Action.Value: "set_limits", PerOrder: { } perOrder, PerDay: { } perDay } => OwnerCalls.SetLimits(account, contracts.Usdc, Amount(perOrder), Amount(perDay)),
        { Action.Value: "set_executor" } => OwnerCalls.SetExecutor(account, RequireAddress("executor", asked.Executor ?? made)),
        { Action.Value: "withdraw", To: { } to, Amount: { } amount } => OwnerCalls.Withdraw(contracts.Usdc, RequireAddress("to", to), Amount(amount)),
        _ => throw new ArgumentException($"Found action {asked.Action} without what it needs.", nameof(asked)),
    };

    private static BigInteger Amount(string text) => Money.TryParse(text, out var amount)
        ? amount
        : throw new ArgumentException($"Found '{text}', expected a decimal string such as \"1.00\".", nameof(text));

    private static string RequireAddress(string what, string? address) => AddressUtil.Current.IsValidEthereumAddressHexFormat(address)
        ? address!
        : throw Refusal(what, address ?? "nothing", "an address");

    // A Provider's consent that is none makes the operation fail, and is no risk for who signs it.
    private byte[] CallData(ChainOrder terms, PrepareRequest asked, byte[]? contentHash, string? providerSignature) => asked switch
    {
        { Step.Value: "pay" } => AccountCalls.Pay(contracts.Vault, terms),
        { Step.Value: "create_and_pay" } => AccountCalls.CreateAndPay(
            contracts.Vault, terms, providerSignature?.IsHex() == true ? providerSignature.HexToByteArray() : throw Refusal("providerSignature", providerSignature ?? "nothing", "0x and hex digits")),
        { Step.Value: "deliver" } when contentHash is not null => AccountCalls.Deliver(contracts.Vault, terms, contentHash),
        { Step.Value: "release" } => AccountCalls.Release(contracts.Vault, terms),
        { Step.Value: "dispute", Reason: { } reason } => AccountCalls.Dispute(contracts.Vault, terms, HashOf(reason)),
        { Step.Value: "reject", Reason: { } reason } => AccountCalls.Reject(contracts.Vault, terms, HashOf(reason)),
        _ => throw new ArgumentException(
            $"Found step {asked.Step} without what it needs, expected pay, create_and_pay, deliver with a deliverable, release, or dispute or reject with a reason.", nameof(asked)),
    };

    private static byte[] HashOf(string reason) => DeliverableHash.Keccak256(System.Text.Encoding.UTF8.GetBytes(reason));

    // The orderId is computed from the terms: what is signed for it binds chain, vault, parties and price.
    private (ChainOrder Order, byte[] OrderId) Identify(OrderTerms terms, string chainOrderId, string publicId)
    {
        var order = Read(terms);
        var orderId = _orders.OrderId(order);
        Require("chainOrderId", string.Equals(chainOrderId, orderId.ToHex(prefix: true), StringComparison.OrdinalIgnoreCase), chainOrderId, orderId.ToHex(prefix: true));
        Require("orderId", publicId == PublicId.OfOrder(orderId), publicId, PublicId.OfOrder(orderId));
        return (order, orderId);
    }

    private static void RequireDocument(Negotiation negotiation, ChainOrder order)
    {
        byte[] hash;
        try
        {
            hash = DeliverableHash.Keccak256(CanonicalJson.Serialize(negotiation.TermsDocument));
        }
        catch (JsonException e)
        {
            throw Refusal("termsDocument", e.Message, "JSON that has a hash");
        }

        Require("termsDocument", hash.AsSpan().SequenceEqual(order.TermsHash), hash.ToHex(prefix: true), $"the document of terms.termsHash {order.TermsHash.ToHex(prefix: true)}");
        var document = negotiation.TermsDocument;
        var serviceId = Member(Member(document, "service"), "id");
        Require("termsDocument.service.id", serviceId is { ValueKind: JsonValueKind.String } id && id.GetString() == negotiation.ServiceId, serviceId?.ToString() ?? "nothing", negotiation.ServiceId);
        var version = Member(Member(document, "service"), "version");
        Require(
            "termsDocument.service.version",
            version is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var signed) && signed == negotiation.ServiceVersion,
            version?.ToString() ?? "nothing",
            negotiation.ServiceVersion);
        Require("termsDocument.requirements", SameJson(Member(document, "requirements"), negotiation.Requirements), "others", "the negotiation's");
    }

    private static JsonElement? Member(JsonElement? value, string name) =>
        value is { ValueKind: JsonValueKind.Object } element && element.TryGetProperty(name, out var member) ? member : null;

    private static bool SameJson(JsonElement? left, JsonElement? right)
    {
        var (one, other) = (OrNull(left), OrNull(right));
        return one is null || other is null
            ? one is null && other is null
            : CanonicalJson.Serialize(one.Value).AsSpan().SequenceEqual(CanonicalJson.Serialize(other.Value));

        static JsonElement? OrNull(JsonElement? value) => value is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } ? value : null;
    }

    private static ChainOrder Read(OrderTerms terms)
    {
        try
        {
            return terms.ToChain();
        }
        catch (FormatException e)
        {
            throw Refusal("terms", e.Message, "terms of an order");
        }
    }

    private static PackedUserOperation Read(UserOperation operation)
    {
        try
        {
            return operation.ToPacked();
        }
        catch (FormatException e)
        {
            throw Refusal("userOp", e.Message, "an operation");
        }
    }

    private static void RequireAddress(string what, string found, string expected) => Require(what, found.IsTheSameHex(expected), found, expected);

    private static void Require(string what, bool holds, object found, object expected)
    {
        if (!holds)
        {
            throw Refusal(what, found, expected);
        }
    }

    private static CapApiException Refusal(string what, object found, object expected) => new(
        200, CapApiException.SignatureRefused, $"The relayer wants a signature for something else than was asked for. {what}: found {found}, expected {expected}. Nothing was signed.");
}
