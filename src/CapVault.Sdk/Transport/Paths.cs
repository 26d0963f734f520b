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
        return Query(("role", filter.Role?.Value), ("status", filter.Status), ("limit", Number(filter.Limit)), ("cursor", filter.Cursor));
    }

    /// <inheritdoc cref="Query(ListRequest)"/>
    public static string Query(DiscoveryRequest filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Query(
            ("query", filter.Query),
            ("tag", filter.Tag),
            ("maxPrice", filter.MaxPrice),
            ("agentId", filter.AgentId),
            ("limit", Number(filter.Limit)),
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
            ("limit", Number(filter.Limit)),
            ("wait", Number(filter.WaitSeconds)));
    }

    /// <inheritdoc cref="Query(ListRequest)"/>
    public static string Query(ListOperationsRequest filter)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Query(("state", filter.State), ("hash", filter.Hash), ("orderId", filter.OrderId), ("limit", Number(filter.Limit)), ("cursor", filter.Cursor));
    }

    private static string Query(params (string Name, string? Value)[] parts)
    {
        var set = parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}").ToList();
        return set.Count == 0 ? "" : "?" + string.Join('&', set);
    }

    private static string? Number(int? value) => value?.ToString(CultureInfo.InvariantCulture);
}
