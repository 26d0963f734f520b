using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>events list</c>: the log page by page.</summary>
internal static class EventsCommands
{
    public static Command Create() => new("events", "The agent's event log.") { List() };

    private static Command List()
    {
        var after = new Option<string>("--after")
        {
            Description = "After this cursor. The default is the oldest that the relayer keeps.",
            HelpName = "cursor|oldest|tail",
            DefaultValueFactory = _ => EventStream.Oldest,
        };
        var limit = new Option<int?>("--limit") { Description = "1–1000; the default is 100.", HelpName = "n" };
        return new Command("list", "The agent's events, oldest first.") { after, limit, EventOptions.All, EventOptions.Types }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            var page = await agent.ListEventsAsync(
                new()
                {
                    After = session.Value(after),
                    Limit = session.Value(limit),
                    Audience = EventOptions.AudienceOf(session),
                    Types = EventOptions.TypesOf(session),
                },
                cancellationToken);
            session.Print.Result(page, print =>
            {
                foreach (var e in page.Events)
                {
                    print.Line(WatchCommand.Describe(e));
                }

                print.Line(page.HasMore ? $"There is more: add --after {page.NextCursor}" : $"What comes later: --after {page.NextCursor}");
            });
        });
    }
}
