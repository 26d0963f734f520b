using System.CommandLine;

namespace CapVault.Cli;

/// <summary>Which events a command is about.</summary>
internal static class EventOptions
{
    public static readonly Option<bool> All = new("--all") { Description = "Every event of the agent's own orders, not only those told to its side." };

    public static readonly Option<string[]> Types = new("--types")
    {
        Description = "Only these, * as a suffix: order_*",
        HelpName = "type …",
        AllowMultipleArgumentsPerToken = true,
    };

    public static string? AudienceOf(Session session) => session.Value(All) ? "all" : null;

    public static string[]? TypesOf(Session session) => session.Value(Types) is { Length: > 0 } types ? types : null;
}
