using System.Reflection;
using System.Text.Json;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>A relayer on which every error can be had: nobody expires orders, and little is allowed.</summary>
public sealed class StrictWorldSandbox() : WorldSandbox(["Roles=api,lanes,follower", "PayWindowSeconds=60", "StreamsPerKey=2", "ObjectQuotaCount=2"]);

/// <summary>Every error code is provoked: one cause, one code, its status, what it tells in parts, and a message that says what to do.</summary>
public sealed class ErrorCodeTests(StrictWorldSandbox sandbox) : IClassFixture<StrictWorldSandbox>
{
    private const string Text = """{"deliverableType":"text","deliverableText":"x"}""";
    private const string ServiceOf = """{"agentId":"{agent}","name":"x","slaMinutes":30,"price":""";

    /// <summary>How to get each code. In its place in time: some wind the clock forward, and so make orders of their own.</summary>
    private static readonly Provocation[] Provocations =
    [
        new(ErrorCodes.Unauthorized, w => w.SendAsync("GET", "orders", key: null), "*Send X-SDK-Key*"),
        new(ErrorCodes.InvalidApiKey, w => w.SendAsync("GET", "orders", w.Revoked[0]), "*Ask the operator for a new one*"),
        new(ErrorCodes.InvalidSignature, w => LoginAsync(w, TestKeys.Stranger), "*Sign the message exactly as it came*"),
        new(ErrorCodes.ReplayedRequest, async w => await LoginAsync(w, TestKeys.Human, times: 2), "*Ask for a new one*"),
        new(ErrorCodes.InsufficientScope, w => w.SendAsync("GET", "relayer/status", w.OperatorWithout(Scope.Admin)), "*Use a key that has it*", "found", "needed"),
        new(ErrorCodes.Forbidden, w => w.SendAsync("POST", "orders/{id}/pay", w.Pair.Provider.Key), "*Only the Requester may pay*"),
        new(ErrorCodes.ValidationError, w => w.SendAsync("GET", "orders?limit=0", w.Pair.Requester.Key), "limit: found \"0\", expected*", "field", "found", "expected"),
        new(ErrorCodes.MissingRequiredField, w => w.SendAsync("POST", "orders/negotiate", w.Pair.Requester.Key, "{}"), "serviceId: found nothing, expected*", "field"),
        new(ErrorCodes.InvalidAmountFormat, w => w.SendAsync("POST", "services", w.OperatorKey, ServiceOf + "\"1,00\"}"), "price: found \"1,00\", expected*", "field", "found"),
        new(ErrorCodes.InvalidAmount, w => w.SendAsync("POST", "services", w.OperatorKey, ServiceOf + "\"0\"}"), "price: found \"0\", expected*", "field", "found", "maximum"),
        new(ErrorCodes.NotFound, w => w.SendAsync("GET", "nothing/here", w.Pair.Requester.Key), "*below /api/v1*"),
        new(ErrorCodes.NegotiationNotFound, w => w.SendAsync("GET", "orders/negotiate/neg_1", w.Pair.Requester.Key), "*\"neg_1\"*", "id"),
        new(ErrorCodes.OrderNotFound, w => w.SendAsync("GET", "orders/ord_1", w.Pair.Requester.Key), "*\"ord_1\"*", "id"),
        new(ErrorCodes.ServiceNotFound, w => w.SendAsync("POST", "orders/negotiate", w.Pair.Requester.Key, """{"serviceId":"svc_1"}"""), "*\"svc_1\"*", "id"),
        new(ErrorCodes.AgentNotFound, w => w.SendAsync("GET", "agents/agt_1", w.OperatorKey), "*\"agt_1\"*", "id"),
        new(ErrorCodes.ApiKeyNotFound, w => w.SendAsync("DELETE", "auth/api-keys/1", w.OperatorKey), "*\"1\"*", "id"),
        new(ErrorCodes.DeliveryNotFound, NotDeliveredAsync, "*"),
        new(ErrorCodes.ObjectNotFound, w => w.SendAsync("POST", "objects/download-url", w.Pair.Requester.Key, """{"objectKey":"obj_1"}"""), "*\"obj_1\"*", "id"),
        new(ErrorCodes.OperationNotFound, w => w.SendAsync("GET", "relayer/ops/{userOpHash}", w.OperatorKey), "*operation*", "id"),
        new(ErrorCodes.MethodNotAllowed, w => w.SendAsync("DELETE", "orders/{id}", w.Pair.Requester.Key), "*found \"DELETE\", expected GET*"),
        new(ErrorCodes.PayloadTooLarge, w => w.SendAsync("POST", "orders/negotiate", w.Pair.Requester.Key, $$"""{"serviceId":"{{new string('x', 5 * 1024 * 1024)}}"}"""), "*Send less*"),
        new(ErrorCodes.UnsupportedMediaType, w => w.SendAsync("POST", "orders/negotiate", w.Pair.Requester.Key, "{}", ("Content-Type", "text/plain")), "*found \"text/plain\", expected application/json*", "field", "found", "expected"),

        new(ErrorCodes.InvalidState, async w => await w.SendAsync("POST", $"orders/{(await w.Pair.CreateOrderAsync()).OrderId}/deliver", w.Pair.Provider.Key, Text), "*is created*", "currentState", "step"),
        new(ErrorCodes.AlreadyDelivered, DeliveredTwiceAsync, "*cannot be replaced*", "contentHash"),
        new(ErrorCodes.StaleRevision, StaleAsync, "*found 2, the current one is 1. Read it*", "found", "expected"),
        new(ErrorCodes.ServiceDisabled, DisabledAsync, "*Look for another one*", "serviceId"),
        new(ErrorCodes.InsufficientFunds, PoorAsync, "*Deposit 0.50 there and try again*", "token", "account", "required", "available"),
        new(ErrorCodes.SpendingLimitExceeded, LimitedAsync, "*may spend 0.50 on one order now*Owner may raise*", "token", "account", "required", "left", "perOrder", "perDay", "spentToday", "resetsAt"),
        new(ErrorCodes.ThirdPartiesNotAccepted, JudgedAsync, "thirdParties: found nobody, the service names {*}*look at who they are*", "serviceId", "named", "stated"),
        new(ErrorCodes.ContentHashMismatch, OtherBytesAsync, "*found 0x*, expected 0x*Upload the same bytes again*", "found", "expected"),
        new(ErrorCodes.DeliverableSchemaMismatch, OtherShapeAsync, "*", "errors"),
        new(ErrorCodes.QuotaExceeded, TooManyObjectsAsync, "*limit of 2*", "limit"),
        new(ErrorCodes.RateLimited, TooManyStreamsAsync, "*Close one*", "limit"),
        new(ErrorCodes.IdempotencyKeyInProgress, PayTwiceAtOnceAsync, "*Repeat it*", "userOpHash"),
        new(ErrorCodes.IdempotencyKeyReused, OneKeyForTwoAsync, "*"),
        new(ErrorCodes.CursorExpired, w => w.SendAsync("GET", "events?after=9:1", w.Pair.Requester.Key), "after: found \"9:1\"*expected*Read your orders anew*", "field", "found", "oldest"),
        new(ErrorCodes.InternalError, BrokenDatabaseAsync, "*not your fault*Look at the order*"),
        new(ErrorCodes.RelayFailed, PaymentFailsAsync, "*the same call tries again*", "currentState", "lastFailure"),

        new(ErrorCodes.DeadlineNotReached, async w => await w.SendAsync("POST", $"orders/{(await OwnOrderAsync(w)).OrderId}/expire", w.Pair.Requester.Key), "*is possible after*", "at"),
        new(ErrorCodes.DeadlinePassed, TooLateAsync, "*can only expire now*", "at"),
        new(ErrorCodes.PreparationExpired, PreparedTooEarlyAsync, "*Prepare the step again*", "validUntil"),
        new(ErrorCodes.LinkExpired, OldLinkAsync, "*Ask for a new one*", "expiresAt"),
    ];

