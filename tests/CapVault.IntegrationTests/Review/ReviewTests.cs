using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Orders whose terms ask for a review: delivered, they are not paid out before somebody says so, or says nothing for long enough.</summary>
public sealed class ReviewTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const int Day = 24 * 3600;

    private static readonly EthECKey Arbiter = TestKeys.Stranger;

    private static ThirdParties Reviewed { get; } = new() { Arbiter = Arbiter.GetPublicAddress(), ReviewSeconds = 3600 };

    [Fact]
    public async Task CR60_After_delivery_the_price_stays_locked_until_the_Requester_releases()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Reviewed);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        order.Terms.Should().BeEquivalentTo(new { Arbiter = Arbiter.GetPublicAddress(), ReviewSeconds = 3600L });

        var delivered = await pair.DeliverAsync(order.OrderId, "Look at it.");

        delivered.Should().BeEquivalentTo(new { Status = OrderStatus.Delivered, Phase = "DELIVER", FinalStatus = (FinalStatus?)null, ProviderAmount = (string?)null });
        (delivered.ReviewDeadline - delivered.DeliveredAt).Should().Be(TimeSpan.FromHours(1));
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(0, "nobody has spoken");
        (await sandbox.Chain.LogsAsync<OrderClearedEventDTO>(order.ChainOrderId)).Should().BeEmpty();
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { DeliverableText = "Look at it.", HashVerified = true, Status = "submitted" });
        var told = await requester.HearAsync(EventType.OrderDelivered, order.OrderId);
        told.Status.Should().Be("delivered");
        told.Data!.Value.GetProperty("reviewDeadline").GetInt64().Should().Be(delivered.ReviewDeadline!.Value.ToUnixTimeSeconds());

        var impatient = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/release");
        impatient.Code.Should().Be(ErrorCodes.DeadlineNotReached, "only the Requester may before the review is over");
        var released = await pair.Requester.Client.ReleaseOrderAsync(order.OrderId);

        released.Should().BeEquivalentTo(new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Released, ProviderAmount = "0.90", FeeAmount = "0.10", RefundAmount = "0.00" });
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
        await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        (await pair.Requester.Client.ReleaseOrderAsync(order.OrderId)).ClearTxHash.Should().Be(released.ClearTxHash, "a repeat has the first result");
        await pair.CatchUpAsync(requester, provider);
        provider.Types.Should().NotContain(EventType.OrderDelivered, "it has delivered itself");
    }

    [Fact]
    public async Task CR60_After_delivery_the_price_stays_locked_until_the_Arbiter_rules()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", thirdParties: Reviewed);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await pair.DeliverAsync(order.OrderId);

        var disputed = await pair.Requester.Client.DisputeOrderAsync(order.OrderId, "Half of it is missing.");

        disputed.Should().BeEquivalentTo(
            new { Status = OrderStatus.Disputed, Phase = "DISPUTE", DisputedBy = pair.Requester.Wallet, DisputeReason = "Half of it is missing.", FinalStatus = (FinalStatus?)null });
        (disputed.ResolveDeadline - disputed.DisputedAt).Should().Be(TimeSpan.FromDays(30));
        foreach (var listener in new[] { requester, provider })
        {
            var told = await listener.HearAsync(EventType.OrderDisputed, order.OrderId);
            told.Should().BeEquivalentTo(new { Status = "disputed", Reason = "Half of it is missing." });
            told.Data!.Value.GetProperty("resolveDeadline").GetInt64().Should().Be(disputed.ResolveDeadline!.Value.ToUnixTimeSeconds());
        }

        await sandbox.Setup.AdvanceClockAsync(3601);
        (await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/release")).Code.Should().Be(ErrorCodes.DeadlineNotReached, "the dispute has stopped the clock of the review");
        await ClientOf(TestKeys.Human).Invoking(it => it.ResolveDisputeAsync(order.ChainOrderId, 0, "mine")).Should().ThrowAsync<CapApiException>()
            .Where(e => e.Reason.Contains("Unauthorized"));
        await ClientOf(Arbiter).ResolveDisputeAsync(order.ChainOrderId, 400_000, "Two fifths were there.");

        var completed = await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        completed.Data!.Value.GetProperty("refund").GetString().Should().Be("600000");
        foreach (var listener in new[] { requester, provider })
        {
            (await listener.HearAsync(EventType.DisputeResolved, order.OrderId)).Data!.Value.GetProperty("providerPart").GetString().Should().Be("400000");
        }

        var resolved = await pair.Requester.Client.GetOrderAsync(order.OrderId);
        resolved.Should().BeEquivalentTo(
            new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Split, ProviderAmount = "0.36", FeeAmount = "0.04", RefundAmount = "0.60", ResolveDeadline = (DateTimeOffset?)null });
        resolved.ResolveTxHash.Should().Be(resolved.ClearTxHash);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(360_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(600_000);
        (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/release")).Code.Should().Be(ErrorCodes.InvalidState, "it is over, and not by a release");
    }

    [Fact]
    public async Task CR60_After_delivery_the_price_stays_locked_until_the_review_has_passed_in_silence()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Reviewed);
        await using var requester = await pair.Requester.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        var delivered = await pair.DeliverAsync(order.OrderId);
        var deadline = delivered.ReviewDeadline!.Value.ToUnixTimeSeconds();
        var release = new ReleaseOrderFunction { Order = order.Terms.ToChain() };
        (await sandbox.Chain.RefusalAsync(release, TestKeys.Treasury.GetPublicAddress(), deadline))!.Value.Should().BeOfType<TooEarlyError>().Which.From.Should().Be(deadline);
        (await sandbox.Chain.RefusalAsync(release, TestKeys.Treasury.GetPublicAddress(), deadline + 1)).Should().BeNull();

        await sandbox.Setup.AdvanceClockAsync(3601);

        await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        (await pair.Provider.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Released });
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000, "the keeper has released it, for nobody else did");
        (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/dispute", """{"reason":"wait"}""")).Code.Should().Be(ErrorCodes.InvalidState);
    }

    [Fact]
    public async Task An_Arbiter_that_stays_silent_for_30_days_lets_the_delivery_stand()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Reviewed);
        await using var requester = await pair.Requester.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await pair.DeliverAsync(order.OrderId);
        await pair.Requester.Client.DisputeOrderAsync(order.OrderId, "I do not like it.");

        await sandbox.Setup.AdvanceClockAsync((30 * Day) + 1);

        await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
    }

    [Fact]
    public async Task Before_delivery_a_dispute_stops_nothing_and_may_come_again_after_it()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Reviewed);
        var order = await pair.CreatePaidOrderAsync();

        var flagged = await pair.Provider.Client.DisputeOrderAsync(order.OrderId, "It asks for too much.");
        flagged.Should().BeEquivalentTo(new { Status = OrderStatus.Disputed, Phase = "LOCK", DisputedBy = pair.Provider.Wallet, ResolveDeadline = order.SlaDeadline });
        (await pair.Provider.Client.DisputeOrderAsync(order.OrderId, "It asks for too much.")).DisputeTxHash.Should().Be(flagged.DisputeTxHash);
        using var discovery = new DiscoveryClient(sandbox.Config);
        (await discovery.GetStatsAsync(pair.Provider.AgentId)).AsProvider.Disputed.Should().Be(1);
        (await pair.Requester.Client.ListOrdersAsync(new() { Status = "disputed" })).Items.Should().ContainSingle().Which.OrderId.Should().Be(order.OrderId);
        var second = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/dispute", """{"reason":"no, it does not"}""");
        second.Code.Should().Be(ErrorCodes.InvalidState, "the Arbiter may rule already: once per order");
        var delivered = await pair.DeliverAsync(order.OrderId);
        delivered.Should().BeEquivalentTo(new { Status = OrderStatus.Disputed, Phase = "DELIVER", ResolveDeadline = delivered.ReviewDeadline });
        (await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/dispute", """{"reason":"x"}""")).Code.Should().Be(ErrorCodes.Forbidden);

        var disputed = await pair.Requester.Client.DisputeOrderAsync(order.OrderId, "It is not what I asked for.");

        disputed.Should().BeEquivalentTo(new { Phase = "DISPUTE", DisputedBy = pair.Requester.Wallet, DisputeReason = "It is not what I asked for." });
        disputed.DisputeTxHash.Should().NotBe(flagged.DisputeTxHash);
    }

    [Fact]
    public async Task The_Arbiter_may_refund_in_full_and_the_order_is_rejected()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", thirdParties: Reviewed);
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await pair.Requester.Client.DisputeOrderAsync(order.OrderId, "Nobody answers.");

        await ClientOf(Arbiter).ResolveDisputeAsync(order.ChainOrderId, 0, "Nothing was delivered.");

        var rejected = await provider.HearAsync(EventType.OrderRejected, order.OrderId);
        rejected.Data!.Value.GetProperty("by").GetString().Should().BeEquivalentTo(Arbiter.GetPublicAddress());
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Refunded, RefundAmount = "1.00" });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_Provider_may_give_up_under_review_and_in_a_dispute(bool disputed)
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", thirdParties: Reviewed);
        var order = await pair.CreatePaidOrderAsync();
        await pair.DeliverAsync(order.OrderId);
        if (disputed)
        {
            await pair.Requester.Client.DisputeOrderAsync(order.OrderId, "Bad.");
        }

        (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/reject", """{"reason":"x"}""")).Code.Should().Be(ErrorCodes.Forbidden);
        var rejected = await pair.Provider.Client.RejectOrderAsync(order.OrderId, "You are right.");

        rejected.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Refunded, RefundAmount = "1.00" });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Status.Should().Be("rejected");
    }

    [Fact]
    public async Task The_Requester_may_release_before_delivery()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: Reviewed);
        var order = await pair.CreatePaidOrderAsync();
        (await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/release")).Code.Should().Be(ErrorCodes.Forbidden);

        (await pair.Requester.Client.ReleaseOrderAsync(order.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Released, DeliverTxHash = (string?)null });

        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
    }

    [Fact]
    public async Task Without_a_review_in_the_terms_there_is_nothing_to_release_or_to_dispute()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        foreach (var (verb, body) in new[] { ("release", null), ("dispute", """{"reason":"x"}""") })
        {
            (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/{verb}", body)).Code.Should().Be(ErrorCodes.InvalidState, verb);
        }

        (await pair.DeliverAsync(order.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Done, ReviewDeadline = (DateTimeOffset?)null, CommissionAmount = "0.00" });
    }

    [Fact]
    public async Task Parties_that_hold_their_Executors_release_and_dispute_too()
    {
        var pair = await sandbox.NewPairAsync(requesterKey: EthECKey.GenerateKey(), providerKey: EthECKey.GenerateKey(), thirdParties: Reviewed);
        var negotiation = new NegotiateOrderRequest { ServiceId = pair.Service.ServiceId };
        await pair.Requester.Client.Invoking(it => it.NegotiateOrderAsync(negotiation, new ExpectedTerms { MaxPrice = "1.00" }))
            .Should().ThrowAsync<CapApiException>().Where(e => e.Code == ErrorCodes.ThirdPartiesNotAccepted);
        var (released, disputed) = (await pair.CreatePaidOrderAsync(), await pair.CreatePaidOrderAsync());
        await pair.DeliverAsync(released.OrderId);
        await pair.DeliverAsync(disputed.OrderId);

        (await pair.Requester.Client.ReleaseOrderAsync(released.OrderId)).Status.Should().Be(OrderStatus.Completed);
        (await pair.Requester.Client.DisputeOrderAsync(disputed.OrderId, "Bad.")).DisputeReason.Should().Be("Bad.");
    }

    private VaultClient ClientOf(EthECKey key) => new(sandbox.Chain.RpcUrl, sandbox.Chain.Deployment, key);
}
