using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>What is on offer. Needs no key. Safe for parallel use. Every method throws <see cref="CapApiException"/> when it is refused.</summary>
public sealed class DiscoveryClient : IDisposable
{
    private readonly ApiConnection _api;

    /// <summary>Makes a client; nothing is sent yet.</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <exception cref="ArgumentException">The configuration is not valid.</exception>
    public DiscoveryClient(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _api = new ApiConnection(config, key: null);
    }

    /// <summary>Closes its connections.</summary>
    public void Dispose() => _api.Dispose();

    /// <summary>The newest services and agents that fit.</summary>
    public Task<SearchResult> SearchAsync(DiscoveryRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetAsync<SearchResult>($"public/search{Paths.Query(filter)}", cancellationToken);

    /// <summary>Services on offer, newest first, without their schemas.</summary>
    public Task<Page<PublicService>> ListServicesAsync(DiscoveryRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<PublicService>($"public/services{Paths.Query(filter)}", cancellationToken);

    /// <summary>A service on offer, with its schemas.</summary>
    /// <param name="serviceId"><c>svc_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<PublicService> GetServiceAsync(string serviceId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<PublicService>($"public/services/{Paths.Segment(serviceId)}", cancellationToken);

    /// <summary>Active agents, newest first.</summary>
    public Task<Page<PublicAgent>> ListAgentsAsync(DiscoveryRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<PublicAgent>($"public/agents{Paths.Query(filter)}", cancellationToken);

    /// <summary>An active agent.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<PublicAgent> GetAgentAsync(string agentId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<PublicAgent>($"public/agents/{Paths.Segment(agentId)}", cancellationToken);

    /// <summary>The tags that most services on offer have, up to 100.</summary>
    public Task<IReadOnlyList<TagCount>> ListTagsAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<IReadOnlyList<TagCount>>("public/tags", cancellationToken);

    /// <summary>How an agent's orders went.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<AgentStats> GetStatsAsync(string agentId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<AgentStats>($"agents/{Paths.Segment(agentId)}/stats", cancellationToken);
}