    /// <summary>Codes that are no answers: they stand on an order whose last step has failed.</summary>
    private static readonly (string Code, Func<World, Task<(string Step, string OrderId, string Key)>> Arrange)[] Failures =
    [
        (ErrorCodes.CreateReverted, async w => { var n = await w.Pair.NegotiateAsync(); return ($"orders/negotiate/{n.NegotiationId}/accept", n.OrderId, w.Pair.Provider.Key); }),
        (ErrorCodes.PayReverted, async w => { var o = await w.Pair.CreateOrderAsync(); return ($"orders/{o.OrderId}/pay", o.OrderId, w.Pair.Requester.Key); }),
        (ErrorCodes.DeliverReverted, async w => { var o = await OwnOrderAsync(w); return ($"orders/{o.OrderId}/deliver", o.OrderId, w.Pair.Provider.Key); }),
        (ErrorCodes.ReleaseReverted, async w => { var (p, o) = await ReviewedOrderAsync(w); return ($"orders/{o.OrderId}/release", o.OrderId, p.Requester.Key); }),
        (ErrorCodes.DisputeReverted, async w => { var (p, o) = await ReviewedOrderAsync(w); return ($"orders/{o.OrderId}/dispute", o.OrderId, p.Requester.Key); }),
        (ErrorCodes.RejectReverted, async w => { var o = await OwnOrderAsync(w); return ($"orders/{o.OrderId}/reject", o.OrderId, w.Pair.Provider.Key); }),
        (ErrorCodes.ExpireReverted, async w => { var o = await LateOrderAsync(w); return ($"orders/{o.OrderId}/expire", o.OrderId, w.Pair.Requester.Key); }),
    ];

