using System.Net;
using System.Text.Json;
using CapVault.Cli;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>A Requester that pays on acceptance: one operation creates the order and pays it.</summary>
public sealed class PayOnAcceptTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task One_operation_creates_and_pays_what_is_accepted()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00", price: "3.00");
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var provider = await pair.Provider.ListenAsync(audience: "all");
        var vaultBefore = await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault);

        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        negotiation.PayOnAccept.Should().BeTrue();
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(5_000_000, "nobody has accepted");
        var order = (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;

        order.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, Phase = "LOCK", Pending = (object?)null, LastFailure = (object?)null });
        order.PayTxHash.Should().Be(order.CreateTxHash);
        var receipt = await sandbox.Chain.ReceiptAsync(order.PayTxHash);
        receipt.OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which.Success.Should().BeTrue();
        receipt.DecodeAllEvents<OrderCreatedEventDTO>().Should().ContainSingle();
        receipt.DecodeAllEvents<OrderPaidEventDTO>().Should().ContainSingle();
        (await StepsAsync(order)).Should().Equal("create_and_pay");
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(2_000_000);
        (await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault) - vaultBefore).Should().Be(3_000_000);
        (await sandbox.Chain.Usdc.AllowanceQueryAsync(pair.Requester.Wallet, sandbox.Chain.Deployment.Vault)).Should().Be(0);
        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).Limits!.SpentToday.Should().Be("3.00");

        await pair.DeliverAsync(order.OrderId);
        EventType[] story = [EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted];
        await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        await provider.HearAsync(EventType.OrderCompleted, order.OrderId);
        requester.Types.Should().Equal(story);
        provider.Types.Should().Equal(story);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(2_700_000);
    }

    [Fact]
    public async Task While_it_is_in_flight_the_order_is_creating_and_whoever_repeats_follows_it()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        await pair.CreateOrderAsync(); // deploys the accounts
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var path = $"orders/negotiate/{negotiation.NegotiationId}/accept";
        var accepted = await sandbox.Api.PostAsync(pair.Provider.Key, path, json: null, idempotencyKey: "accepted-but-one-time");
        accepted.Status.Should().Be(HttpStatusCode.Accepted, accepted.Body);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        var inFlight = await pair.Requester.Client.GetOrderAsync(negotiation.OrderId);
        var payKeyed = () => sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{negotiation.OrderId}/pay?wait=30", json: null, idempotencyKey: "paid-but-one-time-0");
        var rejecting = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{negotiation.OrderId}/reject", """{"reason":"changed my mind"}""");
        var repeats = new[] { pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId), pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId) };
        var paying = pair.Requester.Client.PayOrderAsync(negotiation.OrderId);
        var keyed = payKeyed();
        mining.Resume();

        (inFlight.Status, inFlight.Phase, inFlight.Pending!.Op).Should().Be((OrderStatus.Creating, "NONE", OrderStep.CreateAndPay));
        (rejecting.Status, rejecting.Code).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
        var paid = await paying;
        paid.Order.Status.Should().Be(OrderStatus.Paid);
        foreach (var repeat in await Task.WhenAll(repeats))
        {
            repeat.Order.PayTxHash.Should().Be(paid.TxHash);
        }

        (await keyed).Data.GetProperty("payTxHash").GetString().Should().Be(paid.TxHash);
        (await payKeyed()).Data.GetProperty("payTxHash").GetString().Should().Be(paid.TxHash);
        (await pair.Requester.Client.PayOrderAsync(negotiation.OrderId)).TxHash.Should().Be(paid.TxHash);
        (await sandbox.Api.PostAsync(pair.Provider.Key, path, json: null, idempotencyKey: "accepted-but-one-time")).Data.GetProperty("order").GetProperty("orderId").GetString().Should().Be(negotiation.OrderId);
        (await StepsAsync(paid.Order)).Should().Equal("create_and_pay");
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(99_000_000, "it is charged once");
    }

    [Fact]
    public async Task Nothing_is_accepted_that_the_Requester_cannot_pay()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        await sandbox.QuietAsync();
        var rows = await sandbox.CountRowsAsync();

        var accept = () => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);

        var refusal = (await accept.Should().ThrowAsync<InsufficientBalanceException>()).Which;
        refusal.Should().BeEquivalentTo(new { HttpStatus = 422, Required = (System.Numerics.BigInteger)1_000_000, Balance = (System.Numerics.BigInteger)500_000 });
        refusal.Reason.Should().StartWith("The Requester pays on acceptance and cannot now, so nothing was done.").And.Contain(pair.Requester.Wallet);
        (await sandbox.CountRowsAsync()).Should().BeEquivalentTo(rows);
        (await pair.Requester.Client.GetNegotiationAsync(negotiation.NegotiationId)).Status.Should().Be(NegotiationStatus.Pending);
        (await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{negotiation.OrderId}")).Code.Should().Be(ErrorCodes.OrderNotFound);

        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "0.50");

        (await accept()).Order.Status.Should().Be(OrderStatus.Paid);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
        (await accept()).Order.Status.Should().Be(OrderStatus.Paid, "a repeat asks for no second price");
    }

    [Fact]
    public async Task Nothing_is_accepted_that_the_Requester_may_not_spend()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        await LimitAsync(pair, "0.99", "100.00");
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);

        var accept = () => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);

        var refused = (await accept.Should().ThrowAsync<CapApiException>()).Which;
        refused.Should().BeEquivalentTo(new { HttpStatus = 422, Code = ErrorCodes.SpendingLimitExceeded });
        refused.Details["left"].GetString().Should().Be("990000");
        (await pair.Provider.Client.GetNegotiationAsync(negotiation.NegotiationId)).Status.Should().Be(NegotiationStatus.Pending);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(100_000_000);
        await LimitAsync(pair, "1.00", "1.00");

        (await accept()).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task Acceptances_at_once_do_not_go_beyond_the_limit_together()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        await LimitAsync(pair, "1.00", "2.00");
        var negotiations = new List<Negotiation>();
        for (var i = 0; i < 4; i++)
        {
            negotiations.Add(await pair.NegotiateAsync(payOnAccept: true));
        }

        var outcomes = await Task.WhenAll(negotiations.Select(async negotiation =>
        {
            try
            {
                return (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.Status.Value;
            }
            catch (CapApiException e)
            {
                return e.Code == ErrorCodes.SpendingLimitExceeded || (e.Code == ErrorCodes.CreateReverted && e.Reason.Contains("LimitExceeded", StringComparison.Ordinal)) ? "refused" : e.Reason;
            }
        }));

        outcomes.Should().BeEquivalentTo(["paid", "paid", "refused", "refused"]);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(98_000_000);
    }

    [Fact]
    public async Task One_that_reverts_on_chain_leaves_no_order_and_may_be_repeated_by_either_side()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        await pair.CreateOrderAsync(); // deploys the accounts
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var accepting = pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.WithdrawAllAsync(pair.Requester.Wallet);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        mining.Resume();

        (await accepting.Invoking(task => task).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.CreateReverted);
        foreach (var listener in new[] { requester, provider })
        {
            var told = await listener.HearAsync(EventType.OrderCreateFailed, negotiation.OrderId);
            told.Status.Should().Be("create_failed");
            told.Reason.Should().Contain("ERC20InsufficientBalance");
        }

        var failed = await pair.Provider.Client.GetOrderAsync(negotiation.OrderId);
        failed.Should().BeEquivalentTo(new { Status = OrderStatus.CreateFailed, Phase = "NONE", Pending = (object?)null });
        failed.LastFailure.Should().BeEquivalentTo(new { Op = OrderStep.CreateAndPay, Code = ErrorCodes.CreateReverted });
        (await sandbox.Chain.ReceiptAsync(failed.LastFailure!.TxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which.Success.Should().BeFalse();
        (await sandbox.Chain.PhaseOfAsync(negotiation.ChainOrderId)).Should().Be(Phase.None);

        // Without the money neither gets further.
        await pair.Provider.Client.Invoking(it => it.AcceptNegotiationAsync(negotiation.NegotiationId)).Should().ThrowAsync<InsufficientBalanceException>();
        await pair.Requester.Client.Invoking(it => it.PayOrderAsync(negotiation.OrderId)).Should().ThrowAsync<InsufficientBalanceException>();
        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "1.00");

        var paid = await pair.Requester.Client.PayOrderAsync(negotiation.OrderId);

        paid.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, LastFailure = (object?)null, CreateTxHash = paid.TxHash });
        (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.PayTxHash.Should().Be(paid.TxHash);
        (await StepsAsync(paid.Order)).Should().Equal("create_and_pay", "create_and_pay");
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(negotiation.ChainOrderId)).Should().ContainSingle();
    }

    [Fact]
    public async Task One_that_would_revert_is_reported_and_an_accept_tries_again()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);

        var accept = () => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);

        var refused = (await accept.Should().ThrowAsync<CapApiException>()).Which;
        (refused.Code, refused.Retryable).Should().Be((ErrorCodes.CreateReverted, true));
        (await pair.Requester.Client.GetOrderAsync(negotiation.OrderId)).LastFailure!.TxHash.Should().BeNull("it was foreseen and not sent");
        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();

        (await accept()).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task What_failed_to_be_created_is_created_by_its_payment()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var negotiation = await pair.NegotiateAsync();
        await EnableTokenAsync(false);
        await pair.Provider.Client.Invoking(it => it.AcceptNegotiationAsync(negotiation.NegotiationId)).Should().ThrowAsync<CapApiException>();
        await EnableTokenAsync(true);

        var paid = await pair.Requester.Client.PayOrderAsync(negotiation.OrderId);

        paid.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, CreateTxHash = paid.TxHash });
        (await StepsAsync(paid.Order)).Should().Equal("create", "create_and_pay");
    }

    [Fact]
    public async Task Who_declines_charges_nobody()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var declined = await pair.NegotiateAsync(payOnAccept: true);
        await pair.Provider.Client.RejectNegotiationAsync(declined.NegotiationId, "too busy");
        var late = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{declined.NegotiationId}/accept");
        late.Status.Should().Be(HttpStatusCode.Conflict);

        var failed = await FailedAsync(pair);
        var rejected = await pair.Requester.Client.RejectOrderAsync(failed.OrderId, "changed my mind");

        rejected.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Canceled });
        (await pair.Requester.Client.Invoking(it => it.PayOrderAsync(failed.OrderId)).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.InvalidState);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(100_000_000);
    }

    [Fact]
    public async Task Nobody_is_charged_when_the_time_is_over()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00", negotiationTtlSeconds: 60);
        var unanswered = await pair.NegotiateAsync(payOnAccept: true);
        var failed = await FailedAsync(pair);
        await sandbox.Setup.AdvanceClockAsync(61);

        foreach (var negotiationId in new[] { unanswered.NegotiationId, failed.NegotiationId })
        {
            (await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiationId}/accept?wait=30")).Body.Should().NotContain("paid");
        }

        var order = await pair.Requester.Client.GetOrderAsync(failed.OrderId);
        order.Status.Should().Be(OrderStatus.CreateFailed, "accepting again was possible up to the negotiation's end");
        await sandbox.Setup.AdvanceClockAsync((int)(order.PayDeadline - DateTimeOffset.FromUnixTimeSeconds((await sandbox.Setup.GetStatusAsync()).ChainTime)).TotalSeconds + 1);

        var paying = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{failed.OrderId}/pay");

        (paying.Status, paying.Code).Should().Be((HttpStatusCode.Conflict, ErrorCodes.DeadlinePassed));
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(100_000_000);
    }

    [Fact]
    public async Task Only_the_Requester_may_pay_what_is_not_on_chain()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var failed = await FailedAsync(pair);

        var byProvider = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{failed.OrderId}/pay");
        var byStranger = await sandbox.Api.PostAsync((await sandbox.NewAgentAsync("stranger")).Key, $"orders/{failed.OrderId}/pay");

        byProvider.Status.Should().Be(HttpStatusCode.Forbidden);
        byStranger.Status.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Who_holds_its_Executor_is_told_and_creates_by_paying()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", requesterKey: EthECKey.GenerateKey(), providerKey: EthECKey.GenerateKey());
        await using var requester = await pair.Requester.ListenAsync();
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);

        var accepted = await pair.Provider.Client.AcceptNegotiationAsync(await pair.Provider.Client.GetNegotiationAsync(negotiation.NegotiationId));

        accepted.Negotiation.Status.Should().Be(NegotiationStatus.Accepted);
        accepted.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Creating, Phase = "NONE", Pending = (object?)null, LastFailure = (object?)null });
        await requester.HearAsync(EventType.NegotiationAccepted, negotiation.NegotiationId);
        (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.Status.Should().Be(OrderStatus.Creating, "a repeat changes nothing");
        (await StepsAsync(accepted.Order)).Should().BeEmpty("nobody but the Requester may pay");

        var payments = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => pair.Requester.Client.PayOrderAsync(negotiation.OrderId)));

        var paid = payments[0];
        payments.Select(payment => payment.TxHash).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        paid.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, CreateTxHash = paid.TxHash });
        (await sandbox.Chain.ReceiptAsync(paid.TxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which.Success.Should().BeTrue();
        (await StepsAsync(paid.Order)).Should().Equal("create_and_pay");
        (await pair.DeliverAsync(negotiation.OrderId)).Status.Should().Be(OrderStatus.Completed);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
    }

    [Fact]
    public async Task Who_holds_its_Executor_prepares_and_submits_it()
    {
        var executor = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", requesterKey: executor);
        var api = new SelfHeldApi(sandbox.Api, pair.Requester, executor);
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.Status.Should().Be(OrderStatus.Creating);

        (await api.AskAsync(negotiation.OrderId, OrderStep.Pay)).Code.Should().Be(ErrorCodes.InvalidState, "there is nothing on chain to pay");
        var prepared = await api.PrepareAsync(negotiation.OrderId, OrderStep.CreateAndPay);
        prepared.Step.Should().Be(OrderStep.CreateAndPay);
        prepared.ProviderSignature.Should().StartWith("0x");
        (await api.PrepareAsync(negotiation.OrderId, OrderStep.CreateAndPay)).UserOpHash.Should().Be(prepared.UserOpHash, "a repeat is the same operation");
        await LimitAsync(pair, "0.99", "100.00"); // after the relayer looked

        var failed = SelfHeldApi.OrderOf(await api.SubmitAsync(prepared, wait: 30));

        failed.Status.Should().Be(OrderStatus.CreateFailed);
        failed.LastFailure!.Reason.Should().StartWith("LimitExceeded(");
        (await api.AskAsync(negotiation.OrderId, OrderStep.CreateAndPay)).Code.Should().Be(ErrorCodes.SpendingLimitExceeded);
        await LimitAsync(pair, "1.00", "100.00");

        var paid = await api.TakeAsync(negotiation.OrderId, OrderStep.CreateAndPay);

        paid.Status.Should().Be(OrderStatus.Paid);
        paid.CreateTxHash.Should().Be(paid.PayTxHash);
        (await api.AskAsync(negotiation.OrderId, OrderStep.CreateAndPay)).Code.Should().Be(ErrorCodes.InvalidState, "it has happened");
        (await api.SubmitAsync(prepared)).Data.GetProperty("status").GetString().Should().Be("paid", "a repeat gives the order");
    }

    [Fact]
    public async Task What_waits_for_its_Requester_may_be_rejected_or_runs_out()
    {
        var executor = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(price: "1.00", requesterKey: executor);
        var api = new SelfHeldApi(sandbox.Api, pair.Requester, executor);
        var (rejected, late) = (await AcceptedAsync(pair), await AcceptedAsync(pair));

        (await pair.Provider.Client.RejectOrderAsync(rejected.OrderId, "no time")).Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Canceled });
        (await api.AskAsync(rejected.OrderId, OrderStep.CreateAndPay)).Code.Should().Be(ErrorCodes.InvalidState);
        await sandbox.Setup.AdvanceClockAsync((int)(late.PayDeadline - DateTimeOffset.FromUnixTimeSeconds((await sandbox.Setup.GetStatusAsync()).ChainTime)).TotalSeconds + 1);
        (await api.AskAsync(late.OrderId, OrderStep.CreateAndPay)).Code.Should().Be(ErrorCodes.DeadlinePassed);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(100_000_000);
    }

    [Fact]
    public async Task Who_takes_its_Executor_over_before_the_answer_is_charged_by_nobody_else()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        var executor = EthECKey.GenerateKey();
        await sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), executor.GetPublicAddress());

        var accepted = (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;

        accepted.Should().BeEquivalentTo(new { Status = OrderStatus.Creating, Pending = (object?)null });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(100_000_000);
        (await new SelfHeldApi(sandbox.Api, pair.Requester, executor).TakeAsync(accepted.OrderId, OrderStep.CreateAndPay)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task What_another_created_meanwhile_is_paid_by_the_same_operation()
    {
        var executor = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00", requesterKey: executor);
        var api = new SelfHeldApi(sandbox.Api, pair.Requester, executor);
        var accepted = await AcceptedAsync(pair);
        var prepared = await api.PrepareAsync(accepted.OrderId, OrderStep.CreateAndPay);
        var order = accepted.Terms.ToChain();
        var consent = Contracts.OrderConsent.Sign(order, sandbox.OrderIdOf(order), sandbox.Chain.Deployment.ChainId, pair.Requester.Wallet, executor);
        await sandbox.Chain.VaultAs(TestKeys.Stranger).CreateOrderRequestAndWaitForReceiptAsync(order, consent, prepared.ProviderSignature.HexToByteArray());
        await Eventually.TrueAsync(async () => (await pair.Requester.Client.GetOrderAsync(accepted.OrderId)).Status == OrderStatus.Created, "the relayer has seen it");

        var paid = SelfHeldApi.OrderOf(await api.SubmitAsync(prepared, wait: 30));

        paid.Status.Should().Be(OrderStatus.Paid);
        paid.PayTxHash.Should().NotBe(paid.CreateTxHash);
    }

    [Fact]
    public async Task From_the_command_line_it_is_one_flag()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");

        var negotiated = JsonSerializer.Deserialize<JsonElement>(await RunAsync(["negotiate", pair.Service.ServiceId, "--pay-on-accept", "--json", .. As(pair.Requester)]));
        negotiated.GetProperty("payOnAccept").GetBoolean().Should().BeTrue();
        var accepted = await RunAsync(["accept", negotiated.GetProperty("negotiationId").GetString()!, .. As(pair.Provider)]);

        accepted.Should().MatchRegex("status +paid").And.Contain($"Next: capvault deliver {negotiated.GetProperty("orderId").GetString()}");
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
    }

    // An order that was accepted, and is not on chain.
    private async Task<Sdk.Order> FailedAsync(Pair pair)
    {
        var negotiation = await pair.NegotiateAsync(payOnAccept: true);
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        await pair.Provider.Client.Invoking(it => it.AcceptNegotiationAsync(negotiation.NegotiationId)).Should().ThrowAsync<CapApiException>();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        return await pair.Requester.Client.GetOrderAsync(negotiation.OrderId);
    }

    private static async Task<Sdk.Order> AcceptedAsync(Pair pair) =>
        (await pair.Provider.Client.AcceptNegotiationAsync((await pair.NegotiateAsync(payOnAccept: true)).NegotiationId)).Order;

    // The steps that the relayer has taken for an order, in their order.
    private Task<List<string>> StepsAsync(Sdk.Order order) => sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
        async connection => (await connection.QueryAsync<string>(
            "SELECT step FROM operation WHERE order_id = @orderId ORDER BY operation_id", new { orderId = order.ChainOrderId.HexToByteArray() })).AsList(),
        CancellationToken.None);

    private Task LimitAsync(Pair pair, string perOrder, string perDay) =>
        sandbox.Setup.SetLimitsAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), perOrder, perDay);

    private async Task EnableTokenAsync(bool enabled)
    {
        await sandbox.Chain.VaultAs(TestKeys.Owner).SetTokenRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc, enabled, minFeeBps: 1000);
        await sandbox.FollowedAsync();
    }

    private string[] As(Party party) => ["--api", sandbox.Relayer.Url, "--key", party.Key];

    private static async Task<string> RunAsync(string[] args)
    {
        using var output = new StringWriter();
        (await CapVaultCli.RunAsync(args, output, output)).Should().Be(ExitCode.Ok, output.ToString());
        return output.ToString();
    }
}
