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
        return Query(
            ("role", filter.Role?.Value),
            ("status", filter.Status),
            ("limit", filter.Limit?.ToString(CultureInfo.InvariantCulture)),
            ("cursor", filter.Cursor));
    }

    /// <inheritdoc cref="Query(ListRequest)"/>
    public static string Query(ListEventsRequest filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Query(
            ("after", filter.After),
            ("audience", filter.Audience),
            ("types", filter.Types is null ? null : string.Join(',', filter.Types)),
            ("limit", filter.Limit?.ToString(CultureInfo.InvariantCulture)),
            ("wait", filter.WaitSeconds?.ToString(CultureInfo.InvariantCulture)));
    }

    private static string Query(params ReadOnlySpan<(string Name, string? Value)> parts)
    {
        var query = "";
        foreach (var (name, value) in parts)
        {
            if (value is not null)
            {
                query += $"{(query.Length == 0 ? '?' : '&')}{name}={Uri.EscapeDataString(value)}";
            }
        }

        return query;
    }
}