    /// <summary>Proven where the surroundings that it takes are.</summary>
    private static readonly (string Code, string Test)[] Elsewhere =
    [
        (ErrorCodes.RelayerUnavailable, nameof(NodeTests.While_the_node_is_away_steps_are_kept_and_the_rest_is_refused)),
        (ErrorCodes.SponsorPolicyDenied, nameof(PolicyTests.What_the_policy_does_not_name_is_denied)),
        (ErrorCodes.SponsorBudgetExceeded, nameof(BudgetTests.An_Owner_that_has_used_its_budget_up_waits_for_the_next_day)),
        (ErrorCodes.Maintenance, nameof(DrainTests.While_it_drains_it_reads_and_finishes_and_takes_nothing_new)),
    ];

    /// <summary>Codes of the specification that come with a feature that is not here yet.</summary>
    private static readonly (string Code, string Feature)[] Later =
    [
        ("PRICE_CHANGED", "price quotes that bind"),
        ("INVALID_CURRENCY", "other tokens than USDC"),
        ("RESULT_EXPIRED", "other protocols' results"),
        ("BUYER_NOT_ELIGIBLE", "operator mode"),
        ("USER_NOT_FOUND", "operator mode"),
        ("USER_ALREADY_EXISTS", "operator mode"),
        ("FUNDS_ALREADY_RESERVED", "operator mode"),
        ("ESCROW_ALREADY_EXISTS", "operator mode"),
        ("ESCROW_ALREADY_FUNDED", "operator mode"),
        ("RESERVE_NOT_FOUND", "operator mode"),
        ("RESERVE_MISMATCH_AMOUNT", "operator mode"),
        ("WITHDRAWAL_NOT_FOUND", "operator mode"),
        ("WITHDRAWAL_DESTINATION_INVALID", "operator mode"),
        ("MILESTONE_NOT_FOUND", "operator mode"),
        ("DISPUTE_NOT_FOUND", "disputes"),
        ("DISPUTE_ALREADY_OPEN", "disputes"),
        ("CONVERSATION_NOT_FOUND", "the market"),
    ];

    /// <summary>The codes that are answers.</summary>
    public static TheoryData<string> Answers => [.. Provocations.Select(provocation => provocation.Code)];

    /// <summary>The codes of failed steps.</summary>
    public static TheoryData<string> FailedSteps => [.. Failures.Select(failure => failure.Code)];

    [Fact]
    public void Every_code_is_provoked_or_comes_later()
    {
        var codes = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!).ToList();
        string[] proven = [.. Provocations.Select(row => row.Code), .. Failures.Select(row => row.Code), .. Elsewhere.Select(row => row.Code)];

