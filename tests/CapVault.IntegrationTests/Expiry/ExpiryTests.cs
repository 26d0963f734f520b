using System.Globalization;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer whose keeper is off; orders must be paid within two minutes.</summary>
public sealed class KeeperlessSandbox() : Sandbox(["Roles=api,lanes,follower", "PayWindowSeconds=60"]);

/// <summary>Deadlines, to the second, and the exit that anybody may take after them.</summary>
public sealed class ExpiryTests(KeeperlessSandbox sandbox) : IClassFixture<KeeperlessSandbox>
{
    private static string Stranger => TestKeys.Stranger.GetPublicAddress();

    [Fact]
    public async Task CR31_At_the_pay_deadline_one_can_pay_and_a_second_later_only_expire()
    {
        var pair = await sandbox.NewPairAsync(negotiationTtlSeconds: 60);
        await using var requester = await pair.Requester.ListenAsync();
        var paidInTime = await pair.CreateOrderAsync();
        var neverPaid = await pair.CreateOrderAsync();
        var expire = new ExpireOrderFunction { Order = neverPaid.Terms.ToChain() };
        var deadline = neverPaid.Terms.PayDeadline;
        var balanceBefore = await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet);

        (await sandbox.Chain.RefusalAsync(expire, Stranger, deadline))!.Value.Should().BeOfType<TooEarlyError>().Which.From.Should().Be(deadline);
        (await sandbox.Chain.RefusalAsync(expire, Stranger, deadline + 1)).Should().BeNull();
        (await sandbox.Chain.RefusalAsync(new PayOrderFunction { Order = neverPaid.Terms.ToChain() }, pair.Requester.Wallet, deadline + 1))!
            .Value.Should().BeOfType<TooLateError>().Which.Deadline.Should().Be(deadline);

        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(paidInTime.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync(time: paidInTime.Terms.PayDeadline);
        (await paying).Order.PaidAt.Should().Be(paidInTime.PayDeadline, "the last second counts");

        await ExpireAsStrangerAsync(neverPaid, time: deadline + 1);
        mining.Resume();

        await requester.HearAsync(EventType.OrderExpired, neverPaid.OrderId);
        (await sandbox.Chain.PhaseOfAsync(neverPaid.ChainOrderId)).Should().Be(Phase.Expired);
        var late = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{neverPaid.OrderId}/pay");
        late.Code.Should().Be(ErrorCodes.InvalidState);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(balanceBefore - 1_000_000, "only the order in time was paid");
    }

    [Fact]
    public async Task CR32_After_the_delivery_deadline_anybody_sends_the_price_back()
    {
        var pair = await sandbox.NewPairAsync(funds: "3.00", price: "3.00", slaMinutes: 5);
        var order = await pair.CreatePaidOrderAsync();
        var deadline = order.SlaDeadline!.Value.ToUnixTimeSeconds();
        deadline.Should().Be(order.PaidAt!.Value.ToUnixTimeSeconds() + 300);
        var deliver = new DeliverOrderFunction { Order = order.Terms.ToChain(), DeliverableHash = Enumerable.Repeat((byte)7, 32).ToArray() };
        (await sandbox.Chain.RefusalAsync(deliver, pair.Provider.Wallet, deadline)).Should().BeNull("the last second counts");
        (await sandbox.Chain.RefusalAsync(new ExpireOrderFunction { Order = order.Terms.ToChain() }, Stranger, deadline))!.Value.Should().BeOfType<TooEarlyError>();

        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync(time: deadline + 1);
        (await sandbox.Chain.RefusalAsync(deliver, pair.Provider.Wallet))!.Value.Should().BeOfType<TooLateError>().Which.Deadline.Should().Be(deadline);
        await ExpireAsStrangerAsync(order, time: deadline + 2);
        mining.Resume();

        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(3_000_000);
        (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be(Phase.Expired);
    }

    [Fact]
    public async Task CR33_Both_hear_of_an_expiry_that_was_sent_with_cast()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", slaMinutes: 5);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await sandbox.Setup.AdvanceClockAsync(301);

        await Repository.RunAsync(Repository.Tool("cast"),
        [
            "send", sandbox.Chain.Deployment.Vault,
            "expireOrder((address,address,address,address,address,address,uint120,uint16,uint16,uint40,uint32,uint32,bytes32,uint64))",
            Tuple(order.Terms), "--rpc-url", sandbox.Chain.RpcUrl, "--private-key", TestKeys.Stranger.GetPrivateKey(),
        ]);

        foreach (var listener in new[] { requester, provider })
        {
            var told = await listener.HearAsync(EventType.OrderExpired, order.OrderId);
            told.Status.Should().Be("expired");
            told.Data!.Value.GetProperty("refund").GetString().Should().Be("1000000");
        }

        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Expired, FinalStatus = FinalStatus.Expired, RefundAmount = "1.00" });
    }

    [Fact]
    public async Task CR34_With_the_keeper_off_a_stranger_brings_the_refund()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", slaMinutes: 5);
        var order = await pair.CreatePaidOrderAsync();
        await sandbox.Setup.AdvanceClockAsync(301);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Status.Should().Be(OrderStatus.Paid, "nobody does it by himself");

        await sandbox.Chain.VaultAs(TestKeys.Stranger).ExpireOrderRequestAndWaitForReceiptAsync(order.Terms.ToChain());

        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    [Fact]
    public async Task A_party_expires_through_the_relayer_when_it_is_due()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", slaMinutes: 5);
        var order = await pair.CreatePaidOrderAsync();
        var early = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/expire");
        early.Code.Should().Be(ErrorCodes.DeadlineNotReached);
        early.Json.GetProperty("error").GetProperty("retryable").GetBoolean().Should().BeTrue();
        DateTimeOffset.Parse(early.Detail("at").GetString()!, CultureInfo.InvariantCulture).Should().Be(order.SlaDeadline!.Value);

        await sandbox.Setup.AdvanceClockAsync(301);
        var late = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"late"}""");
        late.Code.Should().Be(ErrorCodes.DeadlinePassed);
        var expired = await pair.Provider.Client.ExpireOrderAsync(order.OrderId);

        expired.Status.Should().Be(OrderStatus.Expired);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    [Fact]
    public async Task A_negotiation_whose_time_is_over_cannot_be_answered_even_if_nobody_has_ended_it()
    {
        var pair = await sandbox.NewPairAsync(negotiationTtlSeconds: 60);
        var negotiation = await pair.NegotiateAsync();
        await sandbox.Setup.AdvanceClockAsync(61);

        var accept = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/accept");

        accept.Code.Should().Be(ErrorCodes.DeadlinePassed);
        (await pair.Provider.Client.ListOrdersAsync(new())).Items.Should().BeEmpty();
    }

    private async Task ExpireAsStrangerAsync(Sdk.Order order, long time)
    {
        await sandbox.Chain.SendFirstAsync(TestKeys.Stranger, sandbox.Chain.Deployment.Vault, new ExpireOrderFunction { Order = order.Terms.ToChain() });
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync(time);
    }

    private static string Tuple(OrderTerms terms) =>
        $"({terms.Requester},{terms.Provider},{terms.Token},{terms.Arbiter},{terms.Approver},{terms.CommissionTo},{terms.Amount},{terms.FeeBps},{terms.CommissionBps},"
            + $"{terms.PayDeadline},{terms.SlaSeconds},{terms.ReviewSeconds},{terms.TermsHash},{terms.Salt})";
}
