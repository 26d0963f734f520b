using System.Globalization;

namespace CapVault.Sdk.Transport;

/// <summary>Puts what callers give into addresses.</summary>
internal static class Paths
{
    /// <summary>One path segment; an id with a slash cannot reach another route.</summary>
    public static string Segment(string id)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(id);
        return id is "." or ".."
            ? throw new ArgumentException($"Found '{id}', expected an id.", nameof(id))
            : Uri.EscapeDataString(id);
    }

    /// <summary>The filters that are set, with the question mark; empty where none is.</summary>
    public static string Query(ListRequest filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        var parts = new (string Name, string? Value)[]
        {
            ("role", filter.Role?.Value),
            ("status", filter.Status),
            ("limit", filter.Limit?.ToString(CultureInfo.InvariantCulture)),
            ("cursor", filter.Cursor),
        };
        var set = parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}").ToList();
        return set.Count == 0 ? "" : "?" + string.Join('&', set);
    }
}
