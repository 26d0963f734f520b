using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>An accept whose operation fails leaves no order, and may be repeated.</summary>
public sealed class FailedAcceptTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR09_No_order_created_is_told_of_an_accept_that_reverts_on_chain()
    {
        await SetMinimumFeeAsync(500);
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync(); // deploys the accounts
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var negotiation = await pair.NegotiateAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var accepting = pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        await sandbox.Chain.SendFirstAsync(
            TestKeys.Owner, sandbox.Chain.Deployment.Vault, new SetTokenFunction { Token = sandbox.Chain.Deployment.Usdc, Enabled = true, MinFeeBps = 600 });
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        mining.Resume();

        (await accepting.Invoking(task => task).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.CreateReverted);
        var told = await provider.HearAsync(EventType.OrderCreateFailed, negotiation.OrderId);
        told.Reason.Should().Contain("FeeOutOfRange");
        told.Status.Should().Be("create_failed");
        var order = await pair.Provider.Client.GetOrderAsync(negotiation.OrderId);
        order.Status.Should().Be(OrderStatus.CreateFailed);
        (await sandbox.Chain.ReceiptAsync(order.LastFailure!.TxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which.Success.Should().BeFalse();
        await pair.CatchUpAsync(requester, provider);
        requester.Heard.Concat(provider.Heard).Should().NotContain(e => e.Type == EventType.OrderCreated && e.OrderId == negotiation.OrderId);
        (await sandbox.Chain.PhaseOfAsync(negotiation.ChainOrderId)).Should().Be(Phase.None);
    }

    [Fact]
    public async Task A_failed_accept_is_repeated_when_its_cause_is_gone()
    {
        await SetMinimumFeeAsync(500);
        var pair = await sandbox.NewPairAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var negotiation = await pair.NegotiateAsync();
        negotiation.Terms.FeeBps.Should().Be(500);
        await SetMinimumFeeAsync(600);

        var accept = () => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        (await accept.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.CreateReverted);
        await provider.HearAsync(EventType.OrderCreateFailed, negotiation.OrderId);
        var failed = await pair.Provider.Client.GetOrderAsync(negotiation.OrderId);
        failed.Status.Should().Be(OrderStatus.CreateFailed);
        failed.LastFailure!.TxHash.Should().BeNull("it was foreseen and not sent");
        (await pair.Provider.Client.GetNegotiationAsync(negotiation.NegotiationId)).Status.Should().Be(NegotiationStatus.Accepted, "it stays accepted");

        await SetMinimumFeeAsync(500);
        var accepted = await accept();

        accepted.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Created, OrderId = negotiation.OrderId, LastFailure = (object?)null });
        await provider.HearAsync(EventType.OrderCreated, negotiation.OrderId);
        (await sandbox.Chain.LogsAsync<OrderCreatedEventDTO>(negotiation.ChainOrderId)).Should().ContainSingle();
    }

    private async Task SetMinimumFeeAsync(ushort bps)
    {
        await sandbox.Chain.VaultAs(TestKeys.Owner).SetTokenRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc, enabled: true, bps);
        await sandbox.FollowedAsync();
    }
}
