using System.Net;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Contracts;

namespace CapVault.IntegrationTests;

/// <summary>Payments that fail, proven by a block or foreseen, leave a created order that can be paid.</summary>
public sealed class FailedPaymentTests(NarrowSandbox sandbox) : IClassFixture<NarrowSandbox>
{
    [Fact]
    public async Task CR16_A_payment_that_reverts_on_chain_can_be_repeated()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        await using var requester = await pair.Requester.ListenAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().Match<Sdk.Order>(o => o.Status == OrderStatus.Paying && o.Pending!.UserOpHash != null && o.Pending.TxHash != null);

        await sandbox.Chain.WithdrawAllAsync(pair.Requester.Wallet);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();

        (await paying.Invoking(task => task).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.PayReverted);
        var failed = await pair.Requester.Client.GetOrderAsync(order.OrderId);
        failed.Status.Should().Be(OrderStatus.Created);
        failed.Pending.Should().BeNull();
        failed.LastFailure!.Code.Should().Be(ErrorCodes.PayReverted);
        failed.LastFailure.Reason.Should().Contain("ERC20InsufficientBalance");
        var receipt = await sandbox.Chain.ReceiptAsync(failed.LastFailure.TxHash);
        receipt.Status.Value.Should().Be(1, "the bundle went through");
        receipt.OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which.Success.Should().BeFalse("its call did not");
        (await requester.HearAsync(EventType.OrderPayFailed, order.OrderId)).Reason.Should().Contain("ERC20InsufficientBalance");
        (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be(Phase.Negotiation);

        mining.Resume();
        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "1.00");
        var paid = await pair.Requester.Client.PayOrderAsync(order.OrderId);

        paid.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, LastFailure = (object?)null });
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
    }

    [Fact]
    public async Task CR16_A_payment_that_would_revert_is_reported_and_not_sent()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();

        var pay = () => pair.Requester.Client.PayOrderAsync(order.OrderId);

        (await pay.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.PayReverted);
        var failed = await pair.Requester.Client.GetOrderAsync(order.OrderId);
        failed.Status.Should().Be(OrderStatus.Created);
        failed.LastFailure.Should().BeEquivalentTo(new { Code = ErrorCodes.PayReverted, TxHash = (string?)null });
        failed.LastFailure!.Reason.Should().Contain("AccountBlacklisted");

        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);

        await sandbox.FollowedAsync();

        (await pay()).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_foreseen_failure_may_be_repeated_at_once()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        var operations = new HashSet<string>(StringComparer.Ordinal);

        // Several within a second: the same call at the same nonce, but not the same operation.
        for (var attempt = 0; attempt < 6; attempt++)
        {
            var answer = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30");

            answer.Status.Should().Be(HttpStatusCode.OK, answer.Body);
            var failure = answer.Data.GetProperty("lastFailure");
            failure.GetProperty("code").GetString().Should().Be(ErrorCodes.PayReverted);
            operations.Add(failure.GetProperty("userOpHash").GetString()!).Should().BeTrue("each attempt is an operation of its own");
        }
    }

    [Fact]
    public async Task One_void_operation_does_not_take_its_bundle_with_it()
    {
        var first = await sandbox.NewPairAsync();
        var poisoned = await sandbox.NewPairAsync();
        var innocent = await sandbox.NewPairAsync();
        var orders = new[] { await first.CreateOrderAsync(), await poisoned.CreateOrderAsync(), await innocent.CreateOrderAsync() };
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var payFirst = first.Requester.Client.PayOrderAsync(orders[0].OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var payPoisoned = poisoned.Requester.Client.PayOrderAsync(orders[1].OrderId);
        var payInnocent = innocent.Requester.Client.PayOrderAsync(orders[2].OrderId);
        foreach (var (pair, order) in new[] { (poisoned, orders[1]), (innocent, orders[2]) })
        {
            await Eventually.TrueAsync(
                async () => (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Pending?.UserOpHash is not null, "both wait for the next bundle");
        }

        await sandbox.Chain.Node.MineAsync();
        await payFirst;
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var bundle = (await poisoned.Requester.Client.GetOrderAsync(orders[1].OrderId)).Pending!.TxHash;
        (await innocent.Requester.Client.GetOrderAsync(orders[2].OrderId)).Pending!.TxHash.Should().Be(bundle);
        // The person behind the account takes the Executor's key away: its signature is void in the very block that was to include it.
        await sandbox.Chain.SendFirstAsync(TestKeys.Human, poisoned.Requester.Wallet, new SetExecutorFunction { NewExecutor = TestKeys.Stranger.GetPublicAddress() });
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        mining.Resume();

        (await payInnocent).Order.Status.Should().Be(OrderStatus.Paid);
        (await payPoisoned.Invoking(task => task).Should().ThrowAsync<CapApiException>()).Which.Reason.Should().Contain("AA24");
        (await poisoned.Requester.Client.GetOrderAsync(orders[1].OrderId)).Status.Should().Be(OrderStatus.Created);
        (await sandbox.Chain.ReceiptAsync(bundle)).Status.Value.Should().Be(0, "the bundle was void as a whole");
        (await sandbox.Chain.ReceiptAsync((await innocent.Requester.Client.GetOrderAsync(orders[2].OrderId)).PayTxHash))
            .DecodeAllEvents<UserOperationEventEventDTO>().Should().ContainSingle();
    }
}
