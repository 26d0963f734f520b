using System.Net;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.IntegrationTests;

/// <summary>Approvers and second payees, and which third parties a service may name.</summary>
public sealed class ThirdPartyTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly EthECKey Approver = TestKeys.Stranger;

    private static ThirdParties Gated { get; } = new() { Approver = Approver.GetPublicAddress() };

    private static ThirdParties Judged { get; } = new()
    {
        Arbiter = Approver.GetPublicAddress(),
        ReviewSeconds = 3600,
        CommissionTo = Approver.GetPublicAddress(),
        CommissionBps = 250,
    };

    [Fact]
    public async Task Nothing_is_delivered_before_the_Approver_has_approved()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Gated);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        var early = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"x"}""");
        early.Code.Should().Be(ErrorCodes.InvalidState);
        early.Detail("approver").GetString().Should().BeEquivalentTo(Approver.GetPublicAddress());

        var txHash = await At(Approver).ApproveOrderAsync(order.ChainOrderId);

        foreach (var listener in new[] { requester, provider })
        {
            var told = await listener.HearAsync(EventType.OrderApproved, order.OrderId);
            told.Status.Should().Be("paid");
            told.Chain!.TxHash.Should().Be(txHash);
        }

        var approved = await pair.Provider.Client.GetOrderAsync(order.OrderId);
        approved.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, ApproveTxHash = txHash });
        approved.ApprovedAt.Should().NotBeNull();
        await At(Approver).Invoking(it => it.ApproveOrderAsync(order.ChainOrderId)).Should().ThrowAsync<CapApiException>().Where(e => e.Reason.Contains("AlreadyApproved"));
        (await pair.DeliverAsync(order.OrderId)).Status.Should().Be(OrderStatus.Completed);
    }

    [Fact]
    public async Task The_Approver_refuses_by_rejecting_and_the_price_goes_back()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", thirdParties: Gated);
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await At(TestKeys.Human).Invoking(it => it.RejectOrderAsync(order.ChainOrderId, "me too")).Should().ThrowAsync<CapApiException>().Where(e => e.Reason.Contains("Unauthorized"));

        await At(Approver).RejectOrderAsync(order.ChainOrderId, "No prescription.");

        await provider.HearAsync(EventType.OrderRejected, order.OrderId);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Refunded });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    [Fact]
    public async Task A_second_payee_is_credited_its_share_and_claims_it()
    {
        var payee = EthECKey.GenerateKey();
        await sandbox.Chain.Node.RequestAsync<object>("anvil_setBalance", payee.GetPublicAddress(), "0xde0b6b3a7640000");
        var pair = await sandbox.NewPairAsync(price: "3.33", thirdParties: new() { CommissionTo = payee.GetPublicAddress(), CommissionBps = 250 });
        await using var all = await pair.Provider.ListenAsync(audience: "all");
        await using var provider = await pair.Provider.ListenAsync();
        (await pair.Requester.Client.QuoteAsync(pair.Service.ServiceId)).Should().BeEquivalentTo(new { FeeAmount = "0.333", CommissionAmount = "0.08325", ProviderAmount = "2.91375" });

        var order = await pair.CompleteOrderAsync();

        order.Should().BeEquivalentTo(new { FeeAmount = "0.333", CommissionAmount = "0.08325", ProviderAmount = "2.91375", FinalStatus = FinalStatus.Done });
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(2_913_750);
        var deferred = await all.HearAsync(EventType.PayoutDeferred, order.OrderId);
        deferred.Data!.Value.GetProperty("account").GetString().Should().BeEquivalentTo(payee.GetPublicAddress());
        deferred.Data.Value.GetProperty("amount").GetString().Should().Be("83250");
        await all.HearAsync(EventType.OrderCompleted, order.OrderId);
        provider.Types.Should().NotContain(EventType.PayoutDeferred, "it is not the Provider's");
        await sandbox.Chain.VaultAs(payee).ClaimRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc, payee.GetPublicAddress());
        (await sandbox.Chain.UsdcOfAsync(payee.GetPublicAddress())).Should().Be(83_250);
    }

    [Theory]
    [InlineData("""{"arbiter":"{other}"}""", "MISSING_REQUIRED_FIELD", "thirdParties.reviewSeconds")]
    [InlineData("""{"reviewSeconds":3600}""", "MISSING_REQUIRED_FIELD", "thirdParties.arbiter")]
    [InlineData("""{"arbiter":"{other}","reviewSeconds":299}""", "VALIDATION_ERROR", "thirdParties.reviewSeconds")]
    [InlineData("""{"arbiter":"{other}","reviewSeconds":2592001}""", "VALIDATION_ERROR", "thirdParties.reviewSeconds")]
    [InlineData("""{"arbiter":"{provider}","reviewSeconds":3600}""", "VALIDATION_ERROR", "thirdParties.arbiter")]
    [InlineData("""{"approver":"{provider}"}""", "VALIDATION_ERROR", "thirdParties.approver")]
    [InlineData("""{"approver":"{vault}"}""", "VALIDATION_ERROR", "thirdParties.approver")]
    [InlineData("""{"approver":"{token}"}""", "VALIDATION_ERROR", "thirdParties.approver")]
    [InlineData("""{"approver":"0x0000000000000000000000000000000000000000"}""", "VALIDATION_ERROR", "thirdParties.approver")]
    [InlineData("""{"approver":"the boss"}""", "VALIDATION_ERROR", "thirdParties.approver")]
    [InlineData("""{"commissionTo":"{other}"}""", "MISSING_REQUIRED_FIELD", "thirdParties.commissionBps")]
    [InlineData("""{"commissionBps":1}""", "MISSING_REQUIRED_FIELD", "thirdParties.commissionTo")]
    [InlineData("""{"commissionTo":"{other}","commissionBps":0}""", "VALIDATION_ERROR", "thirdParties.commissionBps")]
    [InlineData("""{"commissionTo":"{other}","commissionBps":4001}""", "VALIDATION_ERROR", "thirdParties.commissionBps")]
    public async Task What_the_vault_would_not_take_is_refused_when_it_is_offered(string thirdParties, string code, string field)
    {
        var pair = await sandbox.NewPairAsync();
        var filled = thirdParties.Replace("{other}", Approver.GetPublicAddress(), StringComparison.Ordinal).Replace("{provider}", pair.Provider.Wallet, StringComparison.Ordinal)
            .Replace("{vault}", sandbox.Chain.Deployment.Vault, StringComparison.Ordinal).Replace("{token}", sandbox.Chain.Deployment.Usdc, StringComparison.Ordinal);

        var created = await sandbox.Api.PostAsync(
            sandbox.Relayer.OperatorKey, "services", $$"""{"agentId":"{{pair.Provider.AgentId}}","name":"x","price":"1.00","slaMinutes":5,"thirdParties":{{filled}}}""");
        var changed = await sandbox.Api.SendAsync(
            HttpMethod.Patch, sandbox.Relayer.OperatorKey, $"services/{pair.Service.ServiceId}", RawApi.Json(System.Text.Encoding.UTF8.GetBytes($$"""{"thirdParties":{{filled}}}""")));

        foreach (var answer in new[] { created, changed })
        {
            answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
            answer.Code.Should().Be(code);
            answer.Detail("field").GetString().Should().Be(field);
        }

        (await sandbox.Setup.GetServiceAsync(pair.Service.ServiceId)).Should().BeEquivalentTo(new { Version = 1, ThirdParties = (ThirdParties?)null });
    }

    [Fact]
    public async Task The_vault_takes_the_extremes_of_what_may_be_offered()
    {
        var other = Approver.GetPublicAddress();
        foreach (var extreme in new[]
        {
            new ThirdParties { Arbiter = other, ReviewSeconds = 300, CommissionTo = other, CommissionBps = 4000 },
            new ThirdParties { Arbiter = other, ReviewSeconds = 2_592_000, Approver = other, CommissionTo = other, CommissionBps = 1 },
        })
        {
            var pair = await sandbox.NewPairAsync(thirdParties: extreme);

            (await pair.CreateOrderAsync()).Status.Should().Be(OrderStatus.Created);
        }
    }

    [Fact]
    public async Task Nobody_buys_what_it_would_judge_itself()
    {
        var judge = await sandbox.NewAgentAsync("judge");
        var pair = await sandbox.NewPairAsync(thirdParties: new() { Arbiter = judge.Wallet, ReviewSeconds = 3600 });

        var negotiate = await sandbox.Api.PostAsync(judge.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
        var validate = await sandbox.Api.PostAsync(judge.Key, "orders/validate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");

        negotiate.Code.Should().Be(ErrorCodes.ValidationError);
        validate.Data.GetProperty("valid").GetBoolean().Should().BeFalse();
        (await pair.CreateOrderAsync()).Terms.Arbiter.Should().Be(judge.Wallet, "others may");
    }

    [Fact]
    public async Task A_service_drops_its_third_parties_and_running_negotiations_keep_them()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Gated);
        var negotiation = await pair.NegotiateAsync();
        negotiation.TermsDocument.GetProperty("thirdParties").GetProperty("approver").GetString().Should().Be(Gated.Approver);

        (await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { ThirdParties = new() { Approver = Gated.Approver!.ToUpperInvariant().Replace("0X", "0x", StringComparison.Ordinal) } }))
            .Version.Should().Be(1, "it is the same, written otherwise");
        (await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Price = "2.00" })).ThirdParties.Should().Be(Gated);
        var without = await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { ThirdParties = ThirdParties.None });
        without.ThirdParties.Should().BeNull();

        (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.Terms.Approver.Should().Be(Gated.Approver);
        (await (pair with { Service = without }).NegotiateAsync()).Terms.Approver.Should().Be(AddressUtil.ZERO_ADDRESS);
    }

    [Fact]
    public async Task Nobody_consents_by_silence_and_nothing_is_kept_of_a_refusal()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Judged);
        var client = pair.Requester.Client;
        var before = await sandbox.CountRowsAsync();

        foreach (var stated in new[]
        {
            null,
            ThirdParties.None,
            Judged with { Arbiter = TestKeys.Human.GetPublicAddress() },
            Judged with { ReviewSeconds = 3601 },
            Judged with { Approver = Judged.Arbiter },
            Judged with { CommissionTo = null, CommissionBps = null },
            Judged with { CommissionTo = TestKeys.Human.GetPublicAddress() },
            Judged with { CommissionBps = 249 },
        })
        {
            var refusal = (await client.Invoking(it => it.NegotiateOrderAsync(new() { ServiceId = pair.Service.ServiceId, ThirdParties = stated }))
                .Should().ThrowAsync<CapApiException>()).Which;
            var check = await client.ValidateOrderAsync(new() { ServiceId = pair.Service.ServiceId, ThirdParties = stated });

            refusal.Should().BeEquivalentTo(new { HttpStatus = 422, Code = ErrorCodes.ThirdPartiesNotAccepted, Retryable = false });
            refusal.Reason.Should().Contain(Judged.Arbiter).And.Contain("look at who they are");
            refusal.Details["named"].Deserialize<ThirdParties>(CapJson.Options).Should().Be(pair.Service.ThirdParties);
            refusal.Details["stated"].Deserialize<ThirdParties>(CapJson.Options).Should().Be(stated ?? ThirdParties.None);
            check.Reasons.Should().ContainSingle().Which.Code.Should().Be(ErrorCodes.ThirdPartiesNotAccepted);
        }

        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    [Fact]
    public async Task Who_states_exactly_whom_the_service_names_negotiates()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Judged);
        var same = Judged with { Arbiter = Judged.Arbiter!.ToLowerInvariant() };

        var check = await pair.Requester.Client.ValidateOrderAsync(new() { ServiceId = pair.Service.ServiceId, ThirdParties = same });
        var negotiation = await pair.Requester.Client.NegotiateOrderAsync(new() { ServiceId = pair.Service.ServiceId, ThirdParties = same });

        check.Valid.Should().BeTrue();
        negotiation.Terms.Should().BeEquivalentTo(new { Judged.Arbiter, ReviewSeconds = 3600L, Judged.CommissionTo, CommissionBps = 250 });
    }

    [Fact]
    public async Task Who_accepts_third_parties_of_a_service_without_any_is_told_so()
    {
        var pair = await sandbox.NewPairAsync();

        var answer = await NegotiateAsync(pair, """{"approver":"{other}"}""");

        answer.Code.Should().Be(ErrorCodes.ThirdPartiesNotAccepted);
        answer.Message.Should().Contain("the service names nobody");
        (await NegotiateAsync(pair, "{}")).Status.Should().Be(HttpStatusCode.Created, "nobody is nobody");
    }

    [Theory]
    [InlineData("""{"arbiter":"{other}"}""", "MISSING_REQUIRED_FIELD", "thirdParties.reviewSeconds")]
    [InlineData("""{"approver":"the boss"}""", "VALIDATION_ERROR", "thirdParties.approver")]
    [InlineData("""{"judge":"{other}"}""", "VALIDATION_ERROR", "judge")]
    public async Task What_no_service_can_name_is_a_mistake(string stated, string code, string field)
    {
        var answer = await NegotiateAsync(await sandbox.NewPairAsync(), stated);

        answer.Code.Should().Be(code);
        answer.Detail("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task A_service_that_changes_its_third_parties_is_not_bought_by_who_looked_before()
    {
        var pair = await sandbox.NewPairAsync();
        var running = await pair.NegotiateAsync();
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { ThirdParties = Judged });

        var silent = () => pair.NegotiateAsync();
        var seen = pair with { Service = await sandbox.Setup.GetServiceAsync(pair.Service.ServiceId) };
        await seen.NegotiateAsync();
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { ThirdParties = Judged with { Arbiter = TestKeys.Human.GetPublicAddress() } });
        var outdated = () => seen.NegotiateAsync();

        foreach (var negotiating in new[] { silent, outdated })
        {
            (await negotiating.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.ThirdPartiesNotAccepted);
        }

        var created = (await pair.Provider.Client.AcceptNegotiationAsync(running.NegotiationId)).Order;
        created.Terms.Should().BeEquivalentTo(new { Arbiter = AddressUtil.ZERO_ADDRESS, ReviewSeconds = 0L, CommissionTo = AddressUtil.ZERO_ADDRESS }, "that was negotiated");
        created.Status.Should().Be(OrderStatus.Created);
    }

    [Fact]
    public async Task A_Requester_of_CROOs_surface_cannot_buy_a_service_with_third_parties()
    {
        using var compat = new RawApi(sandbox.Relayer.Url, "/backend/v1");
        var pair = await sandbox.NewPairAsync(thirdParties: Judged);
        var before = await sandbox.CountRowsAsync();

        var answer = await compat.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");

        answer.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
        answer.Json.GetProperty("reason").GetString().Should().Be(ErrorCodes.ThirdPartiesNotAccepted);
        answer.Json.GetProperty("metadata").GetProperty("named").GetString().Should().Contain(Judged.Arbiter);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { ThirdParties = ThirdParties.None });
        (await compat.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""")).Status.Should().Be(HttpStatusCode.OK);
    }

    private Task<RawAnswer> NegotiateAsync(Pair pair, string thirdParties) => sandbox.Api.PostAsync(
        pair.Requester.Key,
        "orders/negotiate",
        $$"""{"serviceId":"{{pair.Service.ServiceId}}","thirdParties":{{thirdParties.Replace("{other}", Approver.GetPublicAddress(), StringComparison.Ordinal)}}}""");

    private VaultClient At(EthECKey key) => new(sandbox.Chain.RpcUrl, sandbox.Chain.Deployment, key);
}
