using System.Net;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Who may see and do what.</summary>
public sealed class TenantTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const string Delivery = """{"deliverableType":"text","deliverableText":"x"}""";
    private const string Reason = """{"reason":"x"}""";

    // What they sign does not matter: whoever may not know the thing does not get that far.
    private const string Consent = $$"""{"revision":1,"signature":"{{Signature}}"}""";
    private const string Submit = $$"""{"signature":"{{Signature}}"}""";

    private const string Signature =
        "0x1111111111111111111111111111111111111111111111111111111111111111222222222222222222222222222222222222222222222222222222222222222211";

    /// <summary>Every route of an order or a negotiation: {o} is the order, by its public id and by its on-chain one, {n} the negotiation.</summary>
    public static readonly TheoryData<string, string, string?> Routes = new()
    {
        { "GET", "orders/{o}", null },
        { "GET", "orders/{o}?wait=1", null },
        { "GET", "orders/{o}/delivery", null },
        { "POST", "orders/{o}/pay", null },
        { "POST", "orders/{o}/deliver", Delivery },
        { "POST", "orders/{o}/reject", Reason },
        { "POST", "orders/{o}/expire", null },
        { "GET", "orders/negotiate/{n}", null },
        { "POST", "orders/negotiate/{n}/accept", null },
        { "POST", "orders/negotiate/{n}/accept", Consent },
        { "POST", "orders/negotiate/{n}/reject", Reason },
        { "POST", "orders/negotiate/{n}/consent", Consent },
        { "POST", "ops/prepare", """{"orderId":"{o}","step":"pay"}""" },
        { "POST", "ops/prepare", """{"orderId":"{o}","step":"deliver","deliverable":{"deliverableType":"text","deliverableText":"x"}}""" },
        { "POST", "ops/prepare", """{"orderId":"{o}","step":"reject","reason":"x"}""" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_stranger_is_told_that_there_is_nothing(string method, string path, string? body)
    {
        var (pair, order) = await sandbox.PaidOrderAsync();
        var strangers = new[] { await sandbox.NewAgentAsync("stranger"), await sandbox.NewAgentAsync("stranger", EthECKey.GenerateKey()) };
        var before = await sandbox.CountRowsAsync();

        foreach (var (stranger, id) in strangers.SelectMany(stranger => new[] { (stranger, order.OrderId), (stranger, order.ChainOrderId) }))
        {
            var answer = await SendAsync(stranger.Key, method, Path(path, id, order.NegotiationId!), body is null ? null : Path(body, id, order.NegotiationId!));

            answer.Status.Should().Be(HttpStatusCode.NotFound);
            answer.Code.Should().Be(path.Contains("negotiate", StringComparison.Ordinal) ? ErrorCodes.NegotiationNotFound : ErrorCodes.OrderNotFound);
            answer.Body.Should().NotContain(pair.Requester.AgentId).And.NotContain(pair.Provider.AgentId);
        }

        // As if it did not exist at all.
        var (noOrder, noNegotiation) = ("ord_000000000000000000000", "neg_000000000000000000000");
        var nothing = await SendAsync(strangers[0].Key, method, Path(path, noOrder, noNegotiation), body is null ? null : Path(body, noOrder, noNegotiation));
        nothing.Status.Should().Be(HttpStatusCode.NotFound);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Without_a_key_nothing_is_answered(string method, string path, string? body)
    {
        var (_, order) = await sandbox.PaidOrderAsync();
        path = Path(path, order.OrderId, order.NegotiationId!);

        (await SendAsync(null, method, path, body)).Should().Match<RawAnswer>(answer => answer.Status == HttpStatusCode.Unauthorized && answer.Code == ErrorCodes.Unauthorized);
        foreach (var key in new[] { "nonsense", "croo_sk_", $"croo_sk_{new string('0', 18)}_{new string('x', 43)}", sandbox.Relayer.OperatorKey[..^1] + "!" })
        {
            var answer = await SendAsync(key, method, path, body);

            answer.Status.Should().Be(HttpStatusCode.Unauthorized);
            answer.Code.Should().Be(ErrorCodes.InvalidApiKey);
        }
    }

    [Fact]
    public async Task A_prepared_operation_is_its_agents_alone()
    {
        var key = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(requesterKey: key, providerKey: EthECKey.GenerateKey());
        var order = await pair.CreateOrderAsync();
        var prepared = await new SelfHeldApi(sandbox.Api, pair.Requester, key).PrepareAsync(order.OrderId, OrderStep.Pay);
        var path = $"ops/{prepared.UserOpHash}/submit";
        var before = await sandbox.CountRowsAsync();

        foreach (var other in new[] { pair.Provider.Key, (await sandbox.PaidOrderAsync()).Pair.Requester.Key })
        {
            (await SendAsync(other, "POST", path, Submit)).Should().Match<RawAnswer>(answer => answer.Status == HttpStatusCode.NotFound && answer.Code == ErrorCodes.OperationNotFound);
        }

        (await SendAsync(null, "POST", path, Submit)).Code.Should().Be(ErrorCodes.Unauthorized);
        (await SendAsync(sandbox.Relayer.OperatorKey, "POST", path, Submit)).Code.Should().Be(ErrorCodes.Forbidden);
        (await SendAsync(pair.Requester.Key, "POST", path, Submit)).Code.Should().Be(ErrorCodes.InvalidSignature, "its agent gets further");
        (await sandbox.CountRowsAsync())["operation"].Should().Be(before["operation"]);
    }

    [Theory]
    [InlineData("operator", "POST", "ops/prepare", """{"orderId":"ord_000000000000000000000","step":"pay"}""")]
    [InlineData("provider", "POST", "orders/negotiate/{n}/consent", Consent)]
    [InlineData("requester", "POST", "orders/negotiate/{n}/accept", null)]
    [InlineData("requester", "POST", "orders/negotiate/{n}/reject", Reason)]
    [InlineData("provider", "POST", "orders/{o}/pay", null)]
    [InlineData("requester", "POST", "orders/{o}/deliver", Delivery)]
    [InlineData("operator", "POST", "orders/{o}/pay", null)]
    [InlineData("operator", "GET", "orders/{o}", null)]
    [InlineData("operator", "GET", "orders/negotiate/{n}", null)]
    [InlineData("operator", "GET", "orders", null)]
    public async Task The_wrong_role_is_forbidden(string role, string method, string path, string? body)
    {
        var (pair, order) = await sandbox.PaidOrderAsync();
        var key = role switch
        {
            "requester" => pair.Requester.Key,
            "provider" => pair.Provider.Key,
            _ => sandbox.Relayer.OperatorKey,
        };
        var before = await sandbox.CountRowsAsync();

        var answer = await SendAsync(key, method, Path(path, order.OrderId, order.NegotiationId!), body);

        answer.Status.Should().Be(HttpStatusCode.Forbidden);
        answer.Code.Should().Be(ErrorCodes.Forbidden);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    [Fact]
    public async Task Lists_show_an_agent_only_what_is_its_own()
    {
        var (pair, order) = await sandbox.PaidOrderAsync();
        var stranger = await sandbox.NewAgentAsync("stranger");

        (await stranger.Client.ListOrdersAsync(new())).Items.Should().BeEmpty();
        (await stranger.Client.ListNegotiationsAsync(new())).Items.Should().BeEmpty();
        (await pair.Provider.Client.ListOrdersAsync(new() { Role = Role.Provider })).Items.Should().Contain(o => o.OrderId == order.OrderId);
        (await pair.Provider.Client.ListOrdersAsync(new() { Role = Role.Requester })).Items.Should().NotContain(o => o.OrderId == order.OrderId);
        (await pair.Requester.Client.ListOrdersAsync(new() { Status = "paid" })).Items.Should().Contain(o => o.OrderId == order.OrderId);
        (await pair.Requester.Client.ListOrdersAsync(new() { Status = "completed" })).Items.Should().NotContain(o => o.OrderId == order.OrderId);
    }

    [Theory]
    [InlineData("POST", "agents", """{"name":"x","owner":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"}""")]
    [InlineData("GET", "agents", null)]
    [InlineData("GET", "relayer/status", null)]
    [InlineData("GET", "relayer/ops/0x0000000000000000000000000000000000000000000000000000000000000000", null)]
    [InlineData("POST", "sandbox/faucet", """{"address":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65","amount":"1.00"}""")]
    [InlineData("POST", "sandbox/clock/advance", """{"seconds":1}""")]
    public async Task Setting_up_takes_the_operators_key(string method, string path, string? body)
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var before = await sandbox.CountRowsAsync();

        var answer = await SendAsync(agent.Key, method, path, body);

        answer.Status.Should().Be(HttpStatusCode.Forbidden);
        answer.Code.Should().Be(ErrorCodes.Forbidden);
        answer.Message.Should().Contain("operator key");
        (await SendAsync(null, method, path, body)).Status.Should().Be(HttpStatusCode.Unauthorized);
        var after = await sandbox.CountRowsAsync();
        after["agent"].Should().Be(before["agent"]);
    }

    [Fact]
    public async Task Set_up_is_the_operators_and_an_agent_sees_itself_only()
    {
        var pair = await sandbox.NewPairAsync();
        var stranger = await sandbox.NewAgentAsync("stranger");

        foreach (var key in new[] { stranger.Key, pair.Provider.Key })
        {
            var service = $$"""{"agentId":"{{pair.Provider.AgentId}}","name":"x","price":"1.00","slaMinutes":30}""";
            (await SendAsync(key, "POST", "services", service)).Code.Should().Be(ErrorCodes.Forbidden);
            (await SendAsync(key, "PATCH", $"services/{pair.Service.ServiceId}", """{"price":"0.01"}""")).Code.Should().Be(ErrorCodes.Forbidden);
        }

        (await sandbox.Setup.GetServiceAsync(pair.Service.ServiceId)).Should().BeEquivalentTo(new { Price = "1.00", Version = 1 });
        (await SendAsync(stranger.Key, "GET", $"agents/{pair.Provider.AgentId}", null)).Code.Should().Be(ErrorCodes.AgentNotFound);
        (await SendAsync(pair.Provider.Key, "GET", $"agents/{pair.Provider.AgentId}", null)).Status.Should().Be(HttpStatusCode.OK);
    }

    private Task<RawAnswer> SendAsync(string? key, string method, string path, string? body) => sandbox.Api.SendAsync(
        new HttpMethod(method), key, path, body is null ? null : RawApi.Json(System.Text.Encoding.UTF8.GetBytes(body)));

    private static string Path(string path, string orderId, string negotiationId) =>
        path.Replace("{o}", orderId, StringComparison.Ordinal).Replace("{n}", negotiationId, StringComparison.Ordinal);
}
