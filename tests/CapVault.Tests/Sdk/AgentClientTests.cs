using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using static CapVault.Tests.Sdk.ScriptedApi;

namespace CapVault.Tests.Sdk;

public class AgentClientTests
{
    private const string Key = "croo_sk_000000000000000000_secret";
    private const string Order = Samples.OrderId;

    /* SECOND DISPUTES */

    [Fact]
    public async Task A_dispute_of_the_delivery_is_proven_by_its_own_transaction()
    {
        var flagged = Samples.Paid with { Status = OrderStatus.Disputed, Phase = "DELIVER", DisputeTxHash = "0xd1" };
        var pending = flagged with { Pending = new PendingOperation { Op = OrderStep.Dispute, Attempt = 1, Since = DateTimeOffset.UnixEpoch } };
        await using var api = await StartAsync(Data(pending, 202), Data(flagged with { Phase = "DISPUTE", DisputeTxHash = "0xd2" }));
        using var client = Client(api, new ScaledTime(1000));

        (await client.DisputeOrderAsync(Order, "Bad.")).DisputeTxHash.Should().Be("0xd2");

        api.Bodies[0].Should().Be("""{"reason":"Bad."}""");
        api.Requests[0].Should().StartWith($"POST /api/v1/orders/{Order}/dispute?wait=");
    }

    [Fact]
    public async Task A_dispute_that_failed_is_not_taken_for_the_one_before()
    {
        var failed = Samples.Paid with
        {
            Status = OrderStatus.Disputed,
            Phase = "DELIVER",
            DisputeTxHash = "0xd1",
            LastFailure = new OperationFailure { Op = OrderStep.Dispute, Code = ErrorCodes.DisputeReverted, Reason = "TooLate", At = DateTimeOffset.UnixEpoch },
        };
        await using var api = await StartAsync(Data(failed));
        using var client = Client(api, new ScaledTime(1000));

        var disputing = () => client.DisputeOrderAsync(Order, "Bad.");

        (await disputing.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.DisputeReverted);
    }

    [Fact]
    public async Task What_the_Arbiter_has_split_was_not_released()
    {
        await using var api = await StartAsync(Data(Samples.Paid with { Status = OrderStatus.Completed, Phase = "CLEAR", ResolveTxHash = "0xe1", ClearTxHash = "0xe1" }));
        using var client = Client(api, new ScaledTime(1000));

        var releasing = () => client.ReleaseOrderAsync(Order);

        (await releasing.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.InvalidState);
    }

    /* RETRIES */

    [Fact]
    public async Task A_read_is_repeated_with_growing_delays_until_the_relayer_answers()
    {
        var time = new ScaledTime(1000);
        await using var api = await StartAsync(
            Error(503, "RELAYER_UNAVAILABLE"), Cut(), Page(502, "<h1>Bad gateway</h1>"), Error(429, "RATE_LIMITED"), Data(Samples.Created));
        using var client = Client(api, time);

        (await client.GetOrderAsync(Order)).OrderId.Should().Be(Order);

        api.Requests.Should().HaveCount(5).And.OnlyContain(request => request == $"GET /api/v1/orders/{Order}");
        time.Delays.Select(delay => delay.TotalSeconds).Should().SatisfyRespectively(
            delay => delay.Should().BeInRange(0.8, 1.2),
            delay => delay.Should().BeInRange(1.6, 2.4),
            delay => delay.Should().BeInRange(3.2, 4.8),
            delay => delay.Should().BeInRange(6.4, 9.6));
    }