        codes.Should().OnlyHaveUniqueItems();
        codes.Except(proven, StringComparer.Ordinal).Should().BeEmpty("each needs a line in Provocations, with the smallest call that gets it");
        proven.Except(codes, StringComparer.Ordinal).Should().BeEmpty();
        codes.Except(ErrorTable.Rows.Keys, StringComparer.Ordinal).Except(Failures.Select(row => row.Code), StringComparer.Ordinal)
            .Should().BeEmpty("each needs a line in ErrorTable: status, retryable, CROO's reason");
        ErrorTable.Rows.Keys.Except(codes, StringComparer.Ordinal).Should().BeEquivalentTo(Later.Select(row => row.Code), "what the specification has and we do not is named with its feature");
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task A_cause_has_its_code(string code)
    {
        var provocation = Provocations.Single(row => row.Code == code);

        var reply = await provocation.Provoke(sandbox.World);

        var error = ErrorAnswer.Read(code == ErrorCodes.RelayFailed ? "/backend/v1" : "/api/v1", reply);
        error.Code.Should().Be(code, reply.Body);
        error.Message.Should().Match(provocation.Says);
        foreach (var detail in provocation.Details)
        {
            reply.Body.Should().Contain($"\"{detail}\":");
        }
    }

    [Theory]
    [MemberData(nameof(FailedSteps))]
    public async Task A_step_that_reverts_leaves_its_code_on_the_order(string code)
    {
        var world = sandbox.World;
        var (step, orderId, key) = await Failures.Single(row => row.Code == code).Arrange(world);
        var body = step.EndsWith("/deliver", StringComparison.Ordinal) ? Text
            : step.EndsWith("/reject", StringComparison.Ordinal) || step.EndsWith("/dispute", StringComparison.Ordinal) ? """{"reason":"x"}"""
            : null;

        RawReply reply;
        await using (await sandbox.Chain.BreakAsync(sandbox.Chain.Deployment.Vault))
        {
            reply = await world.SendAsync("POST", step + "?wait=9", key, body);
        }

        reply.Status.Should().Be(200, reply.Body);
        var failure = (await world.SendAsync("GET", $"orders/{orderId}", key)).Json().GetProperty("data").GetProperty("lastFailure");
        failure.GetProperty("code").GetString().Should().Be(code);
        failure.GetProperty("reason").GetString().Should().NotBeEmpty();
    }

    private static async Task<RawReply> LoginAsync(World world, EthECKey signer, int times = 1)
    {
        var challenge = await world.SendAsync("POST", "auth/challenge", key: null, """{"address":"{address}"}""");
        var message = challenge.Json().GetProperty("data").GetProperty("message").GetString()!;
        var login = JsonSerializer.Serialize(new { message, signature = new EthereumMessageSigner().EncodeUTF8AndSign(message, signer) });
        RawReply reply;
        do
        {
            reply = await world.SendAsync("POST", "auth/login", key: null, login);
        }
        while (--times > 0);
        return reply;
    }

    private static async Task<Order> OwnOrderAsync(World world)
    {
        await world.Sandbox.Setup.FaucetAsync(world.Pair.Requester.Wallet, "1.00");
        return await world.Pair.CreatePaidOrderAsync();
    }

    private static async Task<(Pair Pair, Order Order)> ReviewedOrderAsync(World world)
    {
        var pair = await world.Sandbox.NewPairAsync(thirdParties: new() { Arbiter = TestKeys.Stranger.GetPublicAddress(), ReviewSeconds = 3600 });
        return (pair, await pair.CreatePaidOrderAsync());
    }

    private static async Task<Order> LateOrderAsync(World world)
    {
        var order = await OwnOrderAsync(world);
        await world.Sandbox.Setup.AdvanceClockAsync((world.Pair.Service.SlaMinutes * 60) + 1);
        return order;
    }

