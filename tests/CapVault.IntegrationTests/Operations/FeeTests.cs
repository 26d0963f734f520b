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

    [Fact]
    public async Task What_gets_dearer_than_it_may_be_is_cancelled_and_goes_once_gas_is_cheap_again()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerServer.StartAsync(chain, "MaxFee=20000000000"); // 20 gwei
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        using var api = new RawApi(relayer.Url);
        var (requester, provider) = (await setup.CreateSpenderAsync("requester"), await setup.CreateSpenderAsync("provider"));
        await setup.FaucetAsync(requester.Agent.WalletAddress, "1.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.Agent.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        using var paying = new AgentClient(new Config { BaseUrl = relayer.Url }, requester.SdkKey);
        using var accepting = new AgentClient(new Config { BaseUrl = relayer.Url }, provider.SdkKey);
        var order = (await accepting.AcceptNegotiationAsync((await paying.NegotiateOrderAsync(new() { ServiceId = service.ServiceId })).NegotiationId)).Order;
        await using var mining = await chain.Node.StopMiningAsync();
        await api.PostAsync(requester.SdkKey, $"orders/{order.OrderId}/pay");
        await chain.Node.HasPendingAsync(transactions: 1);
        var pricedOut = (await paying.GetOrderAsync(order.OrderId)).Pending!;

        await chain.Node.RequestAsync<object>("anvil_setNextBlockBaseFeePerGas", "0x174876e800"); // 100 gwei
        await chain.Node.MineAsync();
        await Eventually.TrueAsync(async () => (await paying.GetOrderAsync(order.OrderId)).Pending!.TxHash != pricedOut.TxHash, "another transaction has its nonce");
        var noOp = (await paying.GetOrderAsync(order.OrderId)).Pending!.TxHash;
        mining.Resume(); // empty blocks: the base fee falls by an eighth with each

        await Eventually.TrueAsync(async () => (await paying.GetOrderAsync(order.OrderId)).Status == OrderStatus.Paid, "the order is paid");
        var paid = await chain.ReceiptAsync((await paying.GetOrderAsync(order.OrderId)).PayTxHash);
        paid.TransactionHash.Should().NotBe(noOp).And.NotBe(pricedOut.TxHash);
        paid.EffectiveGasPrice.Value.Should().BeLessThan(20_000_000_000);
        (await chain.ReceiptAsync(noOp)).GasUsed.Value.Should().Be(21_000);
        (await chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_deposit_that_is_enough_for_some_carries_those_and_the_others_follow()
    {
        const int count = 8;
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerServer.StartAsync(chain, "Lanes=1");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        using var api = new RawApi(relayer.Url);
        var (requester, provider) = (await setup.CreateSpenderAsync("requester"), await setup.CreateSpenderAsync("provider"));
        await setup.FaucetAsync(requester.Agent.WalletAddress, "100.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.Agent.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        using var paying = new AgentClient(new Config { BaseUrl = relayer.Url }, requester.SdkKey);
        using var accepting = new AgentClient(new Config { BaseUrl = relayer.Url }, provider.SdkKey);
        var orders = new List<Sdk.Order>();
        while (orders.Count < count)
        {
            orders.Add((await accepting.AcceptNegotiationAsync((await paying.NegotiateOrderAsync(new() { ServiceId = service.ServiceId })).NegotiationId)).Order);
        }

        // What is left is enough for three payments: 300k gas each, at four times the base fee and a tip of 1 gwei.
        var baseFee = (await chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(Nethereum.RPC.Eth.DTOs.BlockParameter.CreateLatest())).BaseFeePerGas.Value;
        var paymaster = new CAPPaymasterService(chain.As(TestKeys.Owner), chain.Deployment.Paymaster);
        var deposit = BigInteger.Parse((await setup.GetStatusAsync()).PaymasterDeposit!);
        await paymaster.WithdrawRequestAndWaitForReceiptAsync(TestKeys.Owner.GetPublicAddress(), deposit - (300_000 * ((baseFee * 4) + 1_000_000_000) * 7 / 2));
        await Eventually.TrueAsync(async () => (await setup.GetStatusAsync()) is { } status && status.Block == status.ChainHead, "the relayer knows");

        await Task.WhenAll(orders.Select(order => api.PostAsync(requester.SdkKey, $"orders/{order.OrderId}/pay")));

        foreach (var order in orders)
        {
            await Eventually.TrueAsync(async () => (await paying.GetOrderAsync(order.OrderId)).Status == OrderStatus.Paid, "the order is paid");
            (await paying.GetOrderAsync(order.OrderId)).LastFailure.Should().BeNull();
        }

        var transactions = await Task.WhenAll(orders.Select(async order => (await paying.GetOrderAsync(order.OrderId)).PayTxHash));
        transactions.GroupBy(hash => hash, StringComparer.Ordinal).Should().HaveCountGreaterThan(1, "all of them at once would have been too many");
    }
}
