using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>Options of lists.</summary>
internal static class PageOptions
{
    public static readonly Option<int?> Limit = new("--limit") { Description = "1–100; the default is 20.", HelpName = "n" };

    public static readonly Option<string?> Cursor = new("--cursor") { Description = "Where the page before ended.", HelpName = "cursor" };

    public static ListRequest Read(Session session) => new() { Limit = session.Value(Limit), Cursor = session.Value(Cursor) };

    public static void More(Printer print, string? nextCursor)
    {
        if (nextCursor is not null)
        {
            print.Line($"There is more: add --cursor {nextCursor}");
        }
    }
}