    private static async Task<RawReply> NotDeliveredAsync(World world)
    {
        // Delivered past the relayer: the chain has the hash, nobody the content.
        var order = await OwnOrderAsync(world);
        await world.Sandbox.Chain.OwnerCallsAsync(
            world.Pair.Provider.Wallet,
            world.Sandbox.Chain.Deployment.Vault,
            new Contracts.CAPVault.ContractDefinition.DeliverOrderFunction { Order = order.Terms.ToChain(), DeliverableHash = Enumerable.Repeat((byte)7, 32).ToArray() });
        await Eventually.TrueAsync(
            async () => (await world.Pair.Requester.Client.GetOrderAsync(order.OrderId)).Status == OrderStatus.Completed, "the relayer sees the delivery");
        return await world.SendAsync("GET", $"orders/{order.OrderId}/delivery", world.Pair.Requester.Key);
    }

    private static async Task<RawReply> DeliveredTwiceAsync(World world)
    {
        var order = await OwnOrderAsync(world);
        await world.Pair.DeliverAsync(order.OrderId);
        return await world.SendAsync("POST", $"orders/{order.OrderId}/deliver", world.Pair.Provider.Key, Text);
    }

    private static async Task<RawReply> StaleAsync(World world)
    {
        var negotiation = await world.Pair.NegotiateAsync();
        return await world.SendAsync("POST", $"orders/negotiate/{negotiation.NegotiationId}/accept", world.Pair.Provider.Key, """{"revision":2}""");
    }

