using System.Net;
using System.Text;
using System.Text.Json;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>A call with an Idempotency-Key happens once, however often it comes, and everybody who makes it gets its one outcome.</summary>
public sealed class IdempotencyTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const int Times = 20;

    /* AT ONCE */

    [Fact]
    public async Task Twenty_negotiations_at_once_with_one_key_are_one()
    {
        var pair = await sandbox.NewPairAsync();
        await using var provider = await pair.Provider.ListenAsync();
        await using var requester = await pair.Requester.ListenAsync();
        var key = NewKey();

        var answers = await AllAtOnceAsync(() => sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key));

        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.Created);
        answers.Select(answer => answer.Body).Distinct(StringComparer.Ordinal).Should().ContainSingle("everybody gets the same bytes");
        answers.Count(IsReplay).Should().Be(Times - 1);
        (await pair.Requester.Client.ListNegotiationsAsync(new())).Items.Should().ContainSingle();
        await pair.CatchUpAsync(requester, provider);
        provider.Types.Count(type => type == EventType.NegotiationCreated).Should().Be(2, "one of them is CatchUp's marker");
    }

    [Fact]
    public async Task Twenty_payments_at_once_with_one_key_are_one_operation_which_all_are_told()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var key = NewKey();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var answers = await AllAtOnceAsync(() => PayAsync(pair, order, key));

        var taken = answers.Should().ContainSingle(answer => answer.Status == HttpStatusCode.Accepted).Which;
        var userOpHash = taken.Data.GetProperty("pending").GetProperty("userOpHash").GetString();
        foreach (var answer in answers.Where(answer => answer != taken))
        {
            answer.Status.Should().Be(HttpStatusCode.Conflict);
            answer.Code.Should().Be(ErrorCodes.IdempotencyKeyInProgress);
            answer.Json.GetProperty("error").GetProperty("retryable").GetBoolean().Should().BeTrue();
            answer.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(1));
            answer.Detail("userOpHash").GetString().Should().Be(userOpHash);
        }

        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var sent = await PayAsync(pair, order, key);
        sent.Detail("txHash").GetString().Should().HaveLength(66, "the transaction is known by now");
        mining.Resume();
        var repeats = await AllAtOnceAsync(() => PayAsync(pair, order, key, "?wait=30"));
        repeats.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK);
        repeats.Select(answer => answer.Body).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        repeats[0].Data.GetProperty("payTxHash").GetString().Should().Be(sent.Detail("txHash").GetString());
        var operation = (await sandbox.Chain.ReceiptAsync(sent.Detail("txHash").GetString())).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which;
        operation.UserOpHash.ToHex(prefix: true).Should().Be(userOpHash);
        (await OperationsOfAsync(order.ChainOrderId, OrderStep.Pay)).Should().Be(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_call_about_an_order_made_twenty_times_at_once_has_one_effect_and_one_answer(bool keyed)
    {
        var pair = await sandbox.NewPairAsync();
        var completed = await pair.NegotiateAsync();
        var rejected = await pair.NegotiateAsync();
        var expired = await pair.NegotiateAsync();
        var declined = await pair.NegotiateAsync();

        await AllAsync(pair.Provider, $"orders/negotiate/{declined.NegotiationId}/reject", """{"reason":"no"}""");
        foreach (var negotiation in new[] { completed, rejected, expired })
        {
            await AllAsync(pair.Provider, $"orders/negotiate/{negotiation.NegotiationId}/accept");
            await AllAsync(pair.Requester, $"orders/{negotiation.OrderId}/pay");
        }

        await AllAsync(pair.Provider, $"orders/{completed.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"done"}""");
        await AllAsync(pair.Provider, $"orders/{rejected.OrderId}/reject", """{"reason":"no"}""");
        await sandbox.Setup.AdvanceClockAsync(1801);
        await AllAsync(pair.Requester, $"orders/{expired.OrderId}/expire");

        (await sandbox.Chain.PhaseOfAsync(completed.ChainOrderId)).Should().Be(Phase.Clear);
        (await sandbox.Chain.PhaseOfAsync(rejected.ChainOrderId)).Should().Be(Phase.Rejected);
        (await sandbox.Chain.PhaseOfAsync(expired.ChainOrderId)).Should().Be(Phase.Expired);
        (await pair.Requester.Client.GetNegotiationAsync(declined.NegotiationId)).Status.Should().Be(NegotiationStatus.Rejected);
        foreach (var (order, steps) in new[]
        {
            (completed, (OrderStep[])[OrderStep.Create, OrderStep.Pay, OrderStep.Deliver]),
            (rejected, [OrderStep.Create, OrderStep.Pay, OrderStep.Reject]),
            (expired, [OrderStep.Create, OrderStep.Pay, OrderStep.Expire]),
            (declined, []),
        })
        {
            foreach (var step in (OrderStep[])[OrderStep.Create, OrderStep.Pay, OrderStep.Deliver, OrderStep.Reject, OrderStep.Expire])
            {
                (await OperationsOfAsync(order.ChainOrderId, step)).Should().Be(steps.Contains(step) ? 1 : 0, $"{step} was asked for {Times} times or not at all");
            }
        }

        async Task AllAsync(Party party, string path, string? json = null)
        {
            var key = keyed ? NewKey() : null;
            var answers = await AllAtOnceAsync(() => sandbox.Api.PostAsync(party.Key, $"{path}?wait=30", json, key));
            answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK, answers[0].Body);
            answers.Select(answer => answer.Data.GetRawText()).Distinct(StringComparer.Ordinal).Should().ContainSingle($"{path} has one outcome");
            answers.Count(IsReplay).Should().Be(keyed ? Times - 1 : 0);
        }
    }

    /* WHAT IS THE SAME CALL */

    [Fact]
    public async Task The_same_JSON_written_otherwise_is_the_same_call()
    {
        var pair = await sandbox.NewPairAsync();
        var key = NewKey();

        var first = await sandbox.Api.PostAsync(
            pair.Requester.Key, "orders/negotiate", Negotiate(pair, """{"a":1,"b":["é",null]}"""), key);
        var second = await sandbox.Api.PostAsync(
            pair.Requester.Key, "orders/negotiate", $$"""{ "requirements" : {"b":["\u00e9", null], "a":1.0}, "serviceId":"{{pair.Service.ServiceId}}" }""", key);

        first.Status.Should().Be(HttpStatusCode.Created);
        second.Status.Should().Be(HttpStatusCode.Created);
        second.Body.Should().Be(first.Body);
        IsReplay(second).Should().BeTrue();
    }

    [Fact]
    public async Task A_key_is_for_one_call_only()
    {
        var pair = await sandbox.NewPairAsync();
        var key = NewKey();
        var first = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key);
        var rows = await sandbox.CountRowsAsync();

        var otherBody = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair, """{"to":"de"}"""), key);
        var otherPath = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/negotiate/{first.Data.GetProperty("negotiationId").GetString()}/reject", """{"reason":"no"}""", key);
        var ill = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", """{"serviceId":""", key);

        foreach (var refusal in new[] { otherBody, otherPath, ill })
        {
            refusal.Status.Should().Be(HttpStatusCode.Conflict);
            refusal.Code.Should().Be(ErrorCodes.IdempotencyKeyReused);
            refusal.Json.GetProperty("error").GetProperty("retryable").GetBoolean().Should().BeFalse();
            refusal.Detail("method").GetString().Should().Be("POST");
            refusal.Detail("path").GetString().Should().Be("/api/v1/orders/negotiate");
        }

        (await sandbox.CountRowsAsync()).Should().BeEquivalentTo(rows);
        (await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key)).Body.Should().Be(first.Body, "the key's own call is not harmed");
    }

    [Fact]
    public async Task Of_two_different_calls_at_once_with_one_key_one_happens()
    {
        var pair = await sandbox.NewPairAsync();
        var key = NewKey();

        var answers = await Task.WhenAll(Enumerable.Range(0, Times).Select(
            number => sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair, $$"""{"number":{{number}}}"""), key)));

        answers.Count(answer => answer.Status == HttpStatusCode.Created).Should().Be(1);
        answers.Where(answer => answer.Status != HttpStatusCode.Created).Should().OnlyContain(
            answer => answer.Status == HttpStatusCode.Conflict && answer.Code == ErrorCodes.IdempotencyKeyReused);
        (await pair.Requester.Client.ListNegotiationsAsync(new())).Items.Should().ContainSingle();
    }

    [Fact]
    public async Task Everybody_has_keys_of_their_own()
    {
        var pair = await sandbox.NewPairAsync();
        var other = await sandbox.NewAgentAsync("requester");
        var key = NewKey();

        var first = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key);
        var second = await sandbox.Api.PostAsync(other.Key, "orders/negotiate", Negotiate(pair), key);
        var agent = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "agents", Agent("with the same key"), key);

        new[] { first, second, agent }.Should().OnlyContain(answer => answer.Status == HttpStatusCode.Created && !IsReplay(answer));
        second.Data.GetProperty("requesterAgentId").GetString().Should().Be(other.AgentId);
        second.Data.GetProperty("negotiationId").GetString().Should().NotBe(first.Data.GetProperty("negotiationId").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("123456789012345")]
    [InlineData("1234567890 123456")]
    [InlineData("1234567890.123456")]
    [InlineData("\"1234567890123456\"")]
    [InlineData(129)]
    [InlineData("1234567890123456", "1234567890123456")]
    public async Task A_key_that_is_none_is_refused(params object[] keys)
    {
        var pair = await sandbox.NewPairAsync();
        var rows = await sandbox.CountRowsAsync();

        var answer = await sandbox.Api.SendAsync(
            HttpMethod.Post, pair.Requester.Key, "orders/negotiate", RawApi.Json(Encoding.UTF8.GetBytes(Negotiate(pair))),
            [.. keys.Select(key => key as string ?? new string('k', (int)key))]);

        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be("Idempotency-Key");
        (await sandbox.CountRowsAsync()).Should().BeEquivalentTo(rows);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(128)]
    public async Task The_shortest_and_the_longest_key_are_keys(int length)
    {
        var pair = await sandbox.NewPairAsync();
        var key = string.Concat("aZ09-_", NewKey(), new string('k', 128))[..length];

        var answers = new[]
        {
            await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key),
            await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key),
        };

        answers.Select(IsReplay).Should().Equal(false, true);
    }

    /* WHAT IS KEPT */

    [Fact]
    public async Task What_was_refused_leaves_the_key_unused()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var (payKey, negotiateKey) = (NewKey(), NewKey());

        var poor = await PayAsync(pair, order, payKey);
        var ill = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", """{"serviceId":7}""", negotiateKey);
        var wrong = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/pay", null, payKey);

        poor.Code.Should().Be(ErrorCodes.InsufficientFunds);
        ill.Code.Should().Be(ErrorCodes.ValidationError);
        wrong.Code.Should().Be(ErrorCodes.Forbidden);
        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "0.50");
        var paid = await PayAsync(pair, order, payKey, "?wait=30");
        paid.Data.GetProperty("status").GetString().Should().Be("paid");
        (await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), negotiateKey)).Status.Should().Be(HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_payment_that_failed_for_good_stays_failed_under_its_key_and_may_be_tried_under_another()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var (first, second) = (NewKey(), NewKey());
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();

        var taken = await PayAsync(pair, order, first);
        taken.Status.Should().Be(HttpStatusCode.Accepted);
        await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}?wait=30");
        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        var failed = await PayAsync(pair, order, first);

        failed.Status.Should().Be(HttpStatusCode.OK);
        failed.Data.GetProperty("status").GetString().Should().Be("created");
        failed.Data.GetProperty("lastFailure").GetProperty("code").GetString().Should().Be(ErrorCodes.PayReverted);
        failed.Data.GetProperty("lastFailure").GetProperty("userOpHash").GetString().Should().Be(taken.Data.GetProperty("pending").GetProperty("userOpHash").GetString());
        (await OperationsOfAsync(order.ChainOrderId, OrderStep.Pay)).Should().Be(1, "the repeat was no second payment");

        var paid = await PayAsync(pair, order, second, "?wait=30");
        paid.Data.GetProperty("status").GetString().Should().Be("paid");
        var again = await PayAsync(pair, order, first);
        again.Body.Should().Be(failed.Body, "an answer that was given once is given for ever");
        IsReplay(again).Should().BeTrue();
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
    }

    [Fact]
    public async Task A_repeat_is_told_of_its_own_failure_while_another_payment_is_on_its_way()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var (first, second) = (NewKey(), NewKey());
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        await PayAsync(pair, order, first);
        await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}?wait=30");
        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        (await PayAsync(pair, order, second)).Status.Should().Be(HttpStatusCode.Accepted);

        var repeat = await PayAsync(pair, order, first);
        var running = await PayAsync(pair, order, second);

        repeat.Status.Should().Be(HttpStatusCode.OK, "its own outcome is proven");
        repeat.Data.TryGetProperty("payTxHash", out _).Should().BeFalse();
        running.Code.Should().Be(ErrorCodes.IdempotencyKeyInProgress);
        (await OperationsOfAsync(order.ChainOrderId, OrderStep.Pay)).Should().Be(2);
    }

    [Fact]
    public async Task A_repeat_after_the_order_has_gone_on_gets_the_order_and_pays_nothing()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        var (payKey, deliverKey) = (NewKey(), NewKey());
        (await PayAsync(pair, order, payKey)).Status.Should().Be(HttpStatusCode.Accepted, "an answer that is not final is not kept");
        await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}?wait=30");
        await pair.DeliverAsync(order.OrderId);

        var repeat = await PayAsync(pair, order, payKey);
        var delivered = await sandbox.Api.PostAsync(
            pair.Provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"The deliverable."}""", deliverKey);

        repeat.Status.Should().Be(HttpStatusCode.OK, "that the account is empty now does not matter");
        repeat.Data.GetProperty("status").GetString().Should().Be("completed");
        repeat.Data.GetProperty("payTxHash").GetString().Should().HaveLength(66);
        delivered.Data.GetProperty("status").GetString().Should().Be("completed", "it joins what has happened");
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
    }

    [Fact]
    public async Task A_key_joins_a_payment_that_is_on_its_way()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var key = NewKey();

        var unkeyed = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");
        var joined = await PayAsync(pair, order, key);
        var repeat = await PayAsync(pair, order, key);

        var userOpHash = unkeyed.Data.GetProperty("pending").GetProperty("userOpHash").GetString();
        joined.Status.Should().Be(HttpStatusCode.Accepted);
        joined.Data.GetProperty("pending").GetProperty("userOpHash").GetString().Should().Be(userOpHash);
        repeat.Detail("userOpHash").GetString().Should().Be(userOpHash);
    }

    [Fact]
    public async Task What_was_allowed_once_is_answered_also_when_it_no_longer_is()
    {
        var pair = await sandbox.NewPairAsync();
        var key = NewKey();
        var first = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key);
        await LoseAnswerAsync(key);
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Enabled = false });

        var repeat = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), key);

        repeat.Status.Should().Be(HttpStatusCode.Created);
        repeat.Data.GetRawText().Should().Be(first.Data.GetRawText());
    }

    [Fact]
    public async Task An_answer_that_shows_a_key_shows_the_same_key_again_and_is_not_readable_on_the_disk()
    {
        var key = NewKey();

        var answers = await AllAtOnceAsync(() => sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "agents", Agent("with a secret"), key));
        var sdkKey = answers[0].Data.GetProperty("sdkKey").GetString()!;
        await LoseAnswerAsync(key);
        var remade = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "agents", Agent("with a secret"), key);
        var replayed = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "agents", Agent("with a secret"), key);

        answers.Should().OnlyContain(answer => answer.Status == HttpStatusCode.Created && answer.Body == answers[0].Body);
        remade.Status.Should().Be(HttpStatusCode.Created);
        remade.Data.GetProperty("sdkKey").GetString().Should().Be(sdkKey);
        replayed.Body.Should().Be(remade.Body);
        (await sandbox.Api.GetAsync(sdkKey, "orders")).Status.Should().Be(HttpStatusCode.OK, "the key works");
        (await sandbox.Setup.ListAgentsAsync(new() { Limit = 100 })).Items.Count(agent => agent.Name == "with a secret").Should().Be(1);
        foreach (var file in Directory.GetFiles(sandbox.Relayer.DataDirectory, "relayer.db*"))
        {
            await using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(open, Encoding.Latin1);
            var stored = await reader.ReadToEndAsync();
            stored.Should().NotContain(sdkKey.Split('_', 4)[3]);
        }
    }

    [Fact]
    public async Task Answers_are_the_same_bytes_after_a_restart()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        var (payKey, negotiateKey) = (NewKey(), NewKey());
        var paid = await PayAsync(pair, order, payKey, "?wait=30");
        var negotiated = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), negotiateKey);

        await sandbox.Relayer.StopAsync();
        await sandbox.Relayer.StartAsync();

        (await PayAsync(pair, order, payKey)).Should().Match<RawAnswer>(answer => answer.Status == HttpStatusCode.OK && answer.Body == paid.Body && IsReplay(answer));
        (await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), negotiateKey))
            .Should().Match<RawAnswer>(answer => answer.Status == HttpStatusCode.Created && answer.Body == negotiated.Body && IsReplay(answer));
    }

    [Fact]
    public async Task After_seven_days_a_key_is_new_and_the_order_still_paid_once()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        var (payKey, negotiateKey) = (NewKey(), NewKey());
        await PayAsync(pair, order, payKey, "?wait=30");
        var negotiated = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), negotiateKey);

        await sandbox.Setup.AdvanceClockAsync((6 * 86_400) + 86_000);
        IsReplay(await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), negotiateKey)).Should().BeTrue("its seven days are not over");
        await sandbox.Setup.AdvanceClockAsync(401);
        await Eventually.TrueAsync(async () => await ScalarAsync("SELECT count(*) FROM idempotency WHERE key IN (@payKey, @negotiateKey)", new { payKey, negotiateKey }) == 0, "the keeper forgets the keys");

        var anew = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", Negotiate(pair), negotiateKey);
        anew.Data.GetProperty("negotiationId").GetString().Should().NotBe(negotiated.Data.GetProperty("negotiationId").GetString());
        var again = await PayAsync(pair, order, payKey, "?wait=30");
        again.Status.Should().Be(HttpStatusCode.OK);
        again.Data.GetProperty("payTxHash").GetString().Should().HaveLength(66);
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
    }

    [Fact]
    public async Task Test_money_is_minted_and_the_clock_wound_once()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var (mintKey, clockKey) = (NewKey(), NewKey());

        var minted = await AllAtOnceAsync(() => sandbox.Api.PostAsync(
            sandbox.Relayer.OperatorKey, "sandbox/faucet", $$"""{"address":"{{agent.Wallet}}","amount":"1.00"}""", mintKey));
        var before = await sandbox.Chain.BlockNumberAsync();
        var wound = await AllAtOnceAsync(() => sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "sandbox/clock/advance", """{"seconds":3600}""", clockKey));
        await LoseAnswerAsync(mintKey);
        await LoseAnswerAsync(clockKey);
        var mintedAgain = await sandbox.Api.PostAsync(
            sandbox.Relayer.OperatorKey, "sandbox/faucet", $$"""{"address":"{{agent.Wallet}}","amount":"1.00"}""", mintKey);
        var woundAgain = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "sandbox/clock/advance", """{"seconds":3600}""", clockKey);

        minted.Append(mintedAgain).Select(answer => answer.Data.GetProperty("txHash").GetString()).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        (await sandbox.Chain.UsdcOfAsync(agent.Wallet)).Should().Be(1_000_000);
        var times = wound.Append(woundAgain).Select(answer => answer.Data.GetProperty("chainTime").GetInt64()).ToList();
        (times.Max() - times.Min()).Should().BeLessThan(600, "an hour passed once");
        (await sandbox.Chain.BlockNumberAsync()).Should().BeGreaterThanOrEqualTo(before);
    }

    private static bool IsReplay(RawAnswer answer) => answer.Headers.TryGetValues("Idempotent-Replayed", out var values) && values.Single() == "true";

    private static string NewKey() => Guid.NewGuid().ToString();

    private static string Negotiate(Pair pair, string requirements = "null") => $$"""{"serviceId":"{{pair.Service.ServiceId}}","requirements":{{requirements}}}""";

    private static string Agent(string name) => JsonSerializer.Serialize(new { name, owner = TestKeys.Human.GetPublicAddress() });

    private static Task<RawAnswer[]> AllAtOnceAsync(Func<Task<RawAnswer>> call) => Task.WhenAll(Enumerable.Range(0, Times).Select(_ => call()));

    private Task<RawAnswer> PayAsync(Pair pair, Sdk.Order order, string key, string query = "") =>
        sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay{query}", null, key);

    // As if the relayer had died after the commit and before it stored its answer.
    private Task LoseAnswerAsync(string key) => sandbox.Relayer.Services.GetRequiredService<Db>().WriteAsync(
        async tx => (await tx.ExecuteAsync("UPDATE idempotency SET status = NULL, answer = NULL WHERE key = @key", new { key })).Should().Be(1), CancellationToken.None);

    private Task<long> OperationsOfAsync(string chainOrderId, OrderStep step) => ScalarAsync(
        "SELECT count(*) FROM operation WHERE order_id = @orderId AND step = @step", new { orderId = chainOrderId.HexToByteArray(), step = step.Value });

    private Task<long> ScalarAsync(string sql, object parameters) => sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
        connection => connection.ExecuteScalarAsync<long>(sql, parameters), CancellationToken.None);
}
