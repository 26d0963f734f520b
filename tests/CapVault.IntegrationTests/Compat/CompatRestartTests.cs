using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>CROO's published client and a relayer that goes away; what neither may lose, and what the relayer may not say.</summary>
public sealed class CompatRestartTests : IAsyncLifetime
{
    private SandboxChain _chain = null!;
    private RelayerProcess _relayer = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        // All that can be said, also by those parts of the hosting that name addresses.
        _relayer = await RelayerProcess.StartAsync(
            _chain, "--Logging:LogLevel:Default=Trace", "--Logging:Console:LogLevel:Default=Trace", "--Logging:Console:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics=Trace");
    }

    public async Task DisposeAsync()
    {
        await _relayer.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task CR46_The_published_client_loses_no_event_when_the_relayer_is_killed()
    {
        using var setup = new SetupClient(new Config { BaseUrl = _relayer.Url }, _relayer.OperatorKey);
        var buyer = await setup.CreateSpenderAsync("requester");
        var seller = await setup.CreateSpenderAsync("provider");
        var service = await setup.CreateServiceAsync(new() { AgentId = seller.Agent.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        using var requester = new AgentClient(new Config { BaseUrl = _relayer.Url }, buyer.SdkKey);
        await using var provider = new CrooClient(_relayer.Url, _chain.RpcUrl, seller.SdkKey);
        await provider.CallAsync("connectWebSocket");
        var told = new List<string>();

        for (var kill = 0; kill < 3; kill++)
        {
            // The first goes out with the kill, the second while the client is not back yet, the third it may hear at once.
            told.Add(await NegotiateAsync(requester, service));
            await _relayer.KillAsync();
            await _relayer.StartAsync();
            told.Add(await NegotiateAsync(requester, service));
            await provider.HearAsync("order_negotiation_created", told[^1]);
            told.Add(await NegotiateAsync(requester, service));
        }

        foreach (var negotiationId in told)
        {
            await provider.HearAsync("order_negotiation_created", negotiationId);
        }

        provider.Heard.Select(e => e.GetProperty("negotiation_id").GetString()).Distinct(StringComparer.Ordinal).Should().Equal(told, "each once or more, in their order");
        _relayer.Output.Should().Contain("/ws", "requests are told of there");
        _relayer.Output.Should().NotContain(seller.SdkKey[^43..]).And.NotContain(buyer.SdkKey[^43..]);
    }

    private static async Task<string> NegotiateAsync(AgentClient requester, Service service) =>
        (await requester.NegotiateOrderAsync(new() { ServiceId = service.ServiceId })).NegotiationId;
}