    private static async Task<RawReply> DisabledAsync(World world)
    {
        var pair = await world.Sandbox.NewPairAsync();
        await world.Sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Enabled = false });
        return await world.SendAsync("POST", "orders/negotiate", pair.Requester.Key, $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
    }

    private static async Task<RawReply> JudgedAsync(World world)
    {
        var pair = await world.Sandbox.NewPairAsync(thirdParties: new() { Approver = TestKeys.Stranger.GetPublicAddress() });
        return await world.SendAsync("POST", "orders/negotiate", pair.Requester.Key, $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
    }

    private static async Task<RawReply> PoorAsync(World world)
    {
        var pair = await world.Sandbox.NewPairAsync(funds: "0.50");
        return await world.SendAsync("POST", $"orders/{(await pair.CreateOrderAsync()).OrderId}/pay", pair.Requester.Key);
    }

    private static async Task<RawReply> LimitedAsync(World world)
    {
        var pair = await world.Sandbox.NewPairAsync();
        await world.Sandbox.Setup.SetLimitsAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), "0.50", "10.00");
        return await world.SendAsync("POST", $"orders/{(await pair.CreateOrderAsync()).OrderId}/pay", pair.Requester.Key);
    }

    private static async Task<RawReply> OtherBytesAsync(World world)
    {
        var link = await world.NewUploadAsync(world.Stranger, new { fileName = "a.txt", keccak256 = "0x" + new string('0', 64) });
        return await world.SendAsync("PUT", new Uri(link.UploadUrl).PathAndQuery, key: null, "abc");
    }

    private static async Task<RawReply> OtherShapeAsync(World world)
    {
        var promised = await world.Sandbox.Setup.CreateServiceAsync(new()
        {
            AgentId = world.Pair.Provider.AgentId,
            Name = "Count",
            Price = "1.00",
            SlaMinutes = 30,
            DeliverableType = DeliverableType.Schema,
            DeliverableSchema = JsonSerializer.Deserialize<JsonElement>("""{"type":"object","properties":{"count":{"type":"integer"}},"required":["count"]}"""),
        });
        await world.Sandbox.Setup.FaucetAsync(world.Pair.Requester.Wallet, "1.00");
        var order = await (world.Pair with { Service = promised }).CreatePaidOrderAsync();
        return await world.SendAsync("POST", $"orders/{order.OrderId}/deliver", world.Pair.Provider.Key, """{"deliverableType":"schema","deliverableSchema":{"count":"many"}}""");
    }

    private static async Task<RawReply> TooManyObjectsAsync(World world)
    {
        var agent = await world.Sandbox.NewAgentAsync("collector");
        RawReply reply;
        var count = 0;
        do
        {
            reply = await world.SendAsync("POST", "objects/upload-url", agent.Key, """{"fileName":"a.txt"}""");
        }
        while (++count < 3);
        return reply;
    }

    private static async Task<RawReply> TooManyStreamsAsync(World world)
    {
        var agent = await world.Sandbox.NewAgentAsync("listener");
        await using var first = (await RawStream.ConnectAsync(world.Sandbox.Relayer.Url, agent.Key)).Stream;
        await using var second = (await RawStream.ConnectAsync(world.Sandbox.Relayer.Url, agent.Key)).Stream;
        return (await new RawHttp(world.Sandbox.Relayer.Url).SendAsync(RawRequest.Of("GET", "/api/v1/stream", agent.Key).AsHandshake()))!;
    }

    private static async Task<RawReply> PayTwiceAtOnceAsync(World world)
    {
        await world.Sandbox.Setup.FaucetAsync(world.Pair.Requester.Wallet, "1.00");
        var order = await world.Pair.CreateOrderAsync();
        await using var mining = await world.Sandbox.Chain.Node.StopMiningAsync();
        await PayAsync();
        return await PayAsync();

        Task<RawReply> PayAsync() => world.SendAsync("POST", $"orders/{order.OrderId}/pay", world.Pair.Requester.Key, json: null, ("Idempotency-Key", "paid-but-one-time"));
    }

    private static async Task<RawReply> OneKeyForTwoAsync(World world)
    {
        await NegotiateAsync(1);
        return await NegotiateAsync(2);

        Task<RawReply> NegotiateAsync(int times) => world.SendAsync(
            "POST", "orders/negotiate", world.Pair.Requester.Key, $$"""{"serviceId":"{service}","requirements":{{times}}}""", ("Idempotency-Key", "one-key-for-two-1"));
    }

    private static async Task<RawReply> BrokenDatabaseAsync(World world)
    {
        var db = world.Sandbox.Relayer.Services.GetRequiredService<Db>();
        await db.WriteAsync(tx => tx.ExecuteAsync("ALTER TABLE service_tag RENAME TO service_tag_lost"), CancellationToken.None);
        try
        {
            return await world.SendAsync("GET", "public/tags", key: null);
        }
        finally
        {
            await db.WriteAsync(tx => tx.ExecuteAsync("ALTER TABLE service_tag_lost RENAME TO service_tag"), CancellationToken.None);
        }
    }

    private static async Task<RawReply> PaymentFailsAsync(World world)
    {
        await world.Sandbox.Setup.FaucetAsync(world.Pair.Requester.Wallet, "1.00");
        var order = await world.Pair.CreateOrderAsync();
        await using (await world.Sandbox.Chain.BreakAsync(world.Sandbox.Chain.Deployment.Vault))
        {
            return await world.SendAsync("POST", $"/backend/v1/orders/{order.OrderId}/pay", world.Pair.Requester.Key);
        }
    }

    private static async Task<RawReply> TooLateAsync(World world)
    {
        var order = await LateOrderAsync(world);
        return await world.SendAsync("POST", $"orders/{order.OrderId}/deliver", world.Pair.Provider.Key, Text);
    }

    private static async Task<RawReply> PreparedTooEarlyAsync(World world)
    {
        var executor = EthECKey.GenerateKey();
        using var api = new RawApi(world.Sandbox.Relayer.Url);
        var pair = await world.Sandbox.NewPairAsync(requesterKey: executor);
        var requester = new SelfHeldApi(api, pair.Requester, executor);
        var prepared = await requester.PrepareAsync((await pair.CreateOrderAsync()).OrderId, OrderStep.Pay);
        await world.Sandbox.Setup.AdvanceClockAsync(700);
        return await world.SendAsync("POST", $"ops/{prepared.UserOpHash}/submit", pair.Requester.Key, $$"""{"signature":"{{requester.Sign(prepared)}}"}""");
    }

    private static async Task<RawReply> OldLinkAsync(World world)
    {
        var link = await world.NewUploadAsync(world.Pair.Provider);
        await world.Sandbox.Setup.AdvanceClockAsync(1801);
        return await world.SendAsync("PUT", new Uri(link.UploadUrl).PathAndQuery, key: null, "abc");
    }

    /// <summary>The smallest way to a code.</summary>
    /// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
    /// <param name="Provoke">Sends the call that is refused.</param>
    /// <param name="Says">What the message must match.</param>
    /// <param name="Details">What it must tell in parts.</param>
    private sealed record Provocation(string Code, Func<World, Task<RawReply>> Provoke, string Says, params string[] Details);
}
