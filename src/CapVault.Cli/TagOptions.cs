using System.CommandLine;

namespace CapVault.Cli;

/// <summary><c>--tag</c>, as often as wanted.</summary>
internal static class TagOptions
{
    public static Option<string[]> New() => new("--tag") { Description = "By which it is found; up to 10 times. Replaces all tags that are there.", HelpName = "word" };

    /// <summary>Null where none is given.</summary>
    public static IReadOnlyList<string>? Read(Session session, Option<string[]> option) => session.Value(option) is { Length: > 0 } tags ? tags : null;

    public static string? Text(IReadOnlyList<string> tags) => tags.Count == 0 ? null : string.Join(", ", tags);
}
