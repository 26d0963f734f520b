using System.Buffers.Text;
using System.Security.Cryptography;

namespace CapVault.Relayer;

/// <summary>Ids as the API shows them: a prefix and 21 characters of base64url (126 bits).</summary>
public static class Ids
{
    private const int Length = 21;

    /// <summary>A new random id.</summary>
    public static string New(string prefix) => Format(prefix, RandomNumberGenerator.GetBytes(16));

    /// <summary>The id that always derives from <paramref name="hash"/>, so that a rebuilt database gives the same one.</summary>
    public static string Of(string prefix, ReadOnlySpan<byte> hash) => Format(prefix, hash[..16]);

    private static string Format(string prefix, ReadOnlySpan<byte> bytes) => string.Concat(prefix, Base64Url.EncodeToString(bytes).AsSpan(0, Length));
}
