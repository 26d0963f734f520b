using System.Net;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.IntegrationTests;

/// <summary>Whatever is said twice, or ten times at once, happens once.</summary>
public sealed class RepeatTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const int Times = 10;

    [Fact]
    public async Task CR39_Ten_payments_at_once_are_one()
    {
        var pair = await sandbox.NewPairAsync(funds: "100.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var answers = await AllAtOnceAsync(() => sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay"));

        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.Accepted);
        var userOpHash = answers.Select(answer => answer.Data.GetProperty("pending").GetProperty("userOpHash").GetString()).Distinct(StringComparer.Ordinal).Should().ContainSingle().Which;
        userOpHash.Should().HaveLength(66);
        mining.Resume();
        var settled = await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}?wait=30");
        var payTxHash = settled.Data.GetProperty("payTxHash").GetString();
        var repeats = await AllAtOnceAsync(() => sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay"));
        repeats.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK && answer.Data.GetProperty("payTxHash").GetString() == payTxHash);

        (await TransfersFromAsync(pair.Requester.Wallet)).Should().ContainSingle().Which.TransactionHash.Should().Be(payTxHash);
        var operation = (await sandbox.Chain.ReceiptAsync(payTxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which;
        operation.UserOpHash.ToHex(prefix: true).Should().Be(userOpHash);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).PayTxHash.Should().Be(payTxHash);
    }

    [Fact]
    public async Task Ten_payments_at_once_through_the_SDK_all_succeed_with_one_transaction()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();

        var paid = await AllAtOnceAsync(() => pair.Requester.Client.PayOrderAsync(order.OrderId));

        paid.Select(result => result.TxHash).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        paid.Should().OnlyContain(result => result.Order.Status == OrderStatus.Paid);
        (await TransfersFromAsync(pair.Requester.Wallet)).Should().ContainSingle();
    }

    [Fact]
    public async Task Ten_accepts_at_once_are_one_order()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.NegotiateAsync();

        var accepted = await AllAtOnceAsync(() => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId));

        accepted.Select(result => (result.Order.OrderId, result.Order.CreateTxHash)).Distinct().Should().ContainSingle();
        (await sandbox.Chain.LogsAsync<OrderCreatedEventDTO>(negotiation.ChainOrderId)).Should().ContainSingle();
        (await pair.Provider.Client.ListOrdersAsync(new())).Items.Should().ContainSingle();
    }

    [Fact]
    public async Task Ten_deliveries_at_once_settle_once()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        var delivered = await AllAtOnceAsync(() => pair.DeliverAsync(order.OrderId, "the same"));

        delivered.Select(result => result.DeliverTxHash).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        (await sandbox.Chain.LogsAsync<OrderClearedEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
    }

    [Fact]
    public async Task Of_ten_different_deliveries_at_once_one_wins_and_the_others_are_told()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, Times).Select(version => sandbox.Api.PostAsync(
            pair.Provider.Key, $"orders/{order.OrderId}/deliver?wait=30", $$"""{"deliverableType":"text","deliverableText":"version {{version}}"}""")));

        answers.Count(answer => answer.Status == HttpStatusCode.OK).Should().Be(1);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).Should().OnlyContain(
            answer => answer.Status == HttpStatusCode.Conflict && answer.Code == ErrorCodes.AlreadyDelivered);
        var delivery = await pair.Requester.Client.GetDeliveryAsync(order.OrderId);
        delivery.HashVerified.Should().BeTrue("what is handed out is what won on chain");
        var repeat = await pair.DeliverAsync(order.OrderId, delivery.DeliverableText!);
        repeat.Status.Should().Be(OrderStatus.Completed, "the same content again is no error");
    }

    [Fact]
    public async Task Ten_rejections_at_once_refund_once()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreatePaidOrderAsync();

        var rejected = await AllAtOnceAsync(() => pair.Provider.Client.RejectOrderAsync(order.OrderId, "no"));

        rejected.Select(result => result.RejectTxHash).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        (await sandbox.Chain.LogsAsync<OrderRejectedEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    [Fact]
    public async Task Of_steps_that_exclude_each_other_one_happens()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreatePaidOrderAsync();

        var answers = await Task.WhenAll(
            sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver?wait=30", """{"deliverableType":"text","deliverableText":"done"}"""),
            sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/reject?wait=30", """{"reason":"not done"}"""));

        answers.Select(answer => answer.Status).Should().BeEquivalentTo([HttpStatusCode.OK, HttpStatusCode.Conflict]);
        answers.Single(answer => answer.Status == HttpStatusCode.Conflict).Code.Should().Be(ErrorCodes.InvalidState);
        var delivered = (await sandbox.Chain.LogsAsync<OrderClearedEventDTO>(order.ChainOrderId)).Count;
        (await sandbox.Chain.LogsAsync<OrderRejectedEventDTO>(order.ChainOrderId)).Should().HaveCount(1 - delivered);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(delivered == 1 ? 0 : 1_000_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(delivered == 1 ? 900_000 : 0);
    }

    [Fact]
    public async Task An_outcome_that_is_not_proven_in_time_is_unknown_and_asking_again_joins_it()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        using var hasty = new AgentClient(sandbox.Config with { OutcomeTimeout = TimeSpan.FromSeconds(1) }, pair.Requester.Key);
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var pay = () => hasty.PayOrderAsync(order.OrderId);
        var unknown = (await pay.Should().ThrowAsync<OutcomeUnknownException>()).Which;

        unknown.UserOpHash.Should().Be((await pair.Requester.Client.GetOrderAsync(order.OrderId)).Pending!.UserOpHash);
        mining.Resume();
        var paid = await pair.Requester.Client.PayOrderAsync(order.OrderId);
        (await sandbox.Chain.ReceiptAsync(paid.TxHash)).OperationsOf(pair.Requester.Wallet).Single().UserOpHash.ToHex(prefix: true).Should().Be(unknown.UserOpHash);
        (await TransfersFromAsync(pair.Requester.Wallet)).Should().ContainSingle();
    }

    [Fact]
    public async Task Ten_negotiations_are_ten()
    {
        var pair = await sandbox.NewPairAsync();

        var negotiations = await AllAtOnceAsync(() => pair.NegotiateAsync());

        negotiations.Select(negotiation => negotiation.ChainOrderId).Distinct(StringComparer.Ordinal).Should().HaveCount(Times, "each has a salt of its own");
    }

    private static Task<T[]> AllAtOnceAsync<T>(Func<Task<T>> call) => Task.WhenAll(Enumerable.Range(0, Times).Select(_ => call()));

    private async Task<List<FilterLog>> TransfersFromAsync(string account)
    {
        var transfers = new Event<TransferEventDTO>(sandbox.Chain.Node.Rpc, sandbox.Chain.Deployment.Usdc);
        var filter = transfers.CreateFilterInput([account], BlockParameter.CreateEarliest(), BlockParameter.CreateLatest());
        return [.. (await transfers.GetAllChangesAsync(filter)).Select(log => log.Log)];
    }
}
