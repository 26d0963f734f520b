using CapVault.Sdk;

namespace CapVault.Relayer.Http;

/// <summary>What an operator's key may do, as bits. A route needs exactly one of them; none implies another.</summary>
[Flags]
public enum Scopes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>GETs.</summary>
    Read = 1,

    /// <summary>Set-up.</summary>
    Write = 2,

    /// <summary>Disputes.</summary>
    Support = 4,

    /// <summary>The relayer itself, and keys.</summary>
    Admin = 8,

    /// <summary>Everything: the key of the first start.</summary>
    All = Read | Write | Support | Admin,
}

/// <summary>Scopes as the API writes them.</summary>
public static class ScopesExtensions
{
    private static readonly (Scopes Bit, Scope Word)[] Words =
        [(Scopes.Read, Scope.Read), (Scopes.Write, Scope.Write), (Scopes.Support, Scope.Support), (Scopes.Admin, Scope.Admin)];

    /// <summary>As words.</summary>
    public static IReadOnlyList<Scope> ToWords(this Scopes scopes) => [.. Words.Where(pair => scopes.HasFlag(pair.Bit)).Select(pair => pair.Word)];

    /// <summary>From words.</summary>
    /// <exception cref="ApiException">400 for none, or a word that there is not.</exception>
    public static Scopes Parse(string field, IReadOnlyList<Scope> words)
    {
        var scopes = Scopes.None;
        foreach (var word in words)
        {
            var bit = Array.Find(Words, pair => pair.Word == word).Bit;
            scopes |= bit == Scopes.None ? throw ApiException.Invalid(field, word.Value, "read, write, support or admin") : bit;
        }

        return scopes == Scopes.None ? throw ApiException.Invalid(field, "none", "at least one of read, write, support, admin") : scopes;
    }
}
