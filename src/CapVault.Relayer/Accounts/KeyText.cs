using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace CapVault.Relayer.Accounts;

/// <summary>The form of every key and token: <c>&lt;prefix&gt;&lt;id&gt;_&lt;secret&gt;</c>. It is looked up by its id; only a hash of its secret is kept.</summary>
internal sealed record KeyText(string Prefix, string Id, string Secret)
{
    private const int IdBytes = 9;
    private const int SecretBytes = 32; // 43 characters

    /// <summary>SHA-256 of the secret: 256 random bits need no slow hash.</summary>
    public byte[] Hash => SHA256.HashData(Encoding.UTF8.GetBytes(Secret));

    /// <summary>A new random one.</summary>
    public static KeyText New(string prefix) => new(
        prefix,
        Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)), // not base64url: that has the underscore which separates the parts
        Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)));

    /// <summary>Reads one, or null. Prefixes are two words; the secret may contain underscores.</summary>
    public static KeyText? Parse(string key) =>
        key.Split('_', 4) is [var system, var kind, { Length: IdBytes * 2 } id, { Length: 43 } secret] ? new($"{system}_{kind}_", id, secret) : null;

    /// <summary>
    /// Whether the secret is the one whose hash is kept, in constant time; null is a hash of nobody's. An unknown id takes the same
    /// comparison, so that timing does not tell ids apart.
    /// </summary>
    public bool Matches(byte[]? hash) => CryptographicOperations.FixedTimeEquals(Hash, hash ?? new byte[SHA256.HashSizeInBytes]) && hash is not null;

    /// <summary>The key itself.</summary>
    public override string ToString() => $"{Prefix}{Id}_{Secret}";
}
