using System.Text.Json.Serialization;
using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>What the operator of a relayer sets up: agents and services, and in a sandbox test money and time. Safe for parallel use. Every
/// method throws <see cref="CapApiException"/> when it is refused.</summary>
public sealed class SetupClient : IDisposable
{
    private readonly ApiConnection _api;

    /// <summary>Makes a client; nothing is sent yet.</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <param name="operatorKey">The operator's key, <c>ohk_…</c>; the relayer wrote it to <c>operator.key</c> in its data folder.</param>
    /// <exception cref="ArgumentException">The configuration is not valid, or the key is not an operator key.</exception>
    public SetupClient(Config config, string operatorKey)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _api = new ApiConnection(
            config, Keys.Require(operatorKey, "ohk_", "an operator key, which begins with ohk_ (SDK keys go to AgentClient)"));
    }

    /// <summary>Closes its connections.</summary>
    public void Dispose() => _api.Dispose();

    /// <summary>Makes an agent with an account of its own. Its key is shown this once.</summary>
    public Task<CreateAgentResult> CreateAgentAsync(CreateAgentRequest request, CancellationToken cancellationToken = default) =>
        _api.SendKeyedAsync<CreateAgentResult>(HttpMethod.Post, "agents", request, key: null, cancellationToken);

    /// <summary>Reads an agent.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Agent> GetAgentAsync(string agentId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Agent>($"agents/{Paths.Segment(agentId)}", cancellationToken);

    /// <summary>All agents, newest first.</summary>
    public Task<Page<Agent>> ListAgentsAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<Agent>($"agents{Paths.Query(filter)}", cancellationToken);

    /// <summary>Offers something for sale.</summary>
    public Task<Service> CreateServiceAsync(CreateServiceRequest request, CancellationToken cancellationToken = default) =>
        _api.SendKeyedAsync<Service>(HttpMethod.Post, "services", request, key: null, cancellationToken);

    /// <summary>Makes a new version of a service; running negotiations and orders keep theirs.</summary>
    /// <param name="serviceId"><c>svc_…</c></param>
    /// <param name="request">What changes.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Service> UpdateServiceAsync(string serviceId, UpdateServiceRequest request, CancellationToken cancellationToken = default) =>
        _api.SendKeyedAsync<Service>(HttpMethod.Patch, $"services/{Paths.Segment(serviceId)}", request, key: null, cancellationToken);

    /// <summary>Reads the current version of a service.</summary>
    /// <param name="serviceId"><c>svc_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Service> GetServiceAsync(string serviceId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Service>($"services/{Paths.Segment(serviceId)}", cancellationToken);

    /// <summary>All services, newest first.</summary>
    public Task<Page<Service>> ListServicesAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<Service>($"services{Paths.Query(filter)}", cancellationToken);

    /// <summary>The chain and the contracts that the relayer works with.</summary>
    public Task<RelayerConfig> GetConfigAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<RelayerConfig>("config", cancellationToken);

    /// <summary>How the relayer is doing.</summary>
    public Task<RelayerStatus> GetStatusAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<RelayerStatus>("relayer/status", cancellationToken);

    /// <summary>Sandbox only: mints test USDC.</summary>
    /// <param name="address">Account that gets it.</param>
    /// <param name="amount">Decimal string in USDC: <c>"1000.00"</c>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Hash of the transaction, which is mined.</returns>
    public async Task<string> FaucetAsync(string address, string amount, CancellationToken cancellationToken = default)
    {
        var answer = await _api.SendKeyedAsync<FaucetAnswer>(
            HttpMethod.Post, "sandbox/faucet", new FaucetRequest { Address = address, Amount = amount }, key: null, cancellationToken);
        return answer.TxHash;
    }

    /// <summary>Sandbox only: moves the time of the chain and of the relayer forward.</summary>
    /// <param name="seconds">1 – 31 536 000.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Chain time afterwards.</returns>
    public async Task<DateTimeOffset> AdvanceClockAsync(int seconds, CancellationToken cancellationToken = default)
    {
        var answer = await _api.SendKeyedAsync<ClockAnswer>(
            HttpMethod.Post, "sandbox/clock/advance", new AdvanceClockRequest { Seconds = seconds }, key: null, cancellationToken);
        return DateTimeOffset.FromUnixTimeSeconds(answer.ChainTime);
    }

    private sealed record FaucetAnswer([property: JsonRequired] string TxHash);

    private sealed record ClockAnswer([property: JsonRequired] long ChainTime);
}
