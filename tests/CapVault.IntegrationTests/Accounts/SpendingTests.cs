using System.Text.Json;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>What an agent's Executor may spend is its Owner's word, and the account keeps it.</summary>
public sealed class SpendingTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task An_agent_spends_nothing_until_its_Owner_says_how_much()
    {
        var created = await sandbox.Setup.CreateAgentAsync(new() { Name = "new", Owner = TestKeys.Human.GetPublicAddress() });
        var before = (await sandbox.Setup.GetAgentAsync(created.Agent.AgentId)).Limits!;
        before.Should().BeEquivalentTo(new { PerOrder = "0.00", PerDay = "0.00", SpentToday = "0.00", Left = "0.00", Token = sandbox.Chain.Deployment.Usdc });
        var seller = await sandbox.NewPairAsync(price: "1.00");
        using var client = new AgentClient(sandbox.Config, created.SdkKey);
        await sandbox.Setup.FaucetAsync(created.Agent.WalletAddress, "10.00");
        var negotiation = await client.NegotiateOrderAsync(new() { ServiceId = seller.Service.ServiceId });
        var order = (await seller.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;

        var refused = (await client.Awaiting(it => it.PayOrderAsync(order.OrderId)).Should().ThrowAsync<CapApiException>()).Which;

        refused.Should().BeEquivalentTo(new { HttpStatus = 422, Code = ErrorCodes.SpendingLimitExceeded, Retryable = false });
        refused.Details["left"].GetString().Should().Be("0");
        refused.Details["required"].GetString().Should().Be("1000000");
        (await client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Created, LastFailure = (OperationFailure?)null }, "nothing was sent");
        await sandbox.Setup.SetLimitsAsync(created.Agent.AgentId, Spenders.OwnerOf(created.Agent), "1.00", "2.50");
        (await client.PayOrderAsync(order.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);
        (await sandbox.Setup.GetAgentAsync(created.Agent.AgentId)).Limits.Should().BeEquivalentTo(
            new { PerOrder = "1.00", PerDay = "2.50", SpentToday = "1.00", Left = "1.00" });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_day_has_its_limit_and_a_refund_gives_nothing_back(bool selfHeld)
    {
        var pair = await sandbox.NewPairAsync(price: "1.00", requesterKey: selfHeld ? EthECKey.GenerateKey() : null);
        await LimitAsync(pair, "1.00", "2.00");
        var first = await pair.CreatePaidOrderAsync();
        await pair.Provider.Client.RejectOrderAsync(first.OrderId, "no time");
        await pair.CreatePaidOrderAsync();
        var third = await pair.CreateOrderAsync();

        var refused = (await pair.Requester.Client.Awaiting(it => it.PayOrderAsync(third.OrderId)).Should().ThrowAsync<CapApiException>()).Which;

        refused.Code.Should().Be(ErrorCodes.SpendingLimitExceeded);
        refused.Details["spentToday"].GetString().Should().Be("2000000");
        var midnight = refused.Details["resetsAt"].GetDateTimeOffset();
        midnight.TimeOfDay.Should().Be(TimeSpan.Zero);
        var limits = (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).Limits!;
        limits.Should().BeEquivalentTo(new { SpentToday = "2.00", Left = "0.00", ResetsAt = midnight });
        var now = DateTimeOffset.FromUnixTimeSeconds((await sandbox.Setup.GetStatusAsync()).ChainTime);
        await sandbox.Setup.AdvanceClockAsync((int)(midnight - now).TotalSeconds + 1);
        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).Limits!.Left.Should().Be("1.00");
        var next = await pair.CreateOrderAsync();
        (await pair.Requester.Client.PayOrderAsync(next.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task Payments_at_once_do_not_go_beyond_the_limit_together()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        await LimitAsync(pair, "1.00", "3.00");
        var orders = new List<Sdk.Order>();
        for (var i = 0; i < 5; i++)
        {
            orders.Add(await pair.CreateOrderAsync());
        }

        var outcomes = await Task.WhenAll(orders.Select(async order =>
        {
            try
            {
                return (await pair.Requester.Client.PayOrderAsync(order.OrderId)).Order.Status.Value;
            }
            catch (CapApiException e)
            {
                return e.Code == ErrorCodes.PayReverted && !e.Reason.Contains("LimitExceeded", StringComparison.Ordinal) ? e.Reason : "refused";
            }
        }));

        outcomes.Should().BeEquivalentTo(["paid", "paid", "paid", "refused", "refused"]);
        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).Limits.Should().BeEquivalentTo(new { SpentToday = "3.00", Left = "0.00" });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(97_000_000);
    }

    [Fact]
    public async Task What_would_be_refused_is_told_before_anything_is_asked_for()
    {
        var pair = await sandbox.NewPairAsync(price: "5.00");
        await LimitAsync(pair, "4.99", "100.00");

        var check = await pair.Requester.Client.ValidateOrderAsync(new() { ServiceId = pair.Service.ServiceId });

        check.Valid.Should().BeFalse();
        check.Reasons.Should().ContainSingle().Which.Code.Should().Be(ErrorCodes.SpendingLimitExceeded);
    }

    [Fact]
    public async Task The_account_itself_refuses_what_its_Executor_signs_beyond_the_limit()
    {
        var executor = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(price: "1.00", requesterKey: executor);
        var order = await pair.CreateOrderAsync();
        var prepared = await new SelfHeldApi(sandbox.Api, pair.Requester, executor).PrepareAsync(order.OrderId, OrderStep.Pay);
        await LimitAsync(pair, "0.99", "100.00"); // after the relayer looked

        var after = SelfHeldApi.OrderOf(await new SelfHeldApi(sandbox.Api, pair.Requester, executor).SubmitAsync(prepared, wait: 30));

        after.Status.Should().Be(OrderStatus.Created);
        after.LastFailure!.Reason.Should().StartWith("LimitExceeded(").And.Contain("requested: 1000000, left: 990000");
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().BeEmpty();
    }

    [Fact]
    public async Task An_agent_that_holds_its_Executor_consents_to_no_price_that_its_account_would_not_take()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00", requesterKey: EthECKey.GenerateKey());
        await LimitAsync(pair, "0.99", "100.00");

        (await pair.Awaiting(it => it.NegotiateAsync()).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.SpendingLimitExceeded);
        (await pair.Provider.Client.ListNegotiationsAsync(new())).Items.Should().BeEmpty("the Provider does not see what is not consented to");
        await LimitAsync(pair, "1.00", "0");
        (await pair.CreateOrderAsync()).Status.Should().Be(OrderStatus.Created, "whether it can be paid is another matter");
    }

    private Task LimitAsync(Pair pair, string perOrder, string perDay) =>
        sandbox.Setup.SetLimitsAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), perOrder, perDay);
}
