using System.Security.Cryptography;
using CapVault.Sdk;

namespace CapVault.Relayer;

/// <summary>Ids as the API shows them; see <see cref="PublicId"/>.</summary>
public static class Ids
{
    /// <summary>A new random id.</summary>
    public static string New(string prefix) => PublicId.Of(prefix, RandomNumberGenerator.GetBytes(16));

    /// <summary>The id that always derives from <paramref name="hash"/>, so that a rebuilt database gives the same one.</summary>
    public static string Of(string prefix, ReadOnlySpan<byte> hash) => PublicId.Of(prefix, hash);
}
