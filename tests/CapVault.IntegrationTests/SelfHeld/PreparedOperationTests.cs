using System.Net;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Prepare and submit, call by call, and what happens in between.</summary>
public sealed class PreparedOperationTests(NarrowSandbox sandbox) : IClassFixture<NarrowSandbox>, IAsyncLifetime
{
    private readonly EthECKey _requesterKey = EthECKey.GenerateKey();
    private readonly EthECKey _providerKey = EthECKey.GenerateKey();
    private Pair _pair = null!;
    private SelfHeldApi _requester = null!;
    private SelfHeldApi _provider = null!;

    public async Task InitializeAsync()
    {
        _pair = await sandbox.NewPairAsync(requesterKey: _requesterKey, providerKey: _providerKey);
        _requester = new SelfHeldApi(sandbox.Api, _pair.Requester, _requesterKey);
        _provider = new SelfHeldApi(sandbox.Api, _pair.Provider, _providerKey);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    /* WHAT IS SIGNED */

    [Fact]
    public async Task Any_wallet_can_sign_what_is_prepared()
    {
        var order = await _pair.CreateOrderAsync();

        var answer = await _requester.AskAsync(order.OrderId, OrderStep.Pay);
        answer.Body.Should().NotContainEquivalentOf(_requesterKey.GetPublicAddress()[2..]);
        var prepared = answer.Data.Deserialize<PreparedOperation>(CapJson.Options)!;
        var paid = SelfHeldApi.OrderOf(await _requester.SubmitAsync(prepared, await ForeignWallet.SignAsync(answer.Data.GetProperty("typedData"), _requesterKey), wait: 30));

        paid.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, LastFailure = (object?)null });
        var operation = (await sandbox.Chain.ReceiptAsync(paid.PayTxHash)).OperationsOf(_pair.Requester.Wallet).Should().ContainSingle().Subject;
        operation.UserOpHash.ToHex(true).Should().Be(prepared.UserOpHash);
        operation.Paymaster.Should().BeEquivalentTo(sandbox.Chain.Deployment.Paymaster);
        new UserOperations(sandbox.Chain.Deployment.ChainId, sandbox.Chain.Deployment.EntryPoint).Hash(prepared.UserOp.ToPacked()).ToHex(true).Should().Be(prepared.UserOpHash);
        var left = prepared.ValidUntil.ToUnixTimeSeconds() - await sandbox.Chain.TimeOfAsync(order.CreateTxHash);
        left.Should().BeInRange(500, 600);
    }

    [Fact]
    public async Task Only_the_Executors_signature_of_exactly_this_operation_is_taken()
    {
        var (order, other) = (await _pair.CreateOrderAsync(), await _pair.CreateOrderAsync());
        var (prepared, preparedOther) = (await _requester.PrepareAsync(order.OrderId, OrderStep.Pay), await _requester.PrepareAsync(other.OrderId, OrderStep.Pay));
        var altered = prepared.UserOp.ToPacked();
        altered.PreVerificationGas++;
        var before = await sandbox.CountRowsAsync();

        foreach (var (wrong, what) in new[]
        {
            (UserOperations.Sign(prepared.UserOpHash.HexToByteArray(), EthECKey.GenerateKey()), "another key's"),
            (UserOperations.Sign(prepared.UserOpHash.HexToByteArray(), TestKeys.Human), "the Owner's"),
            (UserOperations.Sign(prepared.UserOpHash.HexToByteArray(), _providerKey), "the other party's"),
            (UserOperations.Sign(new UserOperations(sandbox.Chain.Deployment.ChainId, sandbox.Chain.Deployment.EntryPoint).Hash(altered), _requesterKey), "of an altered operation"),
            (UserOperations.Sign(preparedOther.UserOpHash.HexToByteArray(), _requesterKey), "of another order's operation"),
        })
        {
            var answer = await _requester.SubmitAsync(prepared, wrong.ToHex(prefix: true));

            (answer.Status, answer.Code).Should().Be((HttpStatusCode.UnprocessableEntity, ErrorCodes.InvalidSignature), what);
            answer.Body.Should().NotContainEquivalentOf(_requesterKey.GetPublicAddress()[2..], "money sent to an Executor would be lost");
        }

        (await sandbox.CountRowsAsync()).Should().Equal(before, "nothing was queued");
        (await _pair.Requester.Client.GetOrderAsync(order.OrderId)).Status.Should().Be(OrderStatus.Created);
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(prepared, wait: 30)).Status.Should().Be(OrderStatus.Paid, "it waits for the right one");
    }

    /// <summary>The EntryPoint pays more for an operation than its gas costs in a large bundle: who bundles must be whom the sponsor names.</summary>
    [Fact]
    public async Task An_agent_cannot_bundle_what_it_has_prepared()
    {
        var order = await _pair.CreateOrderAsync();
        var prepared = await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        var signed = prepared.UserOp.ToPacked();
        signed.Signature = _requester.Sign(prepared).HexToByteArray();

        Task<ContractError?> RefusalAsync(EthECKey bundler) => sandbox.Chain.RefusalAsync(
            new HandleOpsFunction { Ops = [signed], Beneficiary = _requesterKey.GetPublicAddress() }, bundler.GetPublicAddress(), to: sandbox.Chain.Deployment.EntryPoint);

        foreach (var bundler in new[] { _requesterKey, TestKeys.Human, TestKeys.Stranger })
        {
            ((await RefusalAsync(bundler))?.ToString()).Should().Be("FailedOp(opIndex: 0, reason: AA34 signature error)");
        }

        (await RefusalAsync(TestKeys.Lane)).Should().BeNull("the same bytes are the relayer's to send");
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(prepared, wait: 30)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task Nobody_else_knows_the_operation()
    {
        var order = await _pair.CreateOrderAsync();
        var prepared = await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        var stranger = await sandbox.NewAgentAsync("stranger", EthECKey.GenerateKey());
        var body = JsonSerializer.Serialize(new SubmitRequest { Signature = _requester.Sign(prepared) }, CapJson.Options);

        foreach (var key in new[] { stranger.Key, _pair.Provider.Key })
        {
            var answer = await sandbox.Api.PostAsync(key, $"ops/{prepared.UserOpHash}/submit", body);
            (answer.Status, answer.Code).Should().Be((HttpStatusCode.NotFound, ErrorCodes.OperationNotFound));
        }

        (await sandbox.Api.PostAsync(_pair.Requester.Key, $"ops/0x{new string('0', 64)}/submit", body)).Code.Should().Be(ErrorCodes.OperationNotFound);
        (await sandbox.Api.PostAsync(_pair.Requester.Key, "ops/0x12/submit", body)).Code.Should().Be(ErrorCodes.ValidationError);
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(prepared, wait: 30)).Status.Should().Be(OrderStatus.Paid);
        (await sandbox.Api.PostAsync(stranger.Key, $"ops/{prepared.UserOpHash}/submit", body)).Code.Should().Be(ErrorCodes.OperationNotFound, "after it was taken as before");
    }

    /* WHAT MAY BE PREPARED */

    [Fact]
    public async Task Each_agent_has_one_way_to_take_a_step()
    {
        var order = await _pair.CreatePaidOrderAsync();
        var held = await sandbox.NewPairAsync();
        var heldOrder = await held.CreateOrderAsync();

        foreach (var (key, path, body) in new[]
        {
            (_pair.Requester.Key, "pay", null), (_pair.Provider.Key, "deliver", """{"deliverableType":"text","deliverableText":"x"}"""), (_pair.Provider.Key, "reject", """{"reason":"x"}"""),
        })
        {
            var direct = await sandbox.Api.PostAsync(key, $"orders/{order.OrderId}/{path}", body);
            (direct.Status, direct.Code).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
            direct.Message.Should().Contain("/ops/prepare");
        }

        var prepared = await sandbox.Api.PostAsync(held.Requester.Key, "ops/prepare", $$"""{"orderId":"{{heldOrder.OrderId}}","step":"pay"}""");
        (prepared.Status, prepared.Code).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
        prepared.Message.Should().Contain($"/orders/{heldOrder.OrderId}/pay");
        (await _pair.Requester.Client.GetOrderAsync(order.OrderId)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task The_rules_of_the_direct_routes_hold()
    {
        var order = await _pair.CreateOrderAsync();
        var poor = await sandbox.NewPairAsync(funds: "0.50", requesterKey: _requesterKey);
        var unaffordable = await poor.CreateOrderAsync();

        async Task<(HttpStatusCode, string)> AskAsync(SelfHeldApi api, string orderId, OrderStep step, DeliverOrderRequest? deliverable = null, string? reason = null)
        {
            var answer = await api.AskAsync(orderId, step, deliverable, reason);
            return (answer.Status, answer.Code);
        }

        (await AskAsync(_provider, order.OrderId, OrderStep.Pay)).Should().Be((HttpStatusCode.Forbidden, ErrorCodes.Forbidden));
        (await AskAsync(_requester, order.OrderId, OrderStep.Deliver, Pair.Text("x"))).Should().Be((HttpStatusCode.Forbidden, ErrorCodes.Forbidden));
        (await AskAsync(_provider, order.OrderId, OrderStep.Deliver, Pair.Text("x"))).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
        (await AskAsync(_provider, order.OrderId, OrderStep.Deliver)).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.MissingRequiredField));
        (await AskAsync(_provider, order.OrderId, OrderStep.Deliver, new() { DeliverableType = DeliverableType.Text })).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.MissingRequiredField));
        (await AskAsync(_requester, order.OrderId, OrderStep.Reject)).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.MissingRequiredField));
        (await AskAsync(_requester, order.OrderId, OrderStep.Reject, reason: "")).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError));
        (await AskAsync(_requester, order.OrderId, OrderStep.Pay, reason: "x")).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError));
        (await AskAsync(_requester, order.OrderId, OrderStep.Pay, Pair.Text("x"))).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError));
        (await AskAsync(_requester, order.OrderId, OrderStep.Expire)).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError));
        (await AskAsync(_requester, order.OrderId, OrderStep.Create)).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError));
        (await AskAsync(_requester, "ord_000000000000000000000", OrderStep.Pay)).Should().Be((HttpStatusCode.NotFound, ErrorCodes.OrderNotFound));
        (await AskAsync(new SelfHeldApi(sandbox.Api, poor.Requester, _requesterKey), unaffordable.OrderId, OrderStep.Pay)).Should().Be((HttpStatusCode.UnprocessableEntity, ErrorCodes.InsufficientFunds));

        await _requester.TakeAsync(order.OrderId, OrderStep.Pay);
        (await AskAsync(_requester, order.OrderId, OrderStep.Pay)).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
        await sandbox.Setup.AdvanceClockAsync(1801);
        (await AskAsync(_provider, order.OrderId, OrderStep.Deliver, Pair.Text("x"))).Should().Be((HttpStatusCode.Conflict, ErrorCodes.DeadlinePassed));
    }

    [Fact]
    public async Task Eight_operations_may_wait_for_their_signature()
    {
        var orders = await Task.WhenAll(Enumerable.Range(0, 9).Select(_ => _pair.CreateOrderAsync()));
        foreach (var order in orders[..8])
        {
            await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        }

        var ninth = await _requester.AskAsync(orders[8].OrderId, OrderStep.Pay);

        (ninth.Status, ninth.Code).Should().Be((HttpStatusCode.UnprocessableEntity, ErrorCodes.QuotaExceeded));
        ninth.Detail("limit").GetInt32().Should().Be(8);
        await _requester.PrepareAsync(orders[3].OrderId, OrderStep.Pay); // a repeat is no other
        (await _provider.AskAsync(orders[8].OrderId, OrderStep.Reject, reason: "x")).Status.Should().Be(HttpStatusCode.OK, "the other party has room of its own");
        (await _requester.TakeAsync(orders[0].OrderId, OrderStep.Pay)).Status.Should().Be(OrderStatus.Paid);
        (await _requester.AskAsync(orders[8].OrderId, OrderStep.Pay)).Status.Should().Be(HttpStatusCode.OK, "what is submitted waits no more");

        await sandbox.Setup.AdvanceClockAsync(600);
        (await _requester.TakeAsync(orders[1].OrderId, OrderStep.Pay)).Status.Should().Be(OrderStatus.Paid, "what has run out takes no room");
    }

    /* REPEATS */

    [Fact]
    public async Task Submitting_again_finds_the_same_operation()
    {
        var order = await _pair.CreateOrderAsync();
        var prepared = await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        var signature = _requester.Sign(prepared);

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _requester.SubmitAsync(prepared, signature)));
        var settled = await _requester.SubmitAsync(prepared, signature, wait: 30);
        var again = await _requester.SubmitAsync(prepared, signature);
        var forged = await _requester.SubmitAsync(prepared, _provider.Sign(prepared));

        answers.Select(SelfHeldApi.OrderOf).Should().OnlyContain(answer => answer.PayTxHash != null || answer.Pending!.UserOpHash == prepared.UserOpHash);
        settled.Status.Should().Be(HttpStatusCode.OK);
        (again.Status, again.Data.GetRawText()).Should().Be((HttpStatusCode.OK, settled.Data.GetRawText()));
        forged.Code.Should().Be(ErrorCodes.InvalidSignature);
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(_pair.Requester.Wallet)).Should().Be(99_000_000);
    }

    [Fact]
    public async Task Preparing_again_gives_the_same_operation_or_replaces_it()
    {
        var order = await _pair.CreatePaidOrderAsync();
        var first = await _provider.PrepareAsync(order.OrderId, OrderStep.Deliver, Pair.Text("first"));

        var same = await _provider.PrepareAsync(order.ChainOrderId, OrderStep.Deliver, Pair.Text("first"));
        var second = await _provider.PrepareAsync(order.OrderId, OrderStep.Deliver, Pair.Text("second"));
        var replaced = await _provider.SubmitAsync(first);
        var delivered = SelfHeldApi.OrderOf(await _provider.SubmitAsync(second, wait: 30));

        same.UserOpHash.Should().Be(first.UserOpHash);
        second.UserOpHash.Should().NotBe(first.UserOpHash);
        (replaced.Status, replaced.Code).Should().Be((HttpStatusCode.NotFound, ErrorCodes.OperationNotFound));
        delivered.Status.Should().Be(OrderStatus.Completed);
        (await _pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { DeliverableText = "second", HashVerified = true });
    }

    [Fact]
    public async Task Content_is_kept_from_prepare_on_and_shown_only_when_it_is_delivered()
    {
        var pair = await sandbox.NewPairAsync(requesterKey: _requesterKey, providerKey: _providerKey, deliverableType: DeliverableType.Schema);
        var provider = new SelfHeldApi(sandbox.Api, pair.Provider, _providerKey);
        var order = await pair.CreatePaidOrderAsync();
        var schema = JsonSerializer.Deserialize<JsonElement>("""{"b": 1.50, "a": "é\u0000 ", "c": [true, null]}""");
        var prepared = await provider.PrepareAsync(order.OrderId, OrderStep.Deliver, new() { DeliverableType = DeliverableType.Schema, DeliverableSchema = schema });

        (await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}/delivery")).Code.Should().Be(ErrorCodes.InvalidState);
        SelfHeldApi.OrderOf(await provider.SubmitAsync(prepared, wait: 30)).Status.Should().Be(OrderStatus.Completed);

        var delivery = await pair.Requester.Client.GetDeliveryAsync(order.OrderId);
        delivery.HashVerified.Should().BeTrue();
        delivery.DeliverableSchema!.Value.GetProperty("a").GetString().Should().Be("é\0 ");
        delivery.DeliverableSchema.Value.GetProperty("b").GetRawText().Should().Be("1.50");
    }

    [Fact]
    public async Task Both_parties_may_prepare_a_rejection_and_one_has_it()
    {
        var order = await _pair.CreateOrderAsync();
        var (mine, theirs) = (await _requester.PrepareAsync(order.OrderId, OrderStep.Reject, reason: "mine"), await _provider.PrepareAsync(order.OrderId, OrderStep.Reject, reason: "theirs"));

        var first = SelfHeldApi.OrderOf(await _requester.SubmitAsync(mine, wait: 30));
        var second = await _provider.SubmitAsync(theirs, wait: 30);

        first.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, RejectReason = "mine" });
        (second.Status, second.Code).Should().Be((HttpStatusCode.Conflict, ErrorCodes.InvalidState));
    }

    /* TIME */

    [Fact]
    public async Task What_was_not_submitted_in_time_is_prepared_again()
    {
        var order = await _pair.CreateOrderAsync();
        var prepared = await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        await sandbox.Setup.AdvanceClockAsync(600);

        var late = await _requester.SubmitAsync(prepared);

        (late.Status, late.Code).Should().Be((HttpStatusCode.Gone, ErrorCodes.PreparationExpired));
        late.Message.Should().Contain("Prepare the step again");
        (await _pair.Requester.Client.GetOrderAsync(order.OrderId)).Status.Should().Be(OrderStatus.Created);
        var again = await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        again.UserOpHash.Should().NotBe(prepared.UserOpHash);
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(again, wait: 30)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task What_the_chain_could_not_take_in_time_has_failed_and_may_be_prepared_again()
    {
        var order = await _pair.CreateOrderAsync();
        await using var requester = await _pair.Requester.ListenAsync();
        var blocker = await sandbox.NewPairAsync();
        var blocking = await blocker.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await BlockLaneAsync(blocker, blocking);
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(await _requester.PrepareAsync(order.OrderId, OrderStep.Pay))).Status.Should().Be(OrderStatus.Paying);

        // The blocks come after the sponsor's signature has run out.
        await sandbox.Setup.AdvanceClockAsync(700);
        mining.Resume();

        (await requester.HearAsync(EventType.OrderPayFailed, order.OrderId)).Reason.Should().Contain("prepare the step again");
        var failed = await _pair.Requester.Client.GetOrderAsync(order.OrderId);
        failed.Should().BeEquivalentTo(new { Status = OrderStatus.Created, LastFailure = new { Code = ErrorCodes.RelayFailed, Op = OrderStep.Pay } });
        (await _requester.TakeAsync(order.OrderId, OrderStep.Pay)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_prepared_operation_outlives_a_restart()
    {
        var order = await _pair.CreatePaidOrderAsync();
        var prepared = await _provider.PrepareAsync(order.OrderId, OrderStep.Deliver, Pair.Text("kept"));

        await sandbox.Relayer.StopAsync();
        await sandbox.Relayer.StartAsync();
        var answer = await _provider.SubmitAsync(prepared, wait: 30);

        SelfHeldApi.OrderOf(answer).Status.Should().Be(OrderStatus.Completed);
        (await _pair.Requester.Client.GetDeliveryAsync(order.OrderId)).DeliverableText.Should().Be("kept");
    }

    /* NONCE LANES */

    [Fact]
    public async Task What_is_abandoned_blocks_neither_its_order_nor_another_of_its_lane()
    {
        var (first, second) = await TwoOrdersOfOneLaneAsync();
        var abandoned = await _requester.PrepareAsync(first.OrderId, OrderStep.Pay);
        var taken = await _requester.PrepareAsync(second.OrderId, OrderStep.Pay);
        SelfHeldApi.SequenceOf(taken).Should().Be(SelfHeldApi.SequenceOf(abandoned), "whoever is submitted first has the place");

        SelfHeldApi.OrderOf(await _requester.SubmitAsync(taken, wait: 30)).Status.Should().Be(OrderStatus.Paid);
        var late = await _requester.SubmitAsync(abandoned);

        (late.Status, late.Code).Should().Be((HttpStatusCode.Gone, ErrorCodes.PreparationExpired));
        var again = await _requester.PrepareAsync(first.OrderId, OrderStep.Pay);
        SelfHeldApi.SequenceOf(again).Should().Be(SelfHeldApi.SequenceOf(taken) + 1);
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(again, wait: 30)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task Behind_one_that_is_on_its_way_there_is_a_place()
    {
        var (first, second) = await TwoOrdersOfOneLaneAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var one = await _requester.PrepareAsync(first.OrderId, OrderStep.Pay);
        await _requester.SubmitAsync(one);
        var other = await _requester.PrepareAsync(second.OrderId, OrderStep.Pay);
        var submitted = await _requester.SubmitAsync(other);

        SelfHeldApi.SequenceOf(other).Should().Be(SelfHeldApi.SequenceOf(one) + 1);
        submitted.Status.Should().Be(HttpStatusCode.Accepted);
        mining.Resume();
        foreach (var order in new[] { first, second })
        {
            (await sandbox.Api.GetAsync(_pair.Requester.Key, $"orders/{order.OrderId}?wait=30")).Data.GetProperty("status").GetString().Should().Be("paid");
        }
    }

    [Fact]
    public async Task One_that_fails_unsent_takes_those_behind_it_along_and_the_lane_goes_on()
    {
        var (first, second) = await TwoOrdersOfOneLaneAsync();
        var bystander = await (await sandbox.NewPairAsync()).CreateOrderAsync();
        await using var requester = await _pair.Requester.ListenAsync();
        var blocker = await sandbox.NewPairAsync();
        var blocking = await blocker.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await BlockLaneAsync(blocker, blocking);
        await _requester.SubmitAsync(await _requester.PrepareAsync(first.OrderId, OrderStep.Pay));
        SelfHeldApi.OrderOf(await _requester.SubmitAsync(await _requester.PrepareAsync(second.OrderId, OrderStep.Reject, reason: "x"))).Status.Should().Be(OrderStatus.Rejecting);
        await sandbox.Chain.WithdrawAllAsync(_pair.Requester.Wallet);
        mining.Resume();

        (await requester.HearAsync(EventType.OrderPayFailed, first.OrderId)).Reason.Should().Contain("ERC20InsufficientBalance");
        var behind = SelfHeldApi.OrderOf(await sandbox.Api.GetAsync(_pair.Requester.Key, $"orders/{second.OrderId}?wait=30"));
        behind.Should().BeEquivalentTo(new { Status = OrderStatus.Created, LastFailure = new { Code = ErrorCodes.RelayFailed, Op = OrderStep.Reject } });
        behind.LastFailure!.Reason.Should().Contain("prepare the step again");
        (await _requester.TakeAsync(second.OrderId, OrderStep.Reject, reason: "x")).Status.Should().Be(OrderStatus.Rejected);
        (await sandbox.Chain.PhaseOfAsync(bystander.ChainOrderId)).Should().Be(Phase.Negotiation);
    }

    [Fact]
    public async Task An_Executor_that_the_Owner_has_replaced_is_refused_and_stops_nobody_else()
    {
        var order = await _pair.CreateOrderAsync();
        var others = await sandbox.NewPairAsync();
        var othersOrder = await others.CreateOrderAsync();
        await sandbox.Chain.OwnerCallsAsync(_pair.Requester.Wallet, _pair.Requester.Wallet, new SetExecutorFunction { NewExecutor = TestKeys.Stranger.GetPublicAddress() });
        var agents = sandbox.Relayer.Services.GetRequiredService<Relayer.Accounts.Agents>();
        await Eventually.TrueAsync(
            async () => (await agents.FindAsync(_pair.Requester.AgentId, CancellationToken.None))!.Executor.AsSpan().SequenceEqual(TestKeys.Stranger.GetPublicAddressAsBytes()),
            "the relayer knows the new Executor");

        var paying = others.Requester.Client.PayOrderAsync(othersOrder.OrderId);
        var refused = await _requester.SubmitAsync(await _requester.PrepareAsync(order.OrderId, OrderStep.Pay));

        refused.Code.Should().Be(ErrorCodes.InvalidSignature);
        (await paying).Order.Status.Should().Be(OrderStatus.Paid);
    }

    /* THE CHAIN TAKES BACK */

    [Fact]
    public async Task A_payment_that_is_taken_back_is_sent_again_without_another_signature()
    {
        var order = await _pair.CreateOrderAsync();
        await using var requester = await _pair.Requester.ListenAsync(audience: "all");
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync(); // so that the creation stays
        var prepared = await _requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        await _requester.SubmitAsync(prepared);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        var firstPaid = await requester.HearAsync(EventType.OrderPaid, order.OrderId);

        await sandbox.Chain.Node.RequestAsync<object>("anvil_reorg", 2, Array.Empty<object>());
        await requester.HearAsync(e => e.Type == EventType.OrderReverted && e.Data!.Value.GetProperty("eventId").GetString() == firstPaid.EventId, "the payment being taken back");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        mining.Resume();

        await requester.HearAsync(e => e.Type == EventType.OrderPaid && e.OrderId == order.OrderId && e.EventId != firstPaid.EventId, "a second order_paid");
        (await _requester.SubmitAsync(prepared, wait: 30)).Status.Should().Be(HttpStatusCode.OK);
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
    }

    // The lane sends one bundle after the other: while this one waits for a block, no other goes out.
    private async Task BlockLaneAsync(Pair pair, Sdk.Order order)
    {
        await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
    }

    // Ids are known before anything is on chain: of some negotiations two fall into one of the 64 lanes soon.
    private async Task<(Sdk.Order First, Sdk.Order Second)> TwoOrdersOfOneLaneAsync()
    {
        var seen = new Dictionary<int, Negotiation>();
        while (true)
        {
            var negotiation = await _pair.NegotiateAsync();
            var lane = UserOperations.ExecutorKey(negotiation.ChainOrderId.HexToByteArray());
            if (seen.TryGetValue(lane, out var earlier))
            {
                return ((await _pair.Provider.Client.AcceptNegotiationAsync(earlier)).Order, (await _pair.Provider.Client.AcceptNegotiationAsync(negotiation)).Order);
            }

            seen[lane] = negotiation;
        }
    }
}
