using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What everybody may see, without a key.</summary>
public sealed class DiscoveryTests(Sandbox sandbox) : IClassFixture<Sandbox>, IAsyncLifetime
{
    private DiscoveryClient _discovery = null!;

    public Task InitializeAsync()
    {
        _discovery = new DiscoveryClient(sandbox.Config);
        return Task.CompletedTask;
    }

    public Task DisposeAsync()
    {
        _discovery.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Words_are_found_in_any_case_and_order_and_all_of_them()
    {
        var agent = await sandbox.NewAgentAsync("seller");
        var one = await NewServiceAsync(agent, "Zebra portraits", "Painted in OIL", tags: ["art"]);
        var two = await NewServiceAsync(agent, "Zebra photos", "100% digital, low_light", tags: ["art", "photo"]);

        (await FindAsync(new() { Query = "zebra" })).Should().Equal(two.ServiceId, one.ServiceId);
        (await FindAsync(new() { Query = "oil ZEBRA" })).Should().Equal(one.ServiceId);
        (await FindAsync(new() { Query = "zebra photo" })).Should().Equal(two.ServiceId);
        (await FindAsync(new() { Query = "zebra 100%" })).Should().Equal(two.ServiceId);
        (await FindAsync(new() { Query = "zebra _light" })).Should().Equal(two.ServiceId);
        (await FindAsync(new() { Query = "zebra %" })).Should().Equal([two.ServiceId], "a sign of the database's own is a letter like any other");
        (await FindAsync(new() { Query = "zebra o_l" })).Should().BeEmpty();
        (await FindAsync(new() { Query = "zebra \\" })).Should().BeEmpty();
        (await FindAsync(new() { Query = "zebra' OR 1=1 --" })).Should().BeEmpty();
        (await FindAsync(new() { Query = "zebra", Tag = "Photo" })).Should().Equal(two.ServiceId);
        (await FindAsync(new() { Query = "zebra", Tag = "phot" })).Should().BeEmpty();
    }

    [Fact]
    public async Task Prices_and_sellers_narrow()
    {
        var agent = await sandbox.NewAgentAsync("seller");
        var other = await sandbox.NewAgentAsync("seller");
        var cheap = await NewServiceAsync(agent, "Yak", price: "9.99");
        var dear = await NewServiceAsync(agent, "Yak", price: "10.00");
        var dearest = await NewServiceAsync(other, "Yak", price: "1000.00");

        (await FindAsync(new() { Query = "yak", MaxPrice = "9.98" })).Should().BeEmpty();
        (await FindAsync(new() { Query = "yak", MaxPrice = "9.99" })).Should().Equal(cheap.ServiceId);
        (await FindAsync(new() { Query = "yak", MaxPrice = "10" })).Should().Equal(dear.ServiceId, cheap.ServiceId);
        (await FindAsync(new() { Query = "yak", MaxPrice = "5000" })).Should().Equal(dearest.ServiceId, dear.ServiceId, cheap.ServiceId);
        (await FindAsync(new() { Query = "yak", AgentId = other.AgentId })).Should().Equal(dearest.ServiceId);
        (await FindAsync(new() { AgentId = agent.AgentId })).Should().Equal(dear.ServiceId, cheap.ServiceId);
    }

    [Fact]
    public async Task Only_enabled_services_of_active_agents_are_found()
    {
        var agent = await sandbox.NewAgentAsync("Xenon");
        var service = await NewServiceAsync(agent, "Xylophone", tags: ["xylophone"]);

        async Task<bool> IsThereAsync()
        {
            var found = (await FindAsync(new() { Query = "xylophone" })).Count > 0;
            (await _discovery.SearchAsync(new() { Query = "xylophone" })).Services.Any().Should().Be(found);
            (await _discovery.ListTagsAsync()).Any(tag => tag.Tag == "xylophone").Should().Be(found);
            (await sandbox.Api.GetAsync(null, $"public/services/{service.ServiceId}")).Status.Should().Be(found ? HttpStatusCode.OK : HttpStatusCode.NotFound);
            (await sandbox.Api.GetAsync(sandbox.Relayer.OperatorKey, $"quote?serviceId={service.ServiceId}")).Status.Should().Be(found ? HttpStatusCode.OK : HttpStatusCode.NotFound);
            return found;
        }

        (await IsThereAsync()).Should().BeTrue();
        await sandbox.Setup.UpdateServiceAsync(service.ServiceId, new() { Enabled = false });
        (await IsThereAsync()).Should().BeFalse();
        await sandbox.Setup.UpdateServiceAsync(service.ServiceId, new() { Enabled = true });
        (await IsThereAsync()).Should().BeTrue();

        await sandbox.Setup.PauseAgentAsync(agent.AgentId);
        (await IsThereAsync()).Should().BeFalse();
        (await _discovery.ListAgentsAsync(new() { Query = "xenon" })).Items.Should().BeEmpty();
        (await sandbox.Api.GetAsync(null, $"public/agents/{agent.AgentId}")).Code.Should().Be(ErrorCodes.AgentNotFound);
        await sandbox.Setup.ResumeAgentAsync(agent.AgentId);
        (await IsThereAsync()).Should().BeTrue();
        (await _discovery.GetAgentAsync(agent.AgentId)).Name.Should().Be(agent.Agent.Name);
    }

    [Fact]
    public async Task The_newest_version_is_found_and_no_older_one()
    {
        var agent = await sandbox.NewAgentAsync("seller");
        var service = await NewServiceAsync(agent, "Walrus", tags: ["old-tag"]);

        await sandbox.Setup.UpdateServiceAsync(service.ServiceId, new() { Name = "Wombat", Tags = ["new-tag"] });

        (await FindAsync(new() { Query = "walrus" })).Should().BeEmpty();
        (await FindAsync(new() { Query = "wombat" })).Should().Equal(service.ServiceId);
        (await FindAsync(new() { Tag = "old-tag" })).Should().BeEmpty();
        (await _discovery.ListTagsAsync()).Should().Contain(new TagCount("new-tag", 1)).And.NotContain(tag => tag.Tag == "old-tag");
    }

    [Fact]
    public async Task Pages_follow_each_other_without_gap_or_overlap()
    {
        var agent = await sandbox.NewAgentAsync("seller");
        var made = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            made.Insert(0, (await NewServiceAsync(agent, "Viper")).ServiceId);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await _discovery.ListServicesAsync(new() { Query = "viper", Limit = 3, Cursor = cursor });
            seen.AddRange(page.Items.Select(service => service.ServiceId));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        seen.Should().Equal(made);
    }

    [Fact]
    public async Task With_a_key_the_same_is_found()
    {
        var (pair, _) = await sandbox.PaidOrderAsync();

        var open = await sandbox.Api.GetAsync(null, $"public/services?agentId={pair.Provider.AgentId}");
        var withKey = await sandbox.Api.GetAsync(pair.Requester.Key, $"services/search?agentId={pair.Provider.AgentId}");

        withKey.Status.Should().Be(HttpStatusCode.OK);
        withKey.Data.GetRawText().Should().Be(open.Data.GetRawText());
        (await sandbox.Api.GetAsync(null, "services/search")).Status.Should().Be(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Nothing_public_tells_of_keys_Executors_or_people()
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        var row = await sandbox.Relayer.Services.GetService(typeof(Relayer.Accounts.Agents)).As<Relayer.Accounts.Agents>().FindAsync(pair.Provider.AgentId, CancellationToken.None);

        foreach (var path in new[]
        {
            "public/services", $"public/services/{pair.Service.ServiceId}", "public/agents?limit=100", $"public/agents/{pair.Provider.AgentId}", "public/search", "public/tags",
            $"agents/{pair.Provider.AgentId}/stats",
        })
        {
            var answer = await sandbox.Api.GetAsync(null, path);

            answer.Status.Should().Be(HttpStatusCode.OK, path);
            answer.Body.Should()
                .NotContainEquivalentOf(Convert.ToHexString(row!.Executor)).And.NotContainEquivalentOf(Convert.ToHexString(row.Owner))
                .And.NotContainEquivalentOf("executor").And.NotContainEquivalentOf("\"owner\"").And.NotContain(pair.Provider.Key.Split('_')[2]);
        }
    }

    [Theory]
    [InlineData("public/services?limit=101", "limit")]
    [InlineData("public/agents?limit=0", "limit")]
    [InlineData("public/services?cursor=!", "cursor")]
    [InlineData("public/services?tag=a%20b", "tag")]
    [InlineData("public/services?maxPrice=cheap", "maxPrice")]
    [InlineData("public/services?maxPrice=0", "maxPrice")]
    [InlineData("public/search?query=a%00b", "query")]
    [InlineData("public/search?query=1+2+3+4+5+6+7+8+9", "query")]
    [InlineData("quote", "serviceId")]
    public async Task A_bad_query_is_refused_and_named(string path, string field)
    {
        var answer = await sandbox.Api.GetAsync(sandbox.Relayer.OperatorKey, path);

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Detail("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task A_query_has_100_characters_at_most()
    {
        (await sandbox.Api.GetAsync(null, $"public/services?query={new string('x', 100)}")).Status.Should().Be(HttpStatusCode.OK);
        var answer = await sandbox.Api.GetAsync(null, $"public/services?query={new string('x', 101)}");
        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Detail("field").GetString().Should().Be("query");
    }

    private Task<Service> NewServiceAsync(Party agent, string name, string? description = null, string price = "1.00", params string[] tags) =>
        sandbox.Setup.CreateServiceAsync(new() { AgentId = agent.AgentId, Name = name, Description = description, Price = price, SlaMinutes = 30, Tags = tags });

    private async Task<List<string>> FindAsync(DiscoveryRequest filter) => [.. (await _discovery.ListServicesAsync(filter)).Items.Select(service => service.ServiceId)];
}
