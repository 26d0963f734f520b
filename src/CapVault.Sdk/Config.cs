using System.Globalization;

namespace CapVault.Sdk;

/// <summary>Where a relayer is, and how long to wait for it.</summary>
public sealed record Config
{
    /// <summary>Address of the relayer without <c>/api/v1</c>: <c>https://relayer.example</c> (http or https).</summary>
    public required string BaseUrl { get; init; }

    /// <summary>Whole address of the stream (ws or wss). The default value is <c>/api/v1/stream</c> under <see cref="BaseUrl"/>.</summary>
    public string? WsUrl { get; init; }

    /// <summary>Address of a JSON-RPC node of the same chain (http or https). With it, <see cref="AgentClient.PayOrderAsync"/> looks
    /// at the wallet before it asks for anything, and <see cref="AgentClient.GetDeliveryAsync"/> also asks the vault itself whether it recorded the hash.
    /// The default value is null.</summary>
    public string? RpcUrl { get; init; }

    /// <summary>How long a step may stay unproven before <see cref="OutcomeUnknownException"/>: 1 second – 1 day. The default value is 5 minutes.</summary>
    public TimeSpan OutcomeTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often a call that may be repeated is tried again when the relayer cannot be reached or is busy: 0–10, after 1, 2, 4, 8, 16, 30,
    /// 30 … s. The default value is 5, which spans a restart of the relayer.</summary>
    public int MaxRetries { get; init; } = 5;

    /// <summary>Clock of retries, reconnects and timeouts. The default value is the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal Uri ApiRoot => new(Origin, "api/v1/");

    internal Uri StreamAddress
    {
        get
        {
            if (WsUrl is not null)
            {
                return Address(WsUrl, nameof(WsUrl), Uri.UriSchemeWs, Uri.UriSchemeWss);
            }

            var scheme = Origin.Scheme == Uri.UriSchemeHttps ? Uri.UriSchemeWss : Uri.UriSchemeWs;
            return new UriBuilder(new Uri(ApiRoot, "stream")) { Scheme = scheme }.Uri;
        }
    }

    private Uri Origin
    {
        get
        {
            var origin = Address(BaseUrl, nameof(BaseUrl), Uri.UriSchemeHttp, Uri.UriSchemeHttps);
            if (origin.AbsolutePath.Contains("/api/v1", StringComparison.Ordinal) || origin.Query.Length > 0 || origin.Fragment.Length > 0)
            {
                throw Invalid(nameof(BaseUrl), BaseUrl, "the relayer's address alone, without /api/v1, query or fragment");
            }

            // Without the slash a path prefix (behind a proxy) would be replaced instead of extended.
            return origin.AbsolutePath.EndsWith('/') ? origin : new Uri(origin.AbsoluteUri + "/");
        }
    }

    internal void Validate()
    {
        _ = StreamAddress;
        if (RpcUrl is not null)
        {
            _ = Address(RpcUrl, nameof(RpcUrl), Uri.UriSchemeHttp, Uri.UriSchemeHttps);
        }

        if (OutcomeTimeout < TimeSpan.FromSeconds(1) || OutcomeTimeout > TimeSpan.FromDays(1))
        {
            throw Invalid(nameof(OutcomeTimeout), OutcomeTimeout.ToString(), "1 second to 1 day");
        }

        if (MaxRetries is < 0 or > 10)
        {
            throw Invalid(nameof(MaxRetries), MaxRetries.ToString(CultureInfo.InvariantCulture), "0 to 10");
        }
    }

    private static Uri Address(string value, string name, params ReadOnlySpan<string> schemes) =>
        Uri.TryCreate(value, UriKind.Absolute, out var uri) && schemes.Contains(uri.Scheme)
            ? uri
            : throw Invalid(name, value, $"an absolute address that begins with {string.Join(":// or ", schemes!)}://");

    private static ArgumentException Invalid(string name, string found, string expected) =>
        new($"Config.{name}: found '{found}', expected {expected}.", name);
}
