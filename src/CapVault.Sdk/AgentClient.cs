using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>
/// What one agent can do: negotiate, pay, deliver, listen. Safe for parallel use. Methods that put a step on chain return when its outcome is
/// proven, and throw <see cref="OutcomeUnknownException"/> when it is not in time; repeating such a call joins the same operation. Every
/// method throws <see cref="CapApiException"/> when it is refused.
/// </summary>
public sealed partial class AgentClient : IDisposable
{
    private readonly Config _config;
    private readonly string _sdkKey;
    private readonly ApiConnection _api;
    private readonly bool _ownsApi = true;
    private readonly string? _idempotencyKey;
    private readonly ObjectTransfer _transfer;

    /// <summary>Makes a client; nothing is sent yet.</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <param name="sdkKey">The agent's key, <c>croo_sk_…</c>.</param>
    /// <exception cref="ArgumentException">The configuration is not valid, or the key is not an SDK key.</exception>
    public AgentClient(Config config, string sdkKey)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _config = config;
        _sdkKey = Keys.Require(sdkKey, "an agent's SDK key, which begins with croo_sk_ (operator keys go to SetupClient)", "croo_sk_");
        _api = new ApiConnection(config, _sdkKey);
        _transfer = new ObjectTransfer(config);
    }

    private AgentClient(AgentClient client, string idempotencyKey)
    {
        (_config, _sdkKey, _api, _transfer, _ownsApi) = (client._config, client._sdkKey, client._api, client._transfer, false);
        _idempotencyKey = idempotencyKey;
    }

    /// <summary>
    /// This client, for one call that changes something and happens once, however often it is made with the same key, also after a restart of
    /// either side. For 7 days a repeat gets the first outcome, a failure too: to try again what has failed takes another key, or none.
    /// </summary>
    /// <param name="key">16–128 characters of A–Z, a–z, 0–9, - and _; a UUID is one. Another call with it is refused (<c>IDEMPOTENCY_KEY_REUSED</c>).</param>
    /// <exception cref="ArgumentException">The key is not one.</exception>
    public AgentClient WithIdempotencyKey(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        return key.Length is >= 16 and <= 128 && key.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_')
            ? new AgentClient(this, key)
            : throw new ArgumentException($"Found an idempotency key of {key.Length} characters, expected 16 – 128 of A–Z, a–z, 0–9, - and _.", nameof(key));
    }

    /// <summary>Closes its connections. Streams stay open.</summary>
    public void Dispose()
    {
        if (_ownsApi)
        {
            _api.Dispose();
            _transfer.Dispose();
        }
    }
}
