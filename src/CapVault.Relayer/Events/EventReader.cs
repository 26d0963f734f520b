using CapVault.Relayer.Http;

namespace CapVault.Relayer.Events;

/// <summary>Who reads the log, and what of it.</summary>
/// <param name="AgentId">The agent; null for the operator, who sees everything.</param>
/// <param name="All">Whether the agent asked for every event of its own orders.</param>
/// <param name="Types">Names of the types that it wants; null for all.</param>
public sealed record EventReader(string? AgentId, bool All, IReadOnlyList<string>? Types = null)
{
    /// <summary>Reads what a client asks for.</summary>
    /// <param name="caller">The client.</param>
    /// <param name="audience"><c>default</c>, <c>all</c>, or null for the default.</param>
    /// <param name="types">Names of types, <c>*</c> as a suffix; null for all.</param>
    /// <exception cref="ApiException">400 for an audience or a type that there is not: waiting for it in silence would help nobody.</exception>
    public static EventReader Of(Caller caller, string? audience, IReadOnlyList<string?>? types) => new(
        caller.IsOperator ? null : caller.RequireAgent(),
        audience is null or "default" or "all" ? audience == "all" : throw ApiException.Invalid("audience", audience, "default or all"),
        types is null ? null : Expand(types));

    private static List<string> Expand(IReadOnlyList<string?> patterns)
    {
        var types = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pattern in patterns)
        {
            var matching = EventKinds.Names.Where(name => pattern is not null && Matches(pattern, name)).ToList();
            types.UnionWith(matching.Count > 0 ? matching : throw Unknown(pattern));
        }

        return types.Count > 0 ? [.. types] : throw Unknown("[]");
    }

    private static bool Matches(string pattern, string name) =>
        pattern.EndsWith('*') ? name.StartsWith(pattern[..^1], StringComparison.Ordinal) : pattern == name;

    private static ApiException Unknown(string? found) =>
        ApiException.Invalid("types", found, $"some of {string.Join(", ", EventKinds.Names)}, or the beginning of one with * after it");
}
