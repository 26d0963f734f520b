using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>The chain takes two blocks back.</summary>
public sealed class ReorgTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task What_two_blocks_said_is_taken_back_and_said_again()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var untouched = await pair.CreateOrderAsync();
        var paid = await pair.CreateOrderAsync();
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var provider = await pair.Provider.ListenAsync(audience: "all");
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(paid.OrderId);
        await MineOneAsync();
        var firstPayment = (await paying).TxHash;
        var negotiation = await pair.NegotiateAsync();
        var creating = pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        await MineOneAsync();
        var created = (await creating).Order;
        var firstPaid = await requester.HearAsync(EventType.OrderPaid, paid.OrderId);
        var firstCreated = await requester.HearAsync(EventType.OrderCreated, created.OrderId);

        await ReorganiseAsync(depth: 2);

        foreach (var listener in new[] { requester, provider })
        {
            (await RevertedAsync(listener, firstPaid)).Status.Should().Be("paying");
            (await RevertedAsync(listener, firstCreated)).Status.Should().Be("creating");
        }

        (await pair.Requester.Client.GetOrderAsync(paid.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Paying, PayTxHash = (string?)null, PaidAt = (DateTimeOffset?)null, Phase = "NEGOTIATION" });
        (await pair.Requester.Client.GetOrderAsync(created.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Creating, CreateTxHash = (string?)null, Phase = "NONE" });
        await BookEqualsChainAsync(untouched, paid, created);

        // Both are sent again, as the same transactions.
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();
        foreach (var listener in new[] { requester, provider })
        {
            foreach (var first in new[] { firstPaid, firstCreated })
            {
                var again = await listener.HearAsync(
                    e => e.Type == first.Type && e.OrderId == first.OrderId && e.EventId != first.EventId, $"a second {first.Type} with an id of its own");
                again.Chain!.TxHash.Should().Be(first.Chain!.TxHash);
            }
        }

        (await pair.Requester.Client.GetOrderAsync(paid.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Paid, PayTxHash = firstPayment });
        (await pair.Requester.Client.GetOrderAsync(created.OrderId)).Status.Should().Be(OrderStatus.Created);
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(paid.ChainOrderId)).Should().ContainSingle();
        await BookEqualsChainAsync(untouched, paid, created);
        requester.Heard.Should().NotContain(e => e.OrderId == untouched.OrderId && e.Type == EventType.OrderReverted, "it was not touched");
        requester.Heard.Where(e => e.OrderId == paid.OrderId && e.Type != EventType.OrderCreated).Select(e => e.Type)
            .Should().Equal(EventType.OrderPaid, EventType.OrderReverted, EventType.OrderPaid);
    }

    [Fact]
    public async Task A_payment_on_acceptance_is_taken_back_and_made_again_once()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        await pair.CreateOrderAsync(); // deploys the accounts
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync(); // so that the accounts stay
        var accepting = pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        await MineOneAsync();
        var paid = (await accepting).Order;
        var firstCreated = await requester.HearAsync(EventType.OrderCreated, paid.OrderId);
        var firstPaid = await requester.HearAsync(EventType.OrderPaid, paid.OrderId);

        await ReorganiseAsync(depth: 1);

        (await RevertedAsync(requester, firstCreated)).Status.Should().Be("creating");
        (await RevertedAsync(requester, firstPaid)).Status.Should().Be("creating");
        (await pair.Requester.Client.GetOrderAsync(paid.OrderId)).Should().BeEquivalentTo(
            new { Status = OrderStatus.Creating, CreateTxHash = (string?)null, PayTxHash = (string?)null, Phase = "NONE" });
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        await requester.HearAsync(e => e.Type == EventType.OrderPaid && e.OrderId == paid.OrderId && e.EventId != firstPaid.EventId, "a second payment with an id of its own");

        (await pair.Requester.Client.GetOrderAsync(paid.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Paid, paid.PayTxHash });
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(paid.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
        await BookEqualsChainAsync(paid);
    }

    [Fact]
    public async Task A_delivery_under_review_and_its_dispute_are_taken_back_and_said_again()
    {
        var pair = await sandbox.NewPairAsync(thirdParties: new() { Arbiter = TestKeys.Stranger.GetPublicAddress(), ReviewSeconds = 3600 });
        var order = await pair.CreatePaidOrderAsync();
        await using var requester = await pair.Requester.ListenAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync(); // so that the payment stays
        var delivering = pair.DeliverAsync(order.OrderId);
        await MineOneAsync();
        await delivering;
        var disputing = pair.Requester.Client.DisputeOrderAsync(order.OrderId, "Bad.");
        await MineOneAsync();
        (await disputing).Phase.Should().Be("DISPUTE");
        var firstDelivered = await requester.HearAsync(EventType.OrderDelivered, order.OrderId);
        var firstDisputed = await requester.HearAsync(EventType.OrderDisputed, order.OrderId);

        await ReorganiseAsync(depth: 2);

        await RevertedAsync(requester, firstDelivered);
        await RevertedAsync(requester, firstDisputed);
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(
            new { Phase = "LOCK", DeliverTxHash = (string?)null, DisputeTxHash = (string?)null, DisputedBy = (string?)null, ReviewDeadline = (DateTimeOffset?)null });
        await BookEqualsChainAsync(order);

        // Both are sent again, as the same transactions and in their order.
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();
        foreach (var first in new[] { firstDelivered, firstDisputed })
        {
            await requester.HearAsync(e => e.Type == first.Type && e.OrderId == order.OrderId && e.EventId != first.EventId, $"a second {first.Type} with an id of its own");
        }

        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Phase = "DISPUTE", DisputeReason = "Bad." });
        await BookEqualsChainAsync(order);
    }

    [Fact]
    public async Task It_reaches_every_kind_of_stream_in_the_same_words()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var start = await sandbox.HeadAsync();
        using var readers = new LogReaders(sandbox.Relayer.Url, pair.Requester, audience: "all");
        var reading = readers.All.Values.Select(connect => ReadAsync(connect, count: 3)).ToList();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync(); // so that the creation stays
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await MineOneAsync();
        await paying;

        await ReorganiseAsync(depth: 2);
        await MineOneAsync();

        var lists = await Task.WhenAll(reading);
        lists[0].Select(e => e.Type).Should().Equal(EventType.OrderPaid, EventType.OrderReverted, EventType.OrderPaid);
        lists[0][1].Data!.Value.GetProperty("eventId").GetString().Should().Be(lists[0][0].EventId);
        lists[0][2].EventId.Should().NotBe(lists[0][0].EventId);
        foreach (var list in lists)
        {
            list.Select(LogReaders.Text).Should().Equal(lists[0].Select(LogReaders.Text));
        }

        async Task<List<CapEvent>> ReadAsync(Connect connect, int count)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            return await connect(start, patience.Token).Where(e => e.OrderId == order.OrderId && e.Type != EventType.OrderCreated).Take(count).ToListAsync(patience.Token);
        }
    }

    [Fact]
    public async Task A_payment_that_was_taken_back_may_fail_the_second_time()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync(); // so that the creation stays
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await MineOneAsync();
        await paying;
        var firstPaid = await requester.HearAsync(EventType.OrderPaid, order.OrderId);

        await ReorganiseAsync(depth: 2);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.WithdrawAllAsync(pair.Requester.Wallet);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();

        await RevertedAsync(requester, firstPaid);
        (await requester.HearAsync(EventType.OrderPayFailed, order.OrderId)).Reason.Should().Contain("ERC20InsufficientBalance");
        var failed = await pair.Requester.Client.GetOrderAsync(order.OrderId);
        failed.Should().BeEquivalentTo(new { Status = OrderStatus.Created, PayTxHash = (string?)null });
        failed.LastFailure!.Code.Should().Be(ErrorCodes.PayReverted);
        await BookEqualsChainAsync(order);

        mining.Resume();
        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "1.00");
        (await pair.Requester.Client.PayOrderAsync(order.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_failed_payment_and_its_repeat_may_be_taken_back_together()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync();
        var failing = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.WithdrawAllAsync(pair.Requester.Wallet);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();
        await failing.Invoking(task => task).Should().ThrowAsync<CapApiException>();
        await sandbox.Chain.SendFirstAsync(TestKeys.Owner, sandbox.Chain.Deployment.Usdc, new MintFunction { To = pair.Requester.Wallet, Amount = 1_000_000 });
        await MineOneAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await MineOneAsync();
        await paying;
        var firstPaid = await requester.HearAsync(EventType.OrderPaid, order.OrderId);

        // Neither the withdrawal nor the deposit is sent again, but both payments are.
        await ReorganiseAsync(depth: 3);
        await RevertedAsync(requester, firstPaid);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();

        // This time the first one pays, and the second has nothing left to do.
        var settled = await requester.HearAsync(e => e.Type == EventType.OrderPaid && e.EventId != firstPaid.EventId, "the second order_paid");
        var paid = await pair.Requester.Client.GetOrderAsync(order.OrderId);
        paid.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, PayTxHash = settled.Chain!.TxHash, Pending = (object?)null });
        settled.Chain.TxHash.Should().NotBe(firstPaid.Chain!.TxHash);
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
        await BookEqualsChainAsync(order);
        mining.Resume();
        (await pair.DeliverAsync(order.OrderId)).Status.Should().Be(OrderStatus.Completed);
    }

    [Fact]
    public async Task An_account_whose_deployment_was_taken_back_is_deployed_again()
    {
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var requester = await sandbox.NewAgentAsync("requester");
        await MineOneAsync();
        var provider = await sandbox.NewAgentAsync("provider");
        await MineOneAsync();
        await IsDeployedAsync(provider, expected: true);

        await ReorganiseAsync(depth: 2);

        await IsDeployedAsync(requester, expected: false);
        await IsDeployedAsync(provider, expected: false);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        mining.Resume();
        await IsDeployedAsync(requester, expected: true);
        await IsDeployedAsync(provider, expected: true);
        await sandbox.Setup.FaucetAsync(requester.Wallet, "1.00");
        await sandbox.Setup.LiftLimitsAsync(requester.Agent);
        var service = await sandbox.Setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        (await new Pair(requester, provider, service).CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed);
    }

    /// <summary>Payment and delivery travel in lanes of their own: the other branch takes the delivery first, and refuses it.</summary>
    [Fact]
    public async Task A_delivery_that_the_other_branch_takes_before_its_payment_is_made_again()
    {
        var pair = await PairInTwoLanesAsync();
        var order = await pair.CreateOrderAsync();
        await using var provider = await pair.Provider.ListenAsync(audience: "all");
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await MineOneAsync();
        await paying;
        var delivering = pair.DeliverAsync(order.OrderId);
        await MineOneAsync();
        var delivered = await delivering;
        delivered.Status.Should().Be(OrderStatus.Completed);
        var delivery = await sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            connection => connection.QuerySingleAsync<byte[]>("SELECT raw FROM attempt WHERE tx_hash = @hash", new { hash = delivered.DeliverTxHash!.HexToByteArray() }), CancellationToken.None);

        await sandbox.Chain.Node.RequestAsync<object>("anvil_reorg", 2, new object[] { new object[] { delivery.ToHex(true), 0 } });

        await provider.HearAsync(EventType.OrderDeliverFailed, order.OrderId);
        await MineOneAsync(); // the payment
        await MineOneAsync(); // the delivery, as another operation
        mining.Resume();
        await Eventually.TrueAsync(
            async () => (await pair.Provider.Client.GetOrderAsync(order.OrderId)) is { Status.Value: "completed", LastFailure: null }, "the delivery stands again");
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.LogsAsync<OrderClearedEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
        await BookEqualsChainAsync(order);
    }

    private async Task<Pair> PairInTwoLanesAsync()
    {
        var lanes = sandbox.Relayer.Services.GetRequiredService<ChainContext>();
        while (true)
        {
            var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
            if (lanes.LaneOf(pair.Requester.Wallet.HexToByteArray()) != lanes.LaneOf(pair.Provider.Wallet.HexToByteArray()))
            {
                return pair;
            }
        }
    }

    private async Task MineOneAsync()
    {
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
    }

    /// <summary>Replaces the newest blocks by empty ones.</summary>
    private Task ReorganiseAsync(int depth) => sandbox.Chain.Node.RequestAsync<object>("anvil_reorg", depth, Array.Empty<object>());

    private static Task<CapEvent> RevertedAsync(Listener listener, CapEvent withdrawn) => listener.HearAsync(
        e => e.Type == EventType.OrderReverted && e.Data!.Value.GetProperty("eventId").GetString() == withdrawn.EventId, $"{withdrawn.Type} being taken back");

    private Task IsDeployedAsync(Party party, bool expected) =>
        Eventually.TrueAsync(async () => (await sandbox.Setup.GetAgentAsync(party.AgentId)).Deployed == expected, $"{party.Agent.Name} is{(expected ? "" : " not")} deployed");

    private async Task BookEqualsChainAsync(params Sdk.Order[] orders)
    {
        foreach (var order in orders)
        {
            var orderId = order.ChainOrderId.HexToByteArray();
            var phase = await sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
                connection => connection.ExecuteScalarAsync<long?>("SELECT phase FROM order_state WHERE order_id = @orderId", new { orderId }), CancellationToken.None);
            (await sandbox.Chain.PhaseOfAsync(order.ChainOrderId)).Should().Be((Phase)(phase ?? 0));
        }
    }
}
