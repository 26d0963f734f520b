using System.Net;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Consents that agents sign themselves, call by call.</summary>
public sealed class SelfHeldConsentTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private readonly EthECKey _key = EthECKey.GenerateKey();

    [Fact]
    public async Task The_Provider_is_asked_only_when_the_Requester_has_consented()
    {
        var pair = await sandbox.NewPairAsync(requesterKey: _key);
        await using var provider = await pair.Provider.ListenAsync(audience: "all");

        var draft = await NegotiateAsync(pair);

        draft.GetProperty("awaiting").GetString().Should().Be("requester");
        var id = draft.GetProperty("negotiationId").GetString()!;
        foreach (var (method, route) in new[] { ("GET", ""), ("POST", "/accept"), ("POST", "/reject") })
        {
            var answer = await sandbox.Api.SendAsync(
                new HttpMethod(method), pair.Provider.Key, $"orders/negotiate/{id}{route}", route == "/reject" ? RawApi.Json("""{"reason":"x"}"""u8.ToArray()) : null);
            answer.Code.Should().Be(ErrorCodes.NegotiationNotFound, $"{method} {route}: nobody has asked the Provider yet");
        }

        (await pair.Provider.Client.ListNegotiationsAsync(new())).Items.Should().BeEmpty();
        (await pair.Requester.Client.ListNegotiationsAsync(new())).Items.Should().ContainSingle().Which.Awaiting.Should().Be(Role.Requester);

        var consented = await ConsentAsync(pair, id, 1, await ForeignWallet.SignAsync(draft.GetProperty("consent"), _key));
        var repeated = await ConsentAsync(pair, id, 1, Sign(draft));

        consented.Status.Should().Be(HttpStatusCode.OK, consented.Body);
        consented.Data.GetProperty("awaiting").GetString().Should().Be("provider");
        consented.Data.TryGetProperty("consent", out _).Should().BeFalse("there is nothing left to sign");
        repeated.Data.GetRawText().Should().Be(consented.Data.GetRawText());
        await provider.HearAsync(EventType.NegotiationCreated, id);
        (await pair.Provider.Client.AcceptNegotiationAsync(id)).Order.Status.Should().Be(OrderStatus.Created);
        await provider.HearAsync(EventType.OrderCreated, draft.GetProperty("orderId").GetString()!);
        provider.Types.Should().Equal(EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated);
        var late = await ConsentAsync(pair, id, 1, Sign(draft));
        late.Data.GetProperty("status").GetString().Should().Be("accepted", "a repeat gives what has become of it");
    }

    [Fact]
    public async Task Only_the_Executors_signature_of_exactly_these_terms_is_a_consent()
    {
        var pair = await sandbox.NewPairAsync(requesterKey: _key);
        var (draft, other) = (await NegotiateAsync(pair), await NegotiateAsync(pair));
        var id = draft.GetProperty("negotiationId").GetString()!;
        var orderId = draft.GetProperty("chainOrderId").GetString()!.HexToByteArray();
        var (right, chainId) = (Sign(draft), sandbox.Chain.Deployment.ChainId);
        var before = await sandbox.CountRowsAsync();

        foreach (var (wrong, what) in new[]
        {
            (Sign(draft, EthECKey.GenerateKey()), "another key"),
            (Sign(draft, TestKeys.Human), "the Owner, whose signature the account takes otherwise"),
            (Sign(other), "another negotiation's"),
            (Hex(UserOperations.Sign(orderId, _key)), "the bare orderId"),
            (Hex(UserOperations.Sign(OrderConsent.Hash(orderId, chainId, pair.Provider.Wallet), _key)), "another account's domain"),
            (Hex(UserOperations.Sign(OrderConsent.Hash(orderId, chainId + 1, pair.Requester.Wallet), _key)), "another chain"),
            (Mirrored(right), "a high S, which the account refuses"),
            (right[..^2] + (right.EndsWith("1b", StringComparison.Ordinal) ? "00" : "01"), "V of 0 or 1, which the account refuses"),
            ("0x" + new string('0', 130), "nothing"),
            ("0x" + new string('f', 130), "no point of the curve"),
        })
        {
            var answer = await ConsentAsync(pair, id, 1, wrong);

            answer.Status.Should().Be(HttpStatusCode.UnprocessableEntity, what);
            answer.Code.Should().Be(ErrorCodes.InvalidSignature, what);
            answer.Detail("field").GetString().Should().Be("signature");
        }

        foreach (var malformed in new[] { "", "0x", right[2..], right + "00", right[..^1] + "g", new string('x', 132) })
        {
            (await ConsentAsync(pair, id, 1, malformed)).Should().Match<RawAnswer>(answer => answer.Status == HttpStatusCode.BadRequest && answer.Code == ErrorCodes.ValidationError);
        }

        (await ConsentAsync(pair, id, 2, right)).Code.Should().Be(ErrorCodes.StaleRevision);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
        (await pair.Requester.Client.GetNegotiationAsync(id)).Awaiting.Should().Be(Role.Requester);
        (await ConsentAsync(pair, id, 1, right)).Status.Should().Be(HttpStatusCode.OK);
        (await ConsentAsync(pair, id, 1, Sign(draft, TestKeys.Human))).Code.Should().Be(ErrorCodes.InvalidSignature, "it is checked even when nothing is left to do");
    }

    [Fact]
    public async Task Who_has_nothing_to_sign_is_told_so()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.NegotiateAsync();
        negotiation.Consent.Should().BeNull("the relayer holds both keys");
        var body = $$"""{"revision":1,"signature":"0x{{new string('1', 130)}}"}""";

        var byRequester = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/negotiate/{negotiation.NegotiationId}/consent", body);
        var byProvider = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/consent", body);
        var accept = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/accept", body);

        (byRequester.Status, byRequester.Code).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
        byRequester.Message.Should().Contain("relayer holds");
        (byProvider.Status, byProvider.Code).Should().Be((HttpStatusCode.Forbidden, ErrorCodes.Forbidden));
        (accept.Status, accept.Code, accept.Detail("field").GetString()).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError, "signature"));
    }

    [Fact]
    public async Task A_Provider_that_holds_its_Executor_accepts_with_its_signature()
    {
        var pair = await sandbox.NewPairAsync(providerKey: _key);
        var negotiation = await pair.NegotiateAsync();
        var path = $"orders/negotiate/{negotiation.NegotiationId}";
        var shown = (await sandbox.Api.GetAsync(pair.Provider.Key, path)).Data;

        var unsigned = await sandbox.Api.PostAsync(pair.Provider.Key, $"{path}/accept", """{"revision":1}""");
        var forged = await sandbox.Api.PostAsync(pair.Provider.Key, $"{path}/accept", AcceptBody(1, Sign(shown, EthECKey.GenerateKey())));
        var stale = await sandbox.Api.PostAsync(pair.Provider.Key, $"{path}/accept", AcceptBody(2, Sign(shown)));
        var byRequester = await sandbox.Api.PostAsync(pair.Requester.Key, $"{path}/accept", AcceptBody(1, Sign(shown)));

        (unsigned.Status, unsigned.Code, unsigned.Detail("field").GetString()).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.MissingRequiredField, "signature"));
        unsigned.Detail("consent").GetRawText().Should().Be(shown.GetProperty("consent").GetRawText());
        (forged.Status, forged.Code).Should().Be((HttpStatusCode.UnprocessableEntity, ErrorCodes.InvalidSignature));
        stale.Code.Should().Be(ErrorCodes.StaleRevision);
        byRequester.Code.Should().Be(ErrorCodes.Forbidden);
        (await sandbox.Chain.PhaseOfAsync(negotiation.ChainOrderId)).Should().Be(Phase.None);

        var accepted = await sandbox.Api.PostAsync(pair.Provider.Key, $"{path}/accept?wait=30", AcceptBody(null, await ForeignWallet.SignAsync(shown.GetProperty("consent"), _key)));
        var repeated = await sandbox.Api.PostAsync(pair.Provider.Key, $"{path}/accept", """{"revision":1}""");

        accepted.Status.Should().Be(HttpStatusCode.OK, accepted.Body);
        accepted.Data.GetProperty("order").GetProperty("status").GetString().Should().Be("created");
        repeated.Data.GetRawText().Should().Be(accepted.Data.GetRawText(), "the consent is given");
        (await sandbox.Chain.PhaseOfAsync(negotiation.ChainOrderId)).Should().Be(Phase.Negotiation);
    }

    [Fact]
    public async Task A_draft_that_nobody_consents_to_expires_and_the_Provider_never_knew()
    {
        var pair = await sandbox.NewPairAsync(negotiationTtlSeconds: 60, requesterKey: _key);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync(audience: "all");
        var draft = await NegotiateAsync(pair);
        var id = draft.GetProperty("negotiationId").GetString()!;

        await sandbox.Setup.AdvanceClockAsync(61);

        await requester.HearAsync(EventType.NegotiationExpired, id);
        var late = await ConsentAsync(pair, id, 1, Sign(draft));
        late.Status.Should().Be(HttpStatusCode.Conflict);
        await pair.CatchUpAsync(requester, provider);
        provider.Heard.Should().NotContain(e => e.NegotiationId == id);
        (await sandbox.Api.GetAsync(pair.Provider.Key, $"orders/negotiate/{id}")).Code.Should().Be(ErrorCodes.NegotiationNotFound);
    }

    [Fact]
    public async Task Creation_by_the_relayer_waits_until_every_account_can_answer()
    {
        var requester = await sandbox.NewAgentAsync("requester", _key);
        await sandbox.Setup.LiftLimitsAsync(requester.Agent); // without them it cannot consent, so its account is there
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var provider = await sandbox.NewAgentAsync("provider", EthECKey.GenerateKey());
        var service = await sandbox.Setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        var negotiation = await new Pair(requester, provider, service).NegotiateAsync();

        var creating = provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        (await requester.Client.GetNegotiationAsync(negotiation.NegotiationId)).Status.Should().BeOneOf(NegotiationStatus.Pending, NegotiationStatus.Accepted);
        creating.IsCompleted.Should().BeFalse();
        await sandbox.Chain.Node.MineAsync();

        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        var order = (await creating).Order;
        order.Should().BeEquivalentTo(new { Status = OrderStatus.Created, LastFailure = (object?)null });
        (await sandbox.Chain.ReceiptAsync(order.CreateTxHash)).To.Should().BeEquivalentTo(sandbox.Chain.Deployment.Vault);
    }

    [Fact]
    public async Task A_creation_that_fails_may_be_tried_again_without_another_signature()
    {
        await SetMinimumFeeAsync(500);
        var pair = await sandbox.NewPairAsync(requesterKey: _key, providerKey: EthECKey.GenerateKey());
        await pair.CreateOrderAsync(); // deploys the accounts
        await using var provider = await pair.Provider.ListenAsync();
        var negotiation = await pair.NegotiateAsync();
        await SetMinimumFeeAsync(600);

        var accept = () => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        (await accept.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.CreateReverted);
        (await provider.HearAsync(EventType.OrderCreateFailed, negotiation.OrderId)).Reason.Should().Contain("FeeOutOfRange");
        (await pair.Provider.Client.GetOrderAsync(negotiation.OrderId)).Status.Should().Be(OrderStatus.CreateFailed);

        await SetMinimumFeeAsync(500);
        (await accept()).Order.Should().BeEquivalentTo(new { Status = OrderStatus.Created, LastFailure = (object?)null });
    }

    private async Task<JsonElement> NegotiateAsync(Pair pair)
    {
        var answer = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
        answer.Status.Should().Be(HttpStatusCode.Created, answer.Body);
        return answer.Data;
    }

    private Task<RawAnswer> ConsentAsync(Pair pair, string id, int revision, string signature) => sandbox.Api.PostAsync(
        pair.Requester.Key, $"orders/negotiate/{id}/consent", JsonSerializer.Serialize(new ConsentRequest { Revision = revision, Signature = signature }, CapJson.Options));

    private static string AcceptBody(int? revision, string signature) =>
        JsonSerializer.Serialize(new AcceptNegotiationRequest { Revision = revision, Signature = signature }, CapJson.Options);

    // The account is told by the typed data; its digest is computed apart from it.
    private string Sign(JsonElement negotiation, EthECKey? key = null) => Hex(UserOperations.Sign(
        OrderConsent.Hash(
            negotiation.GetProperty("chainOrderId").GetString()!.HexToByteArray(),
            sandbox.Chain.Deployment.ChainId,
            negotiation.GetProperty("consent").GetProperty("domain").GetProperty("verifyingContract").GetString()!),
        key ?? _key));

    private static string Hex(byte[] bytes) => bytes.ToHex(prefix: true);

    // The other signature of the same key and digest: order − S.
    private static string Mirrored(string signature)
    {
        var order = System.Numerics.BigInteger.Parse("0fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", System.Globalization.NumberStyles.HexNumber, null);
        var s = order - System.Numerics.BigInteger.Parse("0" + signature[66..130], System.Globalization.NumberStyles.HexNumber, null);
        return signature[..66] + s.ToString("x64", null)[^64..] + (signature.EndsWith("1b", StringComparison.Ordinal) ? "1c" : "1b");
    }

    private async Task SetMinimumFeeAsync(ushort bps)
    {
        await sandbox.Chain.VaultAs(TestKeys.Owner).SetTokenRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc, enabled: true, bps);
        await sandbox.FollowedAsync();
    }
}
