using System.Net;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>Who may end an order, when, and where the money goes.</summary>
public sealed class RejectionTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Theory]
    [InlineData("requester")]
    [InlineData("provider")]
    public async Task CR27_Before_payment_either_side_rejects_and_no_money_moves(string side)
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        var party = side == "requester" ? pair.Requester : pair.Provider;

        var rejected = await party.Client.RejectOrderAsync(order.OrderId, "changed my mind");

        rejected.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Canceled, RejectReason = "changed my mind" });
        (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be(Phase.Rejected);
        var receipt = await sandbox.Chain.ReceiptAsync(rejected.RejectTxHash);
        receipt.DecodeAllEvents<TransferEventDTO>().Should().BeEmpty();
        receipt.DecodeAllEvents<OrderRejectedEventDTO>().Should().ContainSingle().Which.Event.Should().BeEquivalentTo(
            new { By = party.Wallet, Refund = System.Numerics.BigInteger.Zero });
    }

    [Fact]
    public async Task CR28_After_payment_the_Provider_rejects_and_the_price_goes_back()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00", price: "2.00");
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(3_000_000);

        var rejected = await pair.Provider.Client.RejectOrderAsync(order.OrderId, "cannot do it");

        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(5_000_000);
        rejected.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Refunded, RefundAmount = "2.00" });
        await pair.CatchUpAsync(requester, provider);
        requester.Types.Count(type => type == EventType.OrderRejected).Should().Be(1);
        provider.Types.Count(type => type == EventType.OrderRejected).Should().Be(1);
        (await sandbox.Chain.LogsAsync<OrderRejectedEventDTO>(order.ChainOrderId)).Should().ContainSingle();
    }

    [Fact]
    public async Task CR29_After_payment_the_Requester_cannot_reject()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var vaultBefore = await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault);

        var reject = () => pair.Requester.Client.RejectOrderAsync(order.OrderId, "give it back");

        var refusal = (await reject.Should().ThrowAsync<CapApiException>()).Which;
        refusal.HttpStatus.Should().Be((int)HttpStatusCode.Forbidden);
        refusal.Code.Should().Be(ErrorCodes.Forbidden);
        CapErrors.IsForbidden(refusal).Should().BeTrue();
        (await sandbox.Chain.RefusalAsync(new RejectOrderFunction { Order = order.Terms.ToChain(), ReasonHash = new byte[32] }, pair.Requester.Wallet))!
            .ToString().Should().BeEquivalentTo($"Unauthorized(caller: {pair.Requester.Wallet})");
        (await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault)).Should().Be(vaultBefore);
        (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be(Phase.Lock);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task CR30_Both_are_told_the_reason_whose_hash_is_on_chain()
    {
        const string reason = "Out of paper, désolé.";
        var pair = await sandbox.NewPairAsync();
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();

        await pair.Provider.Client.RejectOrderAsync(order.OrderId, reason);

        var hash = (await Repository.RunAsync(Repository.Tool("cast"), ["keccak", reason])).Trim();
        (await sandbox.Chain.LogsAsync<OrderRejectedEventDTO>(order.ChainOrderId)).Should().ContainSingle()
            .Which.Event.ReasonHash.ToHex(prefix: true).Should().Be(hash);
        foreach (var listener in new[] { requester, provider })
        {
            var told = await listener.HearAsync(EventType.OrderRejected, order.OrderId);
            told.Reason.Should().Be(reason);
            told.Data!.Value.GetProperty("reasonHash").GetString().Should().Be(hash);
        }
    }

    [Theory]
    [InlineData("requester")]
    [InlineData("provider")]
    public async Task An_order_whose_creation_has_failed_is_rejected_so_that_nobody_creates_it_later(string side)
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync(); // deploys the accounts
        var negotiation = await pair.NegotiateAsync();
        await using (await sandbox.Chain.BreakAsync(sandbox.Chain.Deployment.Vault))
        {
            await pair.Provider.Client.Invoking(it => it.AcceptNegotiationAsync(negotiation.NegotiationId)).Should().ThrowAsync<CapApiException>();
        }

        var party = side == "requester" ? pair.Requester : pair.Provider;
        await using var requester = await pair.Requester.ListenAsync();

        var rejected = await party.Client.RejectOrderAsync(negotiation.OrderId, "changed my mind");

        rejected.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Canceled, RejectReason = "changed my mind", CreateTxHash = (string?)null });
        (await requester.HearAsync(EventType.OrderRejected, negotiation.OrderId)).Reason.Should().Be("changed my mind");
        (await sandbox.Chain.PhaseOfAsync(negotiation.ChainOrderId)).Should().Be(Phase.Rejected);
        await pair.Provider.Client.Invoking(it => it.AcceptNegotiationAsync(negotiation.NegotiationId)).Should().ThrowAsync<CapApiException>();
        (await sandbox.Chain.LogsAsync<OrderCreatedEventDTO>(negotiation.ChainOrderId)).Should().BeEmpty();
    }

    [Fact]
    public async Task The_rejection_of_an_order_that_nobody_knows_is_nobodys_news()
    {
        var pair = await sandbox.NewPairAsync();
        await using var provider = await pair.Provider.ListenAsync(audience: "all");
        var terms = (await pair.CreateOrderAsync()).Terms.ToChain();
        (terms.Requester, terms.Salt) = (TestKeys.Stranger.GetPublicAddress(), terms.Salt + 1);

        var receipt = await sandbox.Chain.VaultAs(TestKeys.Stranger).RejectOrderRequestAndWaitForReceiptAsync(terms, new byte[32]);

        var chainOrderId = receipt.DecodeAllEvents<OrderRejectedEventDTO>().Single().Event.OrderId.ToHex(prefix: true);
        var order = await pair.CompleteOrderAsync();
        await provider.HearAsync(EventType.OrderCompleted, order.OrderId);
        provider.Types.Should().NotContain(EventType.OrderRejected);
        (await sandbox.Api.GetAsync(pair.Provider.Key, $"orders/{chainOrderId}")).Code.Should().Be(ErrorCodes.OrderNotFound);
    }

    [Fact]
    public async Task A_delivered_order_is_not_rejected_any_more()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CompleteOrderAsync();

        foreach (var party in new[] { pair.Requester, pair.Provider })
        {
            var reject = await sandbox.Api.PostAsync(party.Key, $"orders/{order.OrderId}/reject", """{"reason":"too late"}""");
            reject.Status.Should().Be(HttpStatusCode.Conflict);
            reject.Code.Should().Be(ErrorCodes.InvalidState);
        }
    }
}
