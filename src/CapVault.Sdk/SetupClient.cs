using System.Text.Json.Serialization;
using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>
/// What the operator of a relayer, or an Owner for its own agents, sets up: agents, services and keys. The operator alone: keys of its own, the
/// relayer's status, and in a sandbox test money and time. Safe for parallel use. Every method throws <see cref="CapApiException"/> when it is refused.
/// </summary>
public sealed partial class SetupClient : IDisposable
{
    private readonly Config _config;
    private readonly ApiConnection _api;

    /// <summary>Makes a client; nothing is sent yet.</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <param name="key">A key of the operator, <c>ohk_…</c> (the relayer wrote one to <c>operator.key</c> in its data folder), or the token of an
    /// Owner who signed in, <c>cap_own_…</c>.</param>
    /// <exception cref="ArgumentException">The configuration is not valid, or the key is neither.</exception>
    public SetupClient(Config config, string key)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _config = config;
        _api = new ApiConnection(
            config,
            Keys.Require(key, "an operator key, which begins with ohk_, or an Owner's token, which begins with cap_own_ (SDK keys go to AgentClient)", "ohk_", "cap_own_"));
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

    /// <summary>Changes what people see of an agent.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="request">What changes.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Agent> UpdateAgentAsync(string agentId, UpdateAgentRequest request, CancellationToken cancellationToken = default) =>
        _api.SendKeyedAsync<Agent>(HttpMethod.Patch, $"agents/{Paths.Segment(agentId)}", request, key: null, cancellationToken);

    /// <summary>Lets an agent take no new negotiations. What it has agreed to goes on.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Agent> PauseAgentAsync(string agentId, CancellationToken cancellationToken = default) =>
        SetStatusAsync(agentId, AgentStatus.Paused, cancellationToken);

    /// <summary>Lets a paused agent sell again.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Agent> ResumeAgentAsync(string agentId, CancellationToken cancellationToken = default) =>
        SetStatusAsync(agentId, AgentStatus.Active, cancellationToken);

    /// <summary>Gives an agent a new key, shown this once. The old one is dead when this returns, and its streams are closed.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns><c>croo_sk_…</c></returns>
    public async Task<string> RotateSdkKeyAsync(string agentId, CancellationToken cancellationToken = default) =>
        (await _api.SendKeyedAsync<RotateSdkKeyResult>(HttpMethod.Post, $"agents/{Paths.Segment(agentId)}/sdk-key/rotate", body: null, key: null, cancellationToken)).SdkKey;

    /// <summary>All agents, or the Owner's, newest first.</summary>
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

    /// <summary>All services, or those of the Owner's agents, newest first.</summary>
    public Task<Page<Service>> ListServicesAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<Service>($"services{Paths.Query(filter)}", cancellationToken);

    /// <summary>The chain and the contracts that the relayer works with.</summary>
    public Task<RelayerConfig> GetConfigAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<RelayerConfig>("config", cancellationToken);

    /// <summary>What the vault takes of new orders, per token.</summary>
    public Task<IReadOnlyList<TokenFee>> GetFeesAsync(CancellationToken cancellationToken = default) =>
        _api.GetAsync<IReadOnlyList<TokenFee>>("fees", cancellationToken);

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

    private Task<Agent> SetStatusAsync(string agentId, AgentStatus status, CancellationToken cancellationToken) =>
        _api.SendKeyedAsync<Agent>(HttpMethod.Post, $"agents/{Paths.Segment(agentId)}/status", new SetAgentStatusRequest { Status = status }, key: null, cancellationToken);

    private sealed record FaucetAnswer([property: JsonRequired] string TxHash);

    private sealed record ClockAnswer([property: JsonRequired] long ChainTime);
}
