using System.Text.Json;
using System.Text.RegularExpressions;

namespace CapVault.IntegrationTests;

/// <summary>CROO's published types, read from its package.</summary>
internal static partial class CompatShapes
{
    private static readonly string Types = File.ReadAllText(Path.Combine(Repository.Root, "node_modules", "@croo-network", "sdk", "dist", "types.d.ts"));

    /// <summary>The fields of an interface, each with its type.</summary>
    public static IReadOnlyDictionary<string, string> Of(string name)
    {
        var body = Regex.Match(Types, $@"export interface {name} \{{(?<body>[^}}]*)\}}", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1)).Groups["body"].Value;
        var fields = Field().Matches(body).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["type"].Value, StringComparer.Ordinal);
        return fields.Count > 0 ? fields : throw new InvalidOperationException($"Found no interface {name} in the published types.");
    }

    /// <summary>Fields of an interface that a value lacks, or has with another type.</summary>
    public static IEnumerable<string> Missing(string name, JsonElement value) =>
        from field in Of(name)
        where !value.TryGetProperty(field.Key, out var found) || found.ValueKind != (field.Value == "number" ? JsonValueKind.Number : JsonValueKind.String)
        select field.Key;

    [GeneratedRegex(@"^\s+(?<name>\w+)\??: (?<type>\w+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Field();
}
