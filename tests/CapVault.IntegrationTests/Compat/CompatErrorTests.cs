using System.Net;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Refusals on CROO's routes, in CROO's words.</summary>
public sealed class CompatErrorTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly RawApi _compat = new(sandbox.Relayer.Url, "/backend/v1");

    public void Dispose() => _compat.Dispose();

    [Fact]
    public async Task CR47_A_revoked_key_opens_neither_route_nor_socket()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        using var bearer = new HttpClient { DefaultRequestHeaders = { Authorization = new("Bearer", agent.Key) } };
        (await _compat.GetAsync(agent.Key, "orders")).Status.Should().Be(HttpStatusCode.OK);
        (await bearer.GetAsync(new Uri($"{sandbox.Relayer.Url}/backend/v1/orders"))).StatusCode.Should().Be(HttpStatusCode.OK);
        await using var open = await CompatStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var client = new CrooClient(sandbox.Relayer.Url, sandbox.Chain.RpcUrl, agent.Key);
        await client.CallAsync("connectWebSocket");

        await sandbox.Setup.RotateSdkKeyAsync(agent.AgentId);

        var compat = await _compat.GetAsync(agent.Key, "orders");
        compat.Status.Should().Be(HttpStatusCode.Unauthorized);
        Reason(compat).Should().Be("SDK_KEY_INVALID");
        var own = await sandbox.Api.GetAsync(agent.Key, "orders");
        own.Status.Should().Be(HttpStatusCode.Unauthorized);
        own.Code.Should().Be(ErrorCodes.InvalidApiKey);
        (await RefusedAsync(agent.Key)).Should().Be(HttpStatusCode.Unauthorized);
        (await client.TryAsync("listOrders")).Is.Should().Equal("isUnauthorized");
        (await open.ReceiveAsync()).Should().BeNull("its streams end with it");
        open.CloseCode.Should().Be(4401);
        var again = await client.TryAsync("connectWebSocket");
        again.Error!.Value.GetProperty("message").GetString().Should().Contain("401");
    }

    [Theory]
    [InlineData("?key=", HttpStatusCode.Unauthorized, "SDK_KEY_MISSING")]
    [InlineData("", HttpStatusCode.Unauthorized, "SDK_KEY_MISSING")]
    [InlineData("?key=nonsense", HttpStatusCode.Unauthorized, "SDK_KEY_INVALID")]
    [InlineData("?key={operator}", HttpStatusCode.Forbidden, "FORBIDDEN")]
    [InlineData("?key={agent}", HttpStatusCode.BadRequest, "INVALID_PARAMETERS")]
    public async Task CR47_A_handshake_without_a_good_key_is_answered_in_CROOs_words(string query, HttpStatusCode status, string reason)
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        using var root = new RawApi(sandbox.Relayer.Url, "");

        var answer = await root.GetAsync(
            null, $"ws{query.Replace("{operator}", sandbox.Relayer.OperatorKey, StringComparison.Ordinal).Replace("{agent}", pair.Requester.Key, StringComparison.Ordinal)}");

        answer.Status.Should().Be(status);
        Reason(answer).Should().Be(reason);
    }

    [Fact]
    public async Task CR48_Errors_have_CROOs_shape()
    {
        var (pair, order) = await sandbox.PaidOrderAsync();

        var answer = await _compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"x"}""");

        answer.Status.Should().Be(HttpStatusCode.Forbidden);
        answer.Json.EnumerateObject().Select(property => property.Name).Should().Equal("code", "reason", "message", "metadata");
        answer.Json.GetProperty("code").GetInt32().Should().Be(403);
        Reason(answer).Should().Be("FORBIDDEN");
        answer.Json.GetProperty("metadata").EnumerateObject().Should().OnlyContain(property => property.Value.ValueKind == JsonValueKind.String);
        answer.Json.GetProperty("metadata").GetProperty("code").GetString().Should().Be(ErrorCodes.Forbidden);
        // The same call on our own route has our own shape.
        (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"x"}""")).Code
            .Should().Be(ErrorCodes.Forbidden);
    }

    /// <summary>What is called: by whom, method, path, body; the answer's status and reason; the one predicate of the published client that holds.</summary>
    public static readonly TheoryData<string?, string, string, string?, int, string, string> Refusals = new()
    {
        { null, "GET", "orders", null, 401, "SDK_KEY_MISSING", "isUnauthorized" },
        { "nonsense", "GET", "orders", null, 401, "SDK_KEY_INVALID", "isUnauthorized" },
        { "{operator}", "GET", "orders", null, 403, "FORBIDDEN", "isForbidden" },
        { "{requester}", "GET", "orders/ord_000000000000000000000", null, 404, "ORDER_NOT_FOUND", "isNotFound" },
        { "{stranger}", "GET", "orders/{o}", null, 404, "ORDER_NOT_FOUND", "isNotFound" },
        { "{stranger}", "POST", "orders/{o}/pay", "{}", 404, "ORDER_NOT_FOUND", "isNotFound" },
        { "{stranger}", "GET", "orders/{o}/delivery", null, 404, "ORDER_NOT_FOUND", "isNotFound" },
        { "{stranger}", "GET", "orders/negotiate/{n}", null, 404, "NEGOTIATION_NOT_FOUND", "isNotFound" },
        { "{stranger}", "POST", "orders/negotiate/{n}/accept", "{}", 404, "NEGOTIATION_NOT_FOUND", "isNotFound" },
        { "{requester}", "POST", "orders/negotiate", """{"serviceId":"svc_000000000000000000000"}""", 404, "SERVICE_NOT_FOUND", "isNotFound" },
        { "{requester}", "POST", "orders/negotiate/{n}/accept", "{}", 403, "FORBIDDEN", "isForbidden" },
        { "{provider}", "POST", "orders/{o}/pay", "{}", 403, "FORBIDDEN", "isForbidden" },
        { "{requester}", "POST", "orders/negotiate", "{}", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "POST", "orders/negotiate", "[]", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "POST", "orders/negotiate", "{", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "POST", "orders/negotiate", """{"serviceId":7}""", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "POST", "orders/negotiate", """{"serviceId":"{s}","requirements":{"a":1}}""", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "POST", "orders/negotiate", """{"serviceId":"{s}","requirements":"\ud800"}""", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "POST", "orders/{o}/reject", """{"reason":""}""", 400, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{requester}", "DELETE", "orders/{o}", null, 405, "INVALID_PARAMETERS", "isInvalidParams" },
        { "{provider}", "POST", "orders/negotiate/{n}/reject", """{"reason":"late"}""", 409, "INVALID_STATUS", "isInvalidStatus" },
        { "{requester}", "GET", "orders/{o}/delivery", null, 409, "INVALID_STATUS", "isInvalidStatus" },
        { "{requester}", "GET", "no/such/route", null, 404, "ROUTE_NOT_FOUND", "isNotFound" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task CR48_A_refusal_has_the_reason_that_the_published_client_looks_for(
        string? caller, string method, string path, string? body, int status, string reason, string predicate)
    {
        var (pair, order) = await sandbox.PaidOrderAsync();
        string Fill(string text) => text
            .Replace("{o}", order.OrderId, StringComparison.Ordinal)
            .Replace("{n}", order.NegotiationId, StringComparison.Ordinal)
            .Replace("{s}", pair.Service.ServiceId, StringComparison.Ordinal)
            .Replace("{requester}", pair.Requester.Key, StringComparison.Ordinal)
            .Replace("{provider}", pair.Provider.Key, StringComparison.Ordinal)
            .Replace("{operator}", sandbox.Relayer.OperatorKey, StringComparison.Ordinal);
        var key = caller == "{stranger}" ? (await sandbox.NewAgentAsync("stranger")).Key : caller is null ? null : Fill(caller);

        var answer = await _compat.SendAsync(new HttpMethod(method), key, Fill(path), body is null ? null : RawApi.Json(System.Text.Encoding.UTF8.GetBytes(Fill(body))));

        ((int)answer.Status).Should().Be(status, answer.Body);
        Reason(answer).Should().Be(reason);
        answer.Json.GetProperty("code").GetInt32().Should().Be(status);
        (await CompatPredicates.OfAsync(reason)).Should().Equal(predicate);
    }

    [Fact]
    public async Task CR48_What_is_no_JSON_or_too_much_of_it_is_refused_in_the_same_shape()
    {
        var (pair, order) = await sandbox.PaidOrderAsync();
        using var form = new FormUrlEncodedContent([new("serviceId", pair.Service.ServiceId)]);
        using var huge = RawApi.Json(new byte[5 * 1024 * 1024]);
        using var broken = RawApi.Json([(byte)'{', (byte)'"', 0xff, (byte)'"', (byte)':', (byte)'1', (byte)'}']);

        foreach (var (content, status) in new (HttpContent, HttpStatusCode)[]
        {
            (form, HttpStatusCode.UnsupportedMediaType), (huge, HttpStatusCode.RequestEntityTooLarge), (broken, HttpStatusCode.BadRequest),
        })
        {
            var answer = await _compat.SendAsync(HttpMethod.Post, pair.Provider.Key, $"orders/{order.OrderId}/deliver", content);

            answer.Status.Should().Be(status, answer.Body);
            Reason(answer).Should().Be("INVALID_PARAMETERS");
            answer.Json.GetProperty("code").GetInt32().Should().Be((int)status);
        }
    }

    [Fact]
    public async Task CR48_A_step_that_has_failed_for_good_is_an_error_that_tells_why()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();

        var failed = await _compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay", "{}");

        failed.Status.Should().Be(HttpStatusCode.BadGateway, failed.Body);
        Reason(failed).Should().Be("PIMLICO_ERROR");
        failed.Json.GetProperty("message").GetString().Should().Contain("AccountBlacklisted").And.Contain("created");
        failed.Json.GetProperty("metadata").GetProperty("lastFailure").GetString().Should().Contain(ErrorCodes.PayReverted);
        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        (await _compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay", "{}")).Status.Should().Be(HttpStatusCode.OK, "the same call tries again");
    }

    [Fact]
    public async Task CR48_A_price_that_the_account_does_not_hold_is_insufficient_balance()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var order = await pair.CreateOrderAsync();

        var answer = await _compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay", "{}");

        answer.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
        Reason(answer).Should().Be("insufficient_balance");
        answer.Json.GetProperty("metadata").GetProperty("available").GetString().Should().Be("500000");
    }

    [Fact]
    public async Task An_outcome_that_is_not_proven_in_time_is_neither_success_nor_failure()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var paying = await _compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay", "{}");

        paying.Status.Should().Be(HttpStatusCode.Accepted, paying.Body);
        paying.Json.GetProperty("order").GetProperty("status").GetString().Should().Be("paying");
        paying.Json.GetProperty("txHash").GetString().Should().StartWith("0x", "it is sent, and only not mined");
        CompatShapes.Missing("Order", paying.Json.GetProperty("order")).Should().BeEmpty();
        mining.Resume();
        var paid = await _compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay", "{}");
        paid.Status.Should().Be(HttpStatusCode.OK);
        paid.Json.GetProperty("order").GetProperty("status").GetString().Should().Be("paid");
        (await sandbox.Chain.ReceiptAsync(paid.Json.GetProperty("txHash").GetString())).Status.Value.Should().Be(1);
    }

    private async Task<HttpStatusCode?> RefusedAsync(string key)
    {
        var connect = () => CompatStream.ConnectAsync(sandbox.Relayer.Url, key);
        return (await connect.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode;
    }

    private static string Reason(RawAnswer answer) => answer.Json.GetProperty("reason").GetString()!;
}
