using System.Net;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>From created to paid.</summary>
public sealed class PaymentTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR03_Agents_without_any_ETH_complete_an_order()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        async Task<System.Numerics.BigInteger> EthAsync(Party party) => (await sandbox.Chain.Web3.Eth.GetBalance.SendRequestAsync(party.Wallet)).Value;
        (await EthAsync(pair.Requester)).Should().Be(0);
        (await EthAsync(pair.Provider)).Should().Be(0);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(0);

        var order = await pair.CompleteOrderAsync();

        (await EthAsync(pair.Requester)).Should().Be(0);
        (await EthAsync(pair.Provider)).Should().Be(0);
        foreach (var txHash in new[] { order.CreateTxHash, order.PayTxHash, order.DeliverTxHash, order.ClearTxHash })
        {
            (await sandbox.Chain.ReceiptAsync(txHash)).Status.Value.Should().Be(1);
        }
    }

    [Fact]
    public async Task CR11_A_created_order_waits_for_payment_and_moves_no_money()
    {
        var pair = await sandbox.NewPairAsync();
        var vaultBefore = await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault);

        var order = await pair.CreateOrderAsync();

        order.Status.Should().Be(OrderStatus.Created);
        order.PayDeadline.ToUnixTimeSeconds().Should().Be(order.Terms.PayDeadline);
        (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be(Phase.Negotiation);
        (await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault)).Should().Be(vaultBefore);
    }

    [Fact]
    public async Task CR12_Nobody_but_the_Requester_can_pay()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();

        foreach (var wallet in new[] { TestKeys.Stranger.GetPublicAddress(), pair.Provider.Wallet })
        {
            var refusal = await sandbox.Chain.RefusalAsync(new PayOrderFunction { Order = order.Terms.ToChain() }, from: wallet);

            refusal!.ToString().Should().BeEquivalentTo($"Unauthorized(caller: {wallet})");
        }
    }

    [Fact]
    public async Task CR13_One_operation_approves_the_exact_price_and_pays()
    {
        var pair = await sandbox.NewPairAsync(price: "2.50");
        var order = await pair.CreateOrderAsync();
        Task<System.Numerics.BigInteger> AllowanceAsync() => sandbox.Chain.Usdc.AllowanceQueryAsync(order.RequesterWalletAddress, sandbox.Chain.Deployment.Vault);
        (await AllowanceAsync()).Should().Be(0);

        var paid = await pair.Requester.Client.PayOrderAsync(order.OrderId);

        var receipt = await sandbox.Chain.ReceiptAsync(paid.TxHash);
        receipt.OperationsOf(order.RequesterWalletAddress).Should().ContainSingle().Which.Success.Should().BeTrue();
        receipt.DecodeAllEvents<ApprovalEventDTO>().Should().Contain(log => log.Event.Owner.IsTheSameHex(order.RequesterWalletAddress) && log.Event.Value == 2_500_000);
        receipt.DecodeAllEvents<OrderPaidEventDTO>().Should().ContainSingle();
        (await AllowanceAsync()).Should().Be(0);
    }

    [Fact]
    public async Task CR14_The_price_moves_from_the_Requester_into_the_vault()
    {
        var pair = await sandbox.NewPairAsync(funds: "10.00", price: "3.00");
        var order = await pair.CreateOrderAsync();
        var (requesterBefore, vaultBefore) = await BalancesAsync();

        await pair.Requester.Client.PayOrderAsync(order.OrderId);

        var (requesterAfter, vaultAfter) = await BalancesAsync();
        (vaultAfter - vaultBefore).Should().Be(3_000_000);
        (requesterAfter - requesterBefore).Should().Be(-3_000_000);
        (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be(Phase.Lock);

        async Task<(System.Numerics.BigInteger Requester, System.Numerics.BigInteger Vault)> BalancesAsync() =>
            (await sandbox.Chain.UsdcOfAsync(order.RequesterWalletAddress), await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault));
    }

    [Fact]
    public async Task CR15_With_the_payment_the_time_to_deliver_begins()
    {
        var pair = await sandbox.NewPairAsync(slaMinutes: 30);
        await using var provider = await pair.Provider.ListenAsync();

        var order = await pair.CreatePaidOrderAsync();

        var told = await provider.HearAsync(EventType.OrderPaid, order.OrderId);
        var paidAt = await sandbox.Chain.TimeOfAsync(order.PayTxHash);
        ((long)(await sandbox.Chain.StateOfAsync(order.ChainOrderId)).Since).Should().Be(paidAt);
        told.Data!.Value.GetProperty("slaDeadline").GetInt64().Should().Be(paidAt + 1800);
        order.PaidAt!.Value.ToUnixTimeSeconds().Should().Be(paidAt);
        order.SlaDeadline!.Value.ToUnixTimeSeconds().Should().Be(paidAt + 1800);
    }

    [Fact]
    public async Task CR17_Too_little_money_is_said_before_anything_is_sent()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var operationsBefore = await OperationsAsync();

        var pay = () => pair.Requester.Client.PayOrderAsync(order.OrderId);

        var refusal = (await pay.Should().ThrowAsync<InsufficientBalanceException>()).Which;
        refusal.Token.Should().Be(sandbox.Chain.Deployment.Usdc);
        refusal.Required.Should().Be(1_000_000);
        refusal.Balance.Should().Be(500_000);
        (await OperationsAsync()).Should().Be(operationsBefore, "no operation was made, let alone sent");
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Created, Pending = (object?)null, LastFailure = (object?)null });

        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "0.50");

        (await pay()).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task CR52_Without_a_node_of_the_agents_own_the_relayer_says_what_is_missing()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var order = await pair.CreateOrderAsync();
        using var blind = new AgentClient(sandbox.Config with { RpcUrl = "http://127.0.0.1:1" }, pair.Requester.Key);

        var pay = () => blind.PayOrderAsync(order.OrderId);

        (await pay.Should().ThrowAsync<InsufficientBalanceException>()).Which.Should().BeEquivalentTo(
            new { HttpStatus = (int)HttpStatusCode.UnprocessableEntity, Required = (System.Numerics.BigInteger)1_000_000, Balance = (System.Numerics.BigInteger)500_000 });
    }

    [Fact]
    public async Task CR52_With_one_the_SDK_sees_it_before_it_asks()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var rows = await sandbox.CountRowsAsync();

        var pay = () => pair.Requester.Client.PayOrderAsync(order.OrderId);

        (await pay.Should().ThrowAsync<InsufficientBalanceException>()).Which.Should().BeEquivalentTo(
            new { HttpStatus = 0, Token = sandbox.Chain.Deployment.Usdc, Required = (System.Numerics.BigInteger)1_000_000, Balance = (System.Numerics.BigInteger)500_000 });
        (await sandbox.CountRowsAsync()).Should().BeEquivalentTo(rows);
    }

    private async Task<long> OperationsAsync() => (await sandbox.Setup.GetStatusAsync()).Operations.Values.Sum();
}
