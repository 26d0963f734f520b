using System.Numerics;
using CapVault.Contracts.CAPPaymaster;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What the relayer does when gas gets dear, and when the money for it runs out.</summary>
public sealed class FeeTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task A_transaction_that_the_base_fee_has_outgrown_is_replaced_at_its_nonce()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var pricedOut = (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Pending!.TxHash;

        // 100 gwei, where the relayer has offered little more than its tip of 1 gwei.
        await sandbox.Chain.Node.RequestAsync<object>("anvil_setNextBlockBaseFeePerGas", "0x174876e800");
        await sandbox.Chain.Node.MineAsync();
        mining.Resume();

        var paid = await paying;
        paid.TxHash.Should().NotBe(pricedOut);
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Setup.GetStatusAsync()).Operations.Should().NotContainKey("BROADCAST");
    }

    [Fact]
    public async Task A_deposit_that_was_drained_is_filled_up_and_nothing_that_waited_for_it_fails()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        var paymaster = new CAPPaymasterService(sandbox.Chain.As(TestKeys.Owner), sandbox.Chain.Deployment.Paymaster);
        var deposit = BigInteger.Parse((await sandbox.Setup.GetStatusAsync()).PaymasterDeposit!);
        await paymaster.WithdrawRequestAndWaitForReceiptAsync(TestKeys.Owner.GetPublicAddress(), deposit);

        var paid = await pair.Requester.Client.PayOrderAsync(order.OrderId);

        paid.Order.Status.Should().Be(OrderStatus.Paid);
        BigInteger.Parse((await sandbox.Setup.GetStatusAsync()).PaymasterDeposit!).Should().BeGreaterThan(BigInteger.Pow(10, 18));
    }
}
