using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>watch</c>: an agent's events as they come.</summary>
internal static class WatchCommand
{
    public static Command Create()
    {
        var after = new Option<string?>("--after")
        {
            Description = "Begin after this cursor, or with 'oldest'. The default is now.",
            HelpName = "cursor|oldest",
        };
        var state = new Option<string?>("--state")
        {
            Description = "Remember in this file what was shown, and go on from there the next time. The first time, --after says where to begin.",
            HelpName = "file",
        };
        return new Command("watch", "Print the agent's events as they come, until Ctrl-C.") { after, state, EventOptions.All, EventOptions.Types }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            try
            {
                using var inbox = session.Value(state) is { } file ? OpenInbox(file) : null;
                await using var stream = await agent.ConnectWebSocketAsync(
                    session.Value(after), EventOptions.AudienceOf(session), EventOptions.TypesOf(session), inbox, cancellationToken);
                stream.Error += (_, error) => session.Warn($"! {error.Exception.Message}");
                stream.Gap += (_, gap) => session.Warn($"! Events up to {gap.To} are no longer kept ({gap.Reason}); 'capvault orders list' shows where things stand.");
                session.Print.Line("Watching; Ctrl-C ends it.");
                await foreach (var e in stream.ReadAllAsync(cancellationToken))
                {
                    session.Print.Item(e, Describe(e));
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Ctrl-C is how watching ends.
            }
        });
    }

    private static FileInboxStore OpenInbox(string file)
    {
        try
        {
            return FileInboxStore.Open(file);
        }
        catch (InvalidOperationException e)
        {
            throw new CliException(e.Message, "Next: name another file with --state.", ExitCode.Usage);
        }
    }

    /// <summary>One line: when, what, of which order, why.</summary>
    public static string Describe(CapEvent e)
    {
        var subject = e.OrderId ?? e.NegotiationId;
        var reason = e.Reason is null ? "" : $" \"{e.Reason}\"";
        var chain = e.Chain is null ? "" : $" block {e.Chain.BlockNumber} tx {e.Chain.TxHash}";
        return $"{e.OccurredAt:HH:mm:ss} {e.Type.Value,-22} {subject}{reason}{chain}";
    }
}