    [Fact]
    public async Task Retry_After_is_honoured_up_to_a_minute()
    {
        var time = new ScaledTime(1000);
        await using var api = await StartAsync(Error(429, "RATE_LIMITED", retryAfter: "7"), Error(429, "RATE_LIMITED", retryAfter: "3600"));
        using var client = Client(api, time);

        var reading = () => client.GetOrderAsync(Order);

        (await reading.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be("RATE_LIMITED");
        api.Requests.Should().HaveCount(2);
        time.Delays.Should().Equal(TimeSpan.FromSeconds(7));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(0)]
    public async Task Retries_end(int maxRetries)
    {
        await using var api = await StartAsync(Error(503, "RELAYER_UNAVAILABLE"));
        using var client = new AgentClient(new Config { BaseUrl = api.Address, MaxRetries = maxRetries, TimeProvider = new ScaledTime(1000) }, Key);

        var reading = () => client.GetOrderAsync(Order);

        var error = (await reading.Should().ThrowAsync<CapApiException>()).Which;
        error.Should().BeEquivalentTo(new { HttpStatus = 503, Code = "RELAYER_UNAVAILABLE", Retryable = true, RequestId = "req-1" });
        api.Requests.Should().HaveCount(maxRetries + 1);
    }

    [Fact]
    public async Task A_negotiation_is_sent_again_under_the_key_of_its_first_attempt()
    {
        await using var api = await StartAsync(Cut(), Error(503, "RELAYER_UNAVAILABLE"), Data(Samples.Negotiation, 201));
        using var client = Client(api, new ScaledTime(1000));

        await client.NegotiateOrderAsync(new() { ServiceId = "svc_1" });
        await client.NegotiateOrderAsync(new() { ServiceId = "svc_1" });

        api.Requests.Should().HaveCount(4).And.OnlyContain(request => request == "POST /api/v1/orders/negotiate");
        api.IdempotencyKeys.Should().OnlyContain(key => Guid.Parse(key).Version == 4);
        api.IdempotencyKeys.Take(3).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        api.IdempotencyKeys[3].Should().NotBe(api.IdempotencyKeys[0], "it is another negotiation");
    }

    [Fact]
    public async Task A_negotiation_that_may_have_arrived_is_not_called_retryable()
    {
        await using var api = await StartAsync(Cut());
        using var client = Client(api, new ScaledTime(1000));

        var negotiating = () => client.NegotiateOrderAsync(new() { ServiceId = "svc_1" });
        var keyed = () => client.WithIdempotencyKey("0123456789abcdef").NegotiateOrderAsync(new() { ServiceId = "svc_1" });

        (await negotiating.Should().ThrowAsync<CapApiException>()).Which.Should().BeEquivalentTo(new { HttpStatus = 0, Retryable = false });
        (await keyed.Should().ThrowAsync<CapApiException>("the caller can repeat it")).Which.Should().BeEquivalentTo(new { HttpStatus = 0, Retryable = true });
    }

    [Fact]
    public async Task Steps_of_an_order_need_no_key_and_take_one()
    {
        await using var api = await StartAsync(Data(Samples.Paid));
        using var client = Client(api);

        await client.PayOrderAsync(Order);
        using (var keyed = client.WithIdempotencyKey("0123456789abcdef"))
        {
            await keyed.PayOrderAsync(Order);
        }

        await client.PayOrderAsync(Order);

        api.IdempotencyKeys.Should().Equal("", "0123456789abcdef", "");
    }

    [Theory]
    [InlineData("0123456789abcde")]
    [InlineData("0123456789abcde!")]
    [InlineData("0123456789abcdé-")]
    public void A_key_that_is_none_is_refused_here(string key)
    {
        using var client = new AgentClient(new Config { BaseUrl = "http://127.0.0.1:1" }, Key);

        FluentActions.Invoking(() => client.WithIdempotencyKey(key)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => client.WithIdempotencyKey(new string('a', 129))).Should().Throw<ArgumentException>();
    }

    [Fact]
    public async Task While_the_first_call_with_a_key_is_open_a_repeat_waits_for_it()
    {
        var time = new ScaledTime(100);
        var open = Error(409, "IDEMPOTENCY_KEY_IN_PROGRESS", new { userOpHash = "0xabc" }, retryAfter: "2");
        await using var api = await StartAsync([.. Enumerable.Repeat(open, 20), Data(Samples.Paid)]);
        using var client = Client(api, time);

        var paid = await client.WithIdempotencyKey("0123456789abcdef").PayOrderAsync(Order);

        paid.TxHash.Should().Be("0xa1");
        api.IdempotencyKeys.Should().HaveCount(21).And.OnlyContain(key => key == "0123456789abcdef");
        time.Delays.Count(delay => delay == TimeSpan.FromSeconds(2)).Should().Be(20, "it was told so, and waiting is no failure");
    }

    [Fact]
    public async Task A_first_call_that_stays_open_leaves_the_outcome_unknown()
    {
        await using var api = await StartAsync(Error(409, "IDEMPOTENCY_KEY_IN_PROGRESS", new { userOpHash = "0xabc" }, retryAfter: "1"));
        using var client = Client(api, outcomeTimeout: TimeSpan.FromSeconds(1));

        var paying = () => client.WithIdempotencyKey("0123456789abcdef").PayOrderAsync(Order);

        (await paying.Should().ThrowAsync<OutcomeUnknownException>()).Which.UserOpHash.Should().Be("0xabc");
    }

    [Fact]
    public async Task A_refusal_is_not_repeated()
    {
        await using var api = await StartAsync(Error(409, "INVALID_STATE", new { status = "expired" }));
        using var client = Client(api);

        var paying = () => client.PayOrderAsync(Order);

        var error = (await paying.Should().ThrowAsync<CapApiException>()).Which;
        error.Should().BeEquivalentTo(new { HttpStatus = 409, Code = "INVALID_STATE", Reason = "Found this, expected that.", RequestId = "req-1", Retryable = false });
        error.Details["status"].GetString().Should().Be("expired");
        CapErrors.IsInvalidStatus(error).Should().BeTrue();
        api.Requests.Should().ContainSingle();
    }

    /* ANSWERS THAT ARE NOT OURS */

    [Theory]
    [InlineData(200, "<html>Welcome to nginx</html>")]
    [InlineData(404, "<html>Not found</html>")]
    [InlineData(200, """{"success":true}""")]
    [InlineData(200, """{"hello":"world"}""")]
    public async Task An_answer_that_is_not_ours_says_what_came_and_from_where(int status, string body)
    {
        await using var api = await StartAsync(Page(status, body));
        using var client = Client(api);

        var reading = () => client.GetOrderAsync(Order);

        var error = (await reading.Should().ThrowAsync<CapApiException>()).Which;
        error.Code.Should().Be(CapApiException.UnexpectedResponse);
        error.Message.Should().Contain(api.Address).And.Contain(body[..12]).And.Contain("BaseUrl");
        CapErrors.IsNotFound(error).Should().BeFalse("a page of another server says nothing about the order");
        api.Requests.Should().ContainSingle();
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_is_named()
    {
        await using var api = await StartAsync(Cut());
        var address = api.Address;
        await api.DisposeAsync();
        using var client = new AgentClient(new Config { BaseUrl = address, TimeProvider = new ScaledTime(1000) }, Key);

        var paying = () => client.PayOrderAsync(Order);

        var error = (await paying.Should().ThrowAsync<CapApiException>("it never arrived, so its outcome is known")).Which;
        error.Should().BeEquivalentTo(new { HttpStatus = 0, Code = "RELAYER_UNAVAILABLE", Retryable = true });
        error.Message.Should().Contain(address);
    }

    /* OUTCOMES */

    [Fact]
    public async Task A_payment_is_followed_until_it_is_proven()
    {
        await using var api = await StartAsync(Data(Samples.Paying, 202), Data(Samples.Paying), Data(Samples.Paid));
        using var client = Client(api);

        var paid = await client.PayOrderAsync(Order);

        paid.TxHash.Should().Be("0xa1");
        paid.Order.Status.Should().Be(OrderStatus.Paid);
        api.Requests.Should().Equal(
            $"POST /api/v1/orders/{Order}/pay?wait=30", $"GET /api/v1/orders/{Order}?wait=30", $"GET /api/v1/orders/{Order}?wait=30");
    }

    [Fact]
    public async Task A_payment_is_proven_by_its_transaction_even_when_the_next_step_is_in_flight_already()
    {
        var delivering = Samples.Paid with { Status = OrderStatus.Delivering, Pending = Samples.Paying.Pending! with { Op = OrderStep.Deliver } };
        await using var api = await StartAsync(Data(Samples.Paying, 202), Data(delivering));
        using var client = Client(api);

        (await client.PayOrderAsync(Order)).TxHash.Should().Be("0xa1");
    }

    [Fact]
    public async Task CR16_a_proven_revert_is_thrown_with_its_code()
    {
        await using var api = await StartAsync(Data(Samples.Paying, 202), Data(Samples.PayReverted));
        using var client = Client(api);

        var paying = () => client.PayOrderAsync(Order);

        var error = (await paying.Should().ThrowAsync<CapApiException>()).Which;
        error.Should().BeEquivalentTo(new { HttpStatus = 200, Code = "PAY_REVERTED", Reason = "ERC20: no money", Retryable = true });
        error.Details["order"].GetProperty("status").GetString().Should().Be("created");
    }

    [Fact]
    public async Task A_step_that_another_one_overtook_is_thrown()
    {
        await using var api = await StartAsync(Data(Samples.Paying, 202), Data(Samples.Created with { Status = OrderStatus.Rejected, RejectTxHash = "0xb1" }));
        using var client = Client(api);

        var paying = () => client.PayOrderAsync(Order);

        var error = (await paying.Should().ThrowAsync<CapApiException>()).Which;
        error.Code.Should().Be("INVALID_STATE");
        error.Message.Should().Contain("rejected");
    }

    [Fact]
    public async Task An_outcome_that_is_not_proven_in_time_is_unknown()
    {
        await using var api = await StartAsync(Data(Samples.Paying, 202));
        using var client = Client(api, outcomeTimeout: TimeSpan.FromSeconds(1));

        var paying = () => client.PayOrderAsync(Order);

        (await paying.Should().ThrowAsync<OutcomeUnknownException>()).Which.UserOpHash.Should().Be("0xabc");
        api.Requests[0].Should().EndWith("?wait=1");
    }

    [Fact]
    public async Task A_relayer_that_took_the_call_and_vanished_leaves_the_outcome_unknown()
    {
        await using var cut = await StartAsync(Cut());
        await using var taken = await StartAsync(Data(Samples.Paying, 202), Cut());
        using var client = Client(cut, new ScaledTime(1000));
        using var other = Client(taken, new ScaledTime(1000));

        (await FluentActions.Awaiting(() => client.PayOrderAsync(Order)).Should().ThrowAsync<OutcomeUnknownException>()).Which.UserOpHash.Should().BeNull();
        (await FluentActions.Awaiting(() => other.PayOrderAsync(Order)).Should().ThrowAsync<OutcomeUnknownException>()).Which.UserOpHash.Should().Be("0xabc");
        cut.Requests.Should().HaveCount(6, "a repeated pay is the same pay");
    }

    [Fact]
    public async Task Cancelling_stops_the_waiting()
    {
        await using var api = await StartAsync(Data(Samples.Paying, 202));
        using var client = Client(api);
        using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));

        var paying = () => client.PayOrderAsync(Order, impatient.Token);

        await paying.Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task CR17_a_wallet_without_the_price_is_told_what_is_missing()
    {
        await using var api = await StartAsync(Error(422, "INSUFFICIENT_FUNDS", new { token = "0xusdc", required = "1000000", available = "500000" }));
        using var client = Client(api);

        var paying = () => client.PayOrderAsync(Order);

        var error = (await paying.Should().ThrowAsync<InsufficientBalanceException>()).Which;
        error.Token.Should().Be("0xusdc");
        error.Required.Should().Be(1_000_000);
        error.Balance.Should().Be(500_000);
        CapErrors.IsInsufficientBalance(error).Should().BeTrue();
    }

    [Theory]
    [InlineData("created", false)]
    [InlineData("paying", true)]
    public async Task CR52_an_own_node_that_finds_too_little_stops_a_payment_that_is_not_on_its_way(string then, bool pays)
    {
        await using var api = await StartAsync(
            Data(Samples.Created), Rpc("0x" + "7a120".PadLeft(64, '0')), Data(then == "created" ? Samples.Created : Samples.Paying), Data(Samples.Paid));
        using var client = new AgentClient(new Config { BaseUrl = api.Address, RpcUrl = api.Address }, Key);

        var paying = () => client.PayOrderAsync(Order);

        if (pays)
        {
            await paying.Should().NotThrowAsync("the payment itself has emptied the wallet");
        }
        else
        {
            var error = (await paying.Should().ThrowAsync<InsufficientBalanceException>()).Which;
            error.Should().BeEquivalentTo(new { Token = Samples.Created.PaymentToken, Required = new System.Numerics.BigInteger(1_000_000), Balance = new System.Numerics.BigInteger(500_000) });
        }

        api.Requests.Any(request => request.Contains("/pay", StringComparison.Ordinal)).Should().Be(pays);
    }

    [Fact]
    public async Task CR52_an_own_node_that_does_not_answer_stops_nothing()
    {
        await using var api = await StartAsync(Data(Samples.Created), Data(Samples.Paid));
        using var client = new AgentClient(new Config { BaseUrl = api.Address, RpcUrl = "http://127.0.0.1:1" }, Key);

        (await client.PayOrderAsync(Order)).TxHash.Should().Be("0xa1");
    }

    /* DELIVERIES */

    [Theory]
    [InlineData("hello", "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8", true)]
    [InlineData("hello", "0x1C8AFF950685C2ED4BC3174F3472287B56D9517B9C948127319A09A7A36DEAC8", true)]
    [InlineData("hello!", "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8", false)]
    [InlineData(null, "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8", false)]
    public async Task A_delivery_is_checked_against_its_hash_here(string? text, string hash, bool verified)
    {
        await using var api = await StartAsync(Data(DeliveryOf(DeliverableType.Text, text, null, hash)));
        using var client = Client(api);

        (await client.GetDeliveryAsync(Order)).HashVerified.Should().Be(verified);
    }

    [Theory]
    [InlineData("1", true)]
    [InlineData("0", false)]
    public async Task With_a_node_of_its_own_a_client_believes_the_vault_and_not_the_relayer(string recorded, bool verified)
    {
        var relayer = new RelayerConfig
        {
            ChainId = 31337,
            Vault = "0x" + new string('4', 40),
            EntryPoint = "0x5",
            AccountFactory = "0x6",
            Paymaster = "0x7",
            Usdc = "0x8",
            Sandbox = true,
        };
        await using var api = await StartAsync(
            Data(DeliveryOf(DeliverableType.Text, "hello", null, "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8")),
            Data(Samples.Created),
            Data(relayer),
            Rpc("0x" + recorded.PadLeft(64, '0')));
        using var client = new AgentClient(new Config { BaseUrl = api.Address, RpcUrl = api.Address }, Key);

        (await client.GetDeliveryAsync(Order)).HashVerified.Should().Be(verified);
        api.Requests.Should().HaveCount(4).And.EndWith("POST /");
    }

    [Fact]
    public async Task A_json_delivery_is_checked_over_its_canonical_form_and_the_wire_cannot_claim_to_be_verified()
    {
        var json = JsonDocument.Parse("""{"b":1.0,"a":[1e2]}""").RootElement;
        var hash = DeliverableHash.Keccak256("""{"a":[100],"b":1}"""u8).ToHex(prefix: true);
        await using var good = await StartAsync(Data(DeliveryOf(DeliverableType.Schema, null, json, hash)));
        await using var lying = await StartAsync(Page(
            200, $$$"""{"success":true,"data":{"orderId":"ord_1","deliverableType":"text","deliverableText":"x","hashScheme":"TEXT","contentHash":"{{{hash}}}","status":"accepted","submittedAt":"2026-01-01T00:00:00Z","hashVerified":true}}"""));
        using var client = Client(good);
        using var other = Client(lying);

        (await client.GetDeliveryAsync(Order)).HashVerified.Should().BeTrue();
        (await other.GetDeliveryAsync(Order)).HashVerified.Should().BeFalse();
    }

    [Fact]
    public async Task A_relayer_that_records_another_hash_than_that_of_the_content_is_caught()
    {
        await using var api = await StartAsync(Data(Samples.Paid with { DeliverTxHash = "0xd1", DeliverableHash = "0x1234" }));
        using var client = Client(api);

        var delivering = () => client.DeliverOrderAsync(Order, new() { DeliverableType = DeliverableType.Text, DeliverableText = "hello" });

        (await delivering.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be("CONTENT_HASH_MISMATCH");
    }

    [Fact]
    public async Task Content_that_cannot_be_hashed_is_refused_before_anything_is_sent()
    {
        await using var api = await StartAsync(Data(Samples.Paid));
        using var client = Client(api);

        var delivering = () => client.DeliverOrderAsync(Order, new() { DeliverableType = DeliverableType.Text, DeliverableText = "\ud800" });

        await delivering.Should().ThrowAsync<ArgumentException>();
        api.Requests.Should().BeEmpty();
    }

    /* ADDRESSES AND LISTS */

    [Fact]
    public async Task An_id_stays_one_segment_of_the_path()
    {
        await using var api = await StartAsync(Error(404, "ORDER_NOT_FOUND"));
        using var client = Client(api);

        await FluentActions.Awaiting(() => client.GetOrderAsync("../agents?x=1")).Should().ThrowAsync<CapApiException>();
        await FluentActions.Awaiting(() => client.GetOrderAsync("..")).Should().ThrowAsync<ArgumentException>();
        await FluentActions.Awaiting(() => client.GetOrderAsync(" ")).Should().ThrowAsync<ArgumentException>();

        api.Requests.Should().Equal("GET /api/v1/orders/..%2Fagents%3Fx=1");
    }

    [Fact]
    public async Task Lists_send_their_filters_and_say_where_they_go_on()
    {
        await using var api = await StartAsync(
            Data<IReadOnlyList<Order>>([Samples.Paid], page: new PageInfo("c&2", true)), Data<IReadOnlyList<Order>>([], page: new PageInfo(null, false)));
        using var client = Client(api);

        var page = await client.ListOrdersAsync(new() { Role = Role.Provider, Status = "paid", Limit = 1, Cursor = "c 1" });
        var last = await client.ListOrdersAsync(new());

        page.Items.Should().ContainSingle().Which.OrderId.Should().Be(Order);
        page.NextCursor.Should().Be("c&2");
        page.HasMore.Should().BeTrue();
        last.Should().BeEquivalentTo(new { Items = Array.Empty<Order>(), NextCursor = (string?)null, HasMore = false });
        api.Requests.Should().Equal("GET /api/v1/orders?role=provider&status=paid&limit=1&cursor=c%201", "GET /api/v1/orders");
    }

    private static AgentClient Client(ScriptedApi api, TimeProvider? time = null, TimeSpan? outcomeTimeout = null) => new(
        new Config { BaseUrl = api.Address, TimeProvider = time ?? TimeProvider.System, OutcomeTimeout = outcomeTimeout ?? TimeSpan.FromMinutes(5) }, Key);

    private static Delivery DeliveryOf(DeliverableType type, string? text, JsonElement? schema, string hash) => new()
    {
        OrderId = Order,
        DeliverableType = type,
        HashScheme = type == DeliverableType.Text ? HashScheme.Text : HashScheme.Schema,
        DeliverableText = text,
        DeliverableSchema = schema,
        ContentHash = hash,
        Status = "accepted",
        SubmittedAt = DateTimeOffset.UnixEpoch,
    };
}
