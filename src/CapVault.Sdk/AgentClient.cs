using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>
/// What one agent can do: negotiate, pay, deliver, listen. With <see cref="Config.Executor"/> it signs consents and steps itself. Safe for parallel use. Methods that put a step on chain return when its outcome is
/// proven, and throw <see cref="OutcomeUnknownException"/> when it is not in time; repeating such a call joins the same operation. Every
/// method throws <see cref="CapApiException"/> when it is refused.
/// </summary>
public sealed partial class AgentClient : IDisposable
{
    private readonly Config _config;
    private readonly string _sdkKey;
    private readonly ApiConnection _api;

    /// <summary>Makes a client; nothing is sent yet.</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <param name="sdkKey">The agent's key, <c>croo_sk_…</c>.</param>
    /// <exception cref="ArgumentException">The configuration is not valid, or the key is not an SDK key.</exception>
    public AgentClient(Config config, string sdkKey)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _config = config;
        _sdkKey = Keys.Require(sdkKey, "croo_sk_", "an agent's SDK key, which begins with croo_sk_ (operator keys go to SetupClient)");
        _api = new ApiConnection(config, _sdkKey);
    }

    /// <summary>Closes its connections. Streams stay open.</summary>
    public void Dispose()
    {
        _api.Dispose();
        _preparing.Dispose();
    }
}
