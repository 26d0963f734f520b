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
        var all = new Option<bool>("--all") { Description = "Every event of the agent's own orders, not only those told to its side." };
        var types = new Option<string[]>("--types")
        {
            Description = "Only these, * as a suffix: order_*",
            HelpName = "type …",
            AllowMultipleArgumentsPerToken = true,
        };
        return new Command("watch", "Print the agent's events as they come, until Ctrl-C.") { after, all, types }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            try
            {
                await using var stream = await agent.ConnectWebSocketAsync(
                    session.Value(after), session.Value(all) ? "all" : null, session.Value(types) is { Length: > 0 } some ? some : null, cancellationToken);
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

    /// <summary>One line: when, what, of which order, why.</summary>
    public static string Describe(CapEvent e)
    {
        var subject = e.OrderId ?? e.NegotiationId;
        var reason = e.Reason is null ? "" : $" \"{e.Reason}\"";
        var chain = e.Chain is null ? "" : $" block {e.Chain.BlockNumber} tx {e.Chain.TxHash}";
        return $"{e.OccurredAt:HH:mm:ss} {e.Type.Value,-22} {subject}{reason}{chain}";
    }
}
