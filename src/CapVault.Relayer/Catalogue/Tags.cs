using CapVault.Relayer.Http;

namespace CapVault.Relayer.Catalogue;

/// <summary>Tags of agents and services. A column holds all of them in lower case, with a space before and after each, so that LIKE finds a whole one.</summary>
public static class Tags
{
    private const int MaxCount = 10;
    private const int MaxLength = 32;

    /// <summary>As a column holds them; a tag that is there twice counts once.</summary>
    /// <exception cref="ApiException">400 for too many, or for something that is no tag.</exception>
    public static string Join(string field, IReadOnlyList<string?> tags)
    {
        if (tags.Count > MaxCount)
        {
            throw ApiException.Invalid(field, $"{tags.Count} tags", $"at most {MaxCount}");
        }

        var words = tags.Select(tag => Parse(field, tag)).Distinct(StringComparer.Ordinal).ToList();
        return words.Count == 0 ? "" : $" {string.Join(' ', words)} ";
    }

    /// <summary>One by one, from a column.</summary>
    public static string[] Split(string column) => column.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>One tag, in lower case.</summary>
    /// <exception cref="ApiException">400 if it is none.</exception>
    public static string Parse(string field, string? tag) =>
        tag is { Length: > 0 and <= MaxLength } && tag.All(character => char.IsLetterOrDigit(character) || character == '-')
            ? tag.ToLowerInvariant()
            : throw ApiException.Invalid(field, tag, $"words of letters, digits and hyphens, 1 – {MaxLength} characters each");
}
