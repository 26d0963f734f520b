using CapVault.Relayer.Http;

namespace CapVault.Relayer.Catalogue;

/// <summary>Text search by words: all of them, anywhere, in any case. Letters are folded here, because databases differ in how they do it.</summary>
public static class SearchText
{
    private const int MaxLength = 100;
    private const int MaxWords = 8;

    /// <summary>What a row is found by.</summary>
    public static string Of(string name, string? description, string tags) => $"{name} {description} {tags}".ToLowerInvariant();

    /// <summary>A LIKE pattern with <c>ESCAPE '\'</c> for each word of a query.</summary>
    /// <exception cref="ApiException">400 for a query that is too long.</exception>
    public static IReadOnlyList<string> Patterns(string field, string query)
    {
        var words = Fields.Text(field, query, 0, MaxLength).ToLowerInvariant().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length <= MaxWords
            ? [.. words.Select(word => $"%{Escape(word)}%")]
            : throw ApiException.Invalid(field, $"{words.Length} words", $"at most {MaxWords}");
    }

    private static string Escape(string word) => word
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("%", "\\%", StringComparison.Ordinal)
        .Replace("_", "\\_", StringComparison.Ordinal);
}
