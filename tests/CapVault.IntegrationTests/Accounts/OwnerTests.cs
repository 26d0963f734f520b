using System.Net;
using System.Text.Json;
using CapVault.Sdk;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>An Owner sets up what is its own, and nothing else.</summary>
public sealed class OwnerTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    /// <summary>Routes that an Owner may use, all of them looking at whose agents they are about. Any other is refused, also one that is added later.</summary>
    private static readonly string[] ForOwners =
    [
        "POST /api/v1/auth/logout",
        "POST /api/v1/agents", "GET /api/v1/agents", "GET /api/v1/agents/{agentId}", "PATCH /api/v1/agents/{agentId}",
        "POST /api/v1/agents/{agentId}/status", "POST /api/v1/agents/{agentId}/sdk-key/rotate",
        "PUT /api/v1/agents/{agentId}/limits", "POST /api/v1/ops/prepare", "POST /api/v1/ops/{userOpHash}/submit",
        "POST /api/v1/services", "GET /api/v1/services", "GET /api/v1/services/{serviceId}", "PATCH /api/v1/services/{serviceId}",
        "GET /api/v1/services/search", "GET /api/v1/config", "GET /api/v1/fees", "GET /api/v1/quote",
    ];

    /// <summary>Set-up of one agent: {a} is the agent, {s} its service.</summary>
    public static readonly TheoryData<string, string, string?> Routes = new()
    {
        { "GET", "agents/{a}", null },
        { "PATCH", "agents/{a}", """{"name":"stolen"}""" },
        { "PATCH", "agents/{a}", """{}""" },
        { "POST", "agents/{a}/status", """{"status":"paused"}""" },
        { "POST", "agents/{a}/sdk-key/rotate", null },
        { "PUT", "agents/{a}/limits", """{"perOrder":"1.00","perDay":"1.00"}""" },
        { "POST", "ops/prepare", """{"agentId":"{a}","action":"set_executor"}""" },
        { "POST", "ops/prepare", """{"agentId":"{a}","action":"withdraw","to":"0x8b3a350cf5c34c9194ca85829a2df0ec3153be01","amount":"0.01"}""" },
        { "POST", "services", """{"agentId":"{a}","name":"x","price":"1.00","slaMinutes":30}""" },
        { "GET", "services/{s}", null },
        { "PATCH", "services/{s}", """{"price":"0.01"}""" },
        { "PATCH", "services/{s}", """{"enabled":false}""" },
        { "PATCH", "services/{s}", """{}""" },
    };

    [Fact]
    public async Task CR63_A_script_sets_up_and_finds_without_any_web_page()
    {
        using var setup = await SetupClient.SignInAsync(sandbox.Config, EthECKey.GenerateKey());
        using var discovery = new DiscoveryClient(sandbox.Config);

        var agent = await setup.CreateAgentAsync(new() { Name = "Polyglot", Description = "Knows languages", Tags = ["Languages"] });
        var service = await setup.CreateServiceAsync(new()
        {
            AgentId = agent.Agent.AgentId,
            Name = "Übersetzung nach Wunsch",
            Description = "Any text, translated within the hour.",
            Price = "2.50",
            SlaMinutes = 60,
            Tags = ["translation", "Text-2"],
        });
        var found = await discovery.SearchAsync(new() { Query = "übersetzung WUNSCH" });
        var seen = await discovery.GetServiceAsync(service.ServiceId);

        agent.Agent.Should().BeEquivalentTo(new { Owner = setup.Session!.Owner, Name = "Polyglot", Tags = new[] { "languages" }, Status = AgentStatus.Active, OnlineStatus = OnlineStatus.Draft });
        found.Services.Should().ContainSingle().Which.ServiceId.Should().Be(service.ServiceId);
        (await discovery.SearchAsync(new() { Query = "knows languages" })).Agents.Should().ContainSingle().Which.AgentId.Should().Be(agent.Agent.AgentId);
        seen.Should().BeEquivalentTo(new { Price = "2.50", SlaMinutes = 60, Version = 1, Tags = new[] { "translation", "text-2" }, Name = service.Name });
        seen.Agent.WalletAddress.Should().Be(agent.Agent.WalletAddress);

        // What was set up like that works: its key sells.
        using var provider = new AgentClient(sandbox.Config, agent.SdkKey);
        var requester = await sandbox.NewAgentAsync("requester");
        await sandbox.Setup.FaucetAsync(requester.Wallet, "10.00");
        var negotiation = await requester.Client.NegotiateOrderAsync(new() { ServiceId = seen.ServiceId });
        (await provider.AcceptNegotiationAsync(negotiation.NegotiationId)).Order.Price.Should().Be("2.50");
    }

    [Fact]
    public async Task An_Owner_lists_and_changes_its_own()
    {
        var (setup, agent, service) = await NewOwnerAsync();
        using var client = setup;

        (await setup.ListAgentsAsync(new())).Items.Should().ContainSingle().Which.AgentId.Should().Be(agent.Agent.AgentId);
        (await setup.ListServicesAsync(new())).Items.Should().ContainSingle().Which.ServiceId.Should().Be(service.ServiceId);
        (await setup.GetAgentAsync(agent.Agent.AgentId)).Name.Should().Be("mine");
        var changed = await setup.UpdateAgentAsync(agent.Agent.AgentId, new() { Name = "renamed", Tags = ["a", "B", "a"] });
        changed.Should().BeEquivalentTo(new { Name = "renamed", Tags = new[] { "a", "b" } });
        (await setup.GetAgentAsync(agent.Agent.AgentId)).Should().BeEquivalentTo(changed, options => options.Excluding(x => x.Limits).Excluding(x => x.Deployed));
        (await setup.UpdateServiceAsync(service.ServiceId, new() { Price = "3.00" })).Should().BeEquivalentTo(new { Price = "3.00", Version = 2 });
        (await setup.GetServiceAsync(service.ServiceId)).Price.Should().Be("3.00");
        (await setup.GetFeesAsync()).Should().ContainSingle();
        (await setup.GetConfigAsync()).ChainId.Should().Be(31337);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Another_Owners_agents_are_not_there(string method, string path, string? body)
    {
        var (a, agent, service) = await NewOwnerAsync();
        var (b, _, _) = await NewOwnerAsync();
        using var one = a;
        using var two = b;
        var stranger = await sandbox.NewAgentAsync("stranger");
        string Fill(string text) => text.Replace("{a}", agent.Agent.AgentId, StringComparison.Ordinal).Replace("{s}", service.ServiceId, StringComparison.Ordinal);
        var before = await sandbox.CountRowsAsync();

        var answer = await SendAsync(b.Session!.Token, method, Fill(path), body is null ? null : Fill(body));
        var nothing = await SendAsync(
            b.Session!.Token,
            method,
            path.Replace("{a}", "agt_000000000000000000000", StringComparison.Ordinal).Replace("{s}", "svc_000000000000000000000", StringComparison.Ordinal),
            body?.Replace("{a}", "agt_000000000000000000000", StringComparison.Ordinal));
        var ofStranger = await SendAsync(stranger.Key, method, Fill(path), body is null ? null : Fill(body));

        answer.Status.Should().Be(HttpStatusCode.NotFound, answer.Body);
        answer.Code.Should().Be(path.Contains("{s}", StringComparison.Ordinal) ? ErrorCodes.ServiceNotFound : ErrorCodes.AgentNotFound);
        (nothing.Status, nothing.Code).Should().Be((answer.Status, answer.Code), "as if it did not exist at all");
        ((int)ofStranger.Status).Should().BeOneOf([400, 403, 404], "an agent prepares steps of orders alone");
        (await sandbox.CountRowsAsync()).Should().Equal(before);
        (await a.GetAgentAsync(agent.Agent.AgentId)).Should().BeEquivalentTo(agent.Agent, options => options.Excluding(x => x.Deployed).Excluding(x => x.Limits));
        (await a.GetServiceAsync(service.ServiceId)).Should().BeEquivalentTo(service);
        using var client = new AgentClient(sandbox.Config, agent.SdkKey);
        (await client.ListOrdersAsync(new())).Items.Should().BeEmpty("its key still works");
    }

    [Fact]
    public async Task An_Owner_makes_agents_for_itself_alone()
    {
        var (setup, _, _) = await NewOwnerAsync();
        using var client = setup;

        var forAnother = () => setup.CreateAgentAsync(new() { Name = "x", Owner = TestKeys.Stranger.GetPublicAddress() });
        var forItself = await setup.CreateAgentAsync(new() { Name = "x", Owner = setup.Session!.Owner.ToLowerInvariant() });

        (await forAnother.Should().ThrowAsync<CapApiException>()).Which.Details["field"].GetString().Should().Be("owner");
        forItself.Agent.Owner.Should().Be(setup.Session!.Owner);
    }

    [Fact]
    public async Task A_sign_in_opens_no_route_but_those_for_Owners()
    {
        var (setup, _, _) = await NewOwnerAsync();
        using var client = setup;
        var refused = 0;
        var allowed = new List<string>();
        foreach (var (method, route, path) in MappedRoutes())
        {
            var answer = await SendAsync(setup.Session!.Token, method, path, method is "GET" or "DELETE" ? null : "{}");
            if (ForOwners.Contains($"{method} {route}", StringComparer.Ordinal))
            {
                allowed.Add($"{method} {route}");
                continue;
            }

            // Routes that take no key at all do not look at this one either.
            var withoutKey = await SendAsync(null, method, path, method is "GET" or "DELETE" ? null : "{}");
            if (withoutKey.Status == HttpStatusCode.Unauthorized)
            {
                answer.Status.Should().Be(HttpStatusCode.Forbidden, $"{method} {route}");
                answer.Code.Should().Be(ErrorCodes.Forbidden);
                refused++;
            }
            else
            {
                answer.Status.Should().Be(withoutKey.Status, $"{method} {route} knows no keys");
            }
        }

        refused.Should().BeGreaterThan(15, "orders, negotiations, streams, relayer, sandbox and keys");
        allowed.Should().BeEquivalentTo(ForOwners);
    }

    [Fact]
    public async Task An_Owner_has_a_limited_number_of_agents()
    {
        var (setup, _, _) = await NewOwnerAsync();
        using var client = setup;
        await Task.WhenAll(Enumerable.Range(0, 99).Select(i => setup.CreateAgentAsync(new() { Name = $"agent {i}" })));

        var another = () => setup.CreateAgentAsync(new() { Name = "one too many" });

        var refusal = (await another.Should().ThrowAsync<CapApiException>()).Which;
        refusal.HttpStatus.Should().Be(422);
        refusal.Code.Should().Be(ErrorCodes.QuotaExceeded);
        refusal.Details["limit"].GetInt32().Should().Be(100);
    }

    [Fact]
    public async Task Neither_tokens_nor_operator_keys_are_in_the_database()
    {
        var (setup, agent, _) = await NewOwnerAsync();
        using var client = setup;
        var key = (await sandbox.Setup.CreateApiKeyAsync(new() { Name = "x", Scopes = [Scope.Read] })).Key;
        var rotated = await setup.RotateSdkKeyAsync(agent.Agent.AgentId);
        await sandbox.Relayer.StopAsync(); // so that everything is in the files
        try
        {
            var stored = await sandbox.Relayer.ReadDatabaseAsync();

            foreach (var (secret, isThere) in new[] { (agent.Agent.AgentId, true), (setup.Session!.Token[^43..], false), (key[^43..], false), (agent.SdkKey[^43..], false), (rotated[^43..], false) })
            {
                (stored.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(secret)) >= 0).Should().Be(isThere);
            }
        }
        finally
        {
            await sandbox.Relayer.StartAsync();
        }
    }

    private async Task<(SetupClient Setup, CreateAgentResult Agent, Service Service)> NewOwnerAsync()
    {
        var setup = await SetupClient.SignInAsync(sandbox.Config, EthECKey.GenerateKey());
        var agent = await setup.CreateAgentAsync(new() { Name = "mine" });
        var service = await setup.CreateServiceAsync(new() { AgentId = agent.Agent.AgentId, Name = "Something", Price = "1.00", SlaMinutes = 30 });
        return (setup, agent, service);
    }

    // As the running relayer has them, so that none is forgotten. Logging out comes last; HEAD has no body to look at, and is its GET.
    private IEnumerable<(string Method, string Route, string Path)> MappedRoutes() =>
        sandbox.Relayer.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith("/api/v1/", StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Where(method => method != "HEAD").Select(method => (method, endpoint.RoutePattern.RawText!, PathOf(endpoint.RoutePattern))))
            .OrderBy(route => route.Item2.EndsWith("logout", StringComparison.Ordinal));

    private static string PathOf(RoutePattern pattern) => string.Join('/', pattern.PathSegments.Skip(2).Select(segment => segment.Parts[0] is RoutePatternLiteralPart literal ? literal.Content : "x"));

    private Task<RawAnswer> SendAsync(string? key, string method, string path, string? body) => sandbox.Api.SendAsync(
        new HttpMethod(method), key, path, body is null ? null : RawApi.Json(System.Text.Encoding.UTF8.GetBytes(body)));
}
