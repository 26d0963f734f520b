using System.Net;
using CapVault.Sdk;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.IntegrationTests;

/// <summary>Approvers and second payees, and which third parties a service may name.</summary>
public sealed class ThirdPartyTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly EthECKey Approver = TestKeys.Stranger;

    private static ThirdParties Gated { get; } = new() { Approver = Approver.GetPublicAddress() };

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
        (await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { ThirdParties = ThirdParties.None })).ThirdParties.Should().BeNull();

        (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.Terms.Approver.Should().Be(Gated.Approver);
        (await pair.NegotiateAsync()).Terms.Approver.Should().Be(AddressUtil.ZERO_ADDRESS);
    }

    private VaultClient At(EthECKey key) => new(sandbox.Chain.RpcUrl, sandbox.Chain.Deployment, key);
}
