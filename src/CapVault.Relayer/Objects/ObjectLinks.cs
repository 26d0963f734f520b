using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Objects;

/// <summary>
/// Links that carry their own authority: HMAC-SHA256 over one method, one object and one expiry, 30 minutes ahead. Who has the link may use it
/// until then, whatever becomes of the key that asked for it.
/// </summary>
public sealed class ObjectLinks(MasterKey masterKey, IOptions<RelayerOptions> options, TimeProvider time)
{
    /// <summary>Where links lead.</summary>
    public const string Path = "/api/v1/objects";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(30);

    private readonly byte[] _key = masterKey.DeriveKey("CapVault object links");

    /// <summary>A new link, and its last second.</summary>
    /// <param name="request">Who asks: without PublicUrl, the link leads to where this request came to.</param>
    /// <param name="method">PUT or GET.</param>
    /// <param name="objectKey">The object.</param>
    public (string Url, DateTimeOffset ExpiresAt) New(HttpRequest request, string method, string objectKey)
    {
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().Add(Lifetime).ToUnixTimeSeconds());
        var expires = expiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var origin = options.Value.PublicUrl.Length > 0 ? options.Value.PublicUrl.TrimEnd('/') : $"{request.Scheme}://{request.Host}{request.PathBase}";
        return ($"{origin}{Path}/{objectKey}?expires={expires}&signature={Sign(method, objectKey, expires)}", expiresAt);
    }

    /// <summary>Makes sure that a request came over a link of ours for just this.</summary>
    /// <exception cref="ApiException">404 if it did not, 410 if the link's time is over.</exception>
    public void Require(HttpRequest request, string objectKey)
    {
        var method = HttpMethods.IsHead(request.Method) ? HttpMethods.Get : request.Method;
        var expires = request.Query["expires"].ToString();
        // As text: decoded, several spellings would be the same signature.
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(request.Query["signature"].ToString()), Encoding.UTF8.GetBytes(Sign(method, objectKey, expires))))
        {
            throw new ApiException(404, ErrorCodes.ObjectNotFound, "This link was not made here for this method and object. Ask for a new one.");
        }

        // Only now it is known to be a number of ours.
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(expires, CultureInfo.InvariantCulture));
        if (time.GetUtcNow().ToUnixTimeSeconds() > expiresAt.ToUnixTimeSeconds())
        {
            throw new ApiException(410, ErrorCodes.LinkExpired, $"The link was valid up to {expiresAt:O}. Ask for a new one.", new { expiresAt });
        }
    }

    private string Sign(string method, string objectKey, string expires) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"{method}\n{objectKey}\n{expires}")));
}
