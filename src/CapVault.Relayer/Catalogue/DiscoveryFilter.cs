using System.Numerics;
using CapVault.Relayer.Http;

namespace CapVault.Relayer.Catalogue;

/// <summary>What somebody looks for. What is null or empty does not narrow.</summary>
/// <param name="Patterns">See <see cref="SearchText"/>.</param>
/// <param name="Tag">One tag, in lower case.</param>
/// <param name="MaxPrice">Base units.</param>
/// <param name="AgentId">Who sells.</param>
public sealed record DiscoveryFilter(IReadOnlyList<string> Patterns, string? Tag, BigInteger? MaxPrice, string? AgentId)
{
    /// <summary>Reads <c>query</c>, <c>tag</c>, <c>maxPrice</c> and <c>agentId</c>.</summary>
    /// <exception cref="ApiException">400 for what cannot be looked for.</exception>
    public static DiscoveryFilter From(HttpRequest request) => new(
        SearchText.Patterns("query", request.Query["query"].ToString()),
        Value(request, "tag") is { } tag ? Tags.Parse("tag", tag) : null,
        Value(request, "maxPrice") is { } price ? Fields.Amount("maxPrice", price, Services.MaxPrice) : null,
        Value(request, "agentId"));

    private static string? Value(HttpRequest request, string name) => request.Query[name].ToString() is { Length: > 0 } value ? value : null;
}
