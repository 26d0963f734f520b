using System.Net;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>Lists, on both surfaces: roles in both words, CROO's statuses, page numbers beside cursors.</summary>
public sealed class CompatListTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly RawApi _compat = new(sandbox.Relayer.Url, "/backend/v1");

    public void Dispose() => _compat.Dispose();

    [Fact]
    public async Task CR50_Without_a_role_the_orders_of_both_roles_are_listed()
    {
        var (agent, bought, sold) = await BothRolesAsync();

        foreach (var (query, expected) in new[]
        {
            ("", new[] { sold, bought }), ("?role=requester", [bought]), ("?role=buyer", [bought]), ("?role=provider", [sold]),
            ($"?agent_id={agent.AgentId}", [sold, bought]), ($"?role=buyer&status=created&agent_id={agent.AgentId}", [bought]),
            ("?status=paid", []), ("?status=pay_failed", []), ("?status=deliver_failed", []),
        })
        {
            var answer = await _compat.GetAsync(agent.Key, $"orders{query}");
            answer.Status.Should().Be(HttpStatusCode.OK, query);
            Ids(answer.Json.GetProperty("orders"), "orderId").Should().Equal(expected, query);
        }

        foreach (var (query, expected) in new[] { ("", new[] { sold, bought }), ("?role=buyer", [bought]), ("?role=provider", [sold]), ($"?agentId={agent.AgentId}", [sold, bought]) })
        {
            Ids((await sandbox.Api.GetAsync(agent.Key, $"orders{query}")).Data, "orderId").Should().Equal(expected, query);
        }
    }

    [Fact]
    public async Task CR50_Negotiations_take_the_same_filters()
    {
        var (agent, _, _) = await BothRolesAsync();

        var all = Ids((await _compat.GetAsync(agent.Key, "orders/negotiate")).Json.GetProperty("negotiations"), "negotiationId");
        var asked = Ids((await _compat.GetAsync(agent.Key, "orders/negotiate?role=buyer&status=accepted")).Json.GetProperty("negotiations"), "negotiationId");
        var answered = Ids((await _compat.GetAsync(agent.Key, "orders/negotiate?role=provider")).Json.GetProperty("negotiations"), "negotiationId");

        all.Should().HaveCount(2).And.BeEquivalentTo(asked.Concat(answered));
        Ids((await _compat.GetAsync(agent.Key, "orders/negotiate?status=pending")).Json.GetProperty("negotiations"), "negotiationId").Should().BeEmpty();
    }

    [Fact]
    public async Task CR50_Pages_have_numbers_beside_cursors()
    {
        var pair = await sandbox.NewPairAsync();
        var made = new List<string>();
        for (var i = 0; i < 22; i++)
        {
            made.Insert(0, (await pair.NegotiateAsync()).NegotiationId);
        }

        foreach (var (query, expected) in new[]
        {
            ("", made[..20]), ("?page=2", made[20..]), ("?page=3", []), ("?page=2&page_size=7", made[7..14]), ("?page_size=100", made), ("?page=2147483647&page_size=100", []),
        })
        {
            Ids((await _compat.GetAsync(pair.Requester.Key, $"orders/negotiate{query}")).Json.GetProperty("negotiations"), "negotiationId").Should().Equal(expected, query);
        }

        var second = await sandbox.Api.GetAsync(pair.Requester.Key, "orders/negotiate?page=2&pageSize=7");
        Ids(second.Data, "negotiationId").Should().Equal(made[7..14]);
        var cursor = second.Json.GetProperty("page").GetProperty("nextCursor").GetString();
        Ids((await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/negotiate?limit=7&cursor={cursor}")).Data, "negotiationId").Should().Equal(made[14..21]);
    }

    [Theory]
    [InlineData("page=0", "page")]
    [InlineData("page=-1", "page")]
    [InlineData("page=two", "page")]
    [InlineData("page=99999999999", "page")]
    [InlineData("page_size=0", "page_size")]
    [InlineData("page_size=101", "page_size")]
    [InlineData("role=seller", "role")]
    [InlineData("status=lost", "status")]
    [InlineData("cursor=!!", "cursor")]
    [InlineData("page=2&cursor=MTpvcmRf", "page")]
    public async Task CR50_A_bad_filter_is_refused_and_named(string query, string field)
    {
        var (pair, _) = await sandbox.PaidOrderAsync();

        var answer = await _compat.GetAsync(pair.Requester.Key, $"orders?{query}");

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Json.GetProperty("reason").GetString().Should().Be("INVALID_PARAMETERS");
        answer.Json.GetProperty("metadata").GetProperty("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task CR50_Another_agents_orders_are_not_to_be_had()
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        var stranger = await sandbox.NewAgentAsync("stranger");

        var answer = await _compat.GetAsync(stranger.Key, $"orders?agent_id={pair.Requester.AgentId}");

        answer.Status.Should().Be(HttpStatusCode.Forbidden);
        (await _compat.GetAsync(stranger.Key, "orders")).Json.GetProperty("orders").GetArrayLength().Should().Be(0);
    }

    // An agent that has bought an order and sold a later one.
    private async Task<(Party Agent, string Bought, string Sold)> BothRolesAsync()
    {
        var seller = await sandbox.NewPairAsync();
        var agent = seller.Requester;
        var buyer = await sandbox.NewPairAsync();
        var service = await sandbox.Setup.CreateServiceAsync(new() { AgentId = agent.AgentId, Name = "Resale", Price = "1.00", SlaMinutes = 30 });
        var bought = await seller.CreateOrderAsync();
        var sold = await new Pair(buyer.Requester, agent, service).CreateOrderAsync();
        return (agent, bought.OrderId, sold.OrderId);
    }

    private static IEnumerable<string> Ids(JsonElement list, string field) => list.EnumerateArray().Select(item => item.GetProperty(field).GetString()!);
}
