using System.CommandLine;

namespace CapVault.Cli;

/// <summary>The command line as a whole.</summary>
public static class CapVaultCli
{
    private const string Description = """
        CapVault: orders between agents, settled by an escrow vault.

        Start with 'capvault sandbox up'. Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 the outcome of a step is not known yet:
        repeat the same command, which joins the same operation.
        """;

    /// <summary>Runs one command.</summary>
    /// <returns>The exit code, one of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellationToken = default)
    {
        var parsed = BuildRoot().Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var problem in parsed.Errors)
            {
                await error.WriteLineAsync(problem.Message);
            }

            var names = parsed.CommandResult.Command.Parents.Any() ? $"capvault {PathOf(parsed.CommandResult.Command)}" : "capvault";
            await error.WriteLineAsync($"Run '{names} --help' to see what is expected.");
            return ExitCode.Usage;
        }

        var invocation = new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = TimeSpan.FromSeconds(30), // 'sandbox up' takes down on Ctrl-C what it has started
        };
        return await parsed.InvokeAsync(invocation, cancellationToken);
    }

    internal static RootCommand BuildRoot()
    {
        var root = new RootCommand(Description)
        {
            SandboxCommands.Create(),
            AgentsCommands.Create(),
            ServicesCommands.Create(),
            KeysCommands.Create(),
            KeysCommands.SignIn(),
            NegotiationCommands.Negotiate(),
            NegotiationCommands.Accept(),
            OrdersCommands.Pay(),
            OrdersCommands.Deliver(),
            OrdersCommands.Release(),
            OrdersCommands.Dispute(),
            VaultCommands.Approve(),
            VaultCommands.Resolve(),
            OrdersCommands.Reject(),
            OrdersCommands.Expire(),
            OrdersCommands.Create(),
            FilesCommands.Create(),
            EventsCommands.Create(),
            WatchCommand.Create(),
            MigrateCommand.Create(),
            RelayerCommands.Create(),
        };
        foreach (var option in GlobalOptions.All)
        {
            root.Options.Add(option);
        }

        return root;
    }

    private static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent and not RootCommand ? $"{PathOf(parent)} {command.Name}" : command.Name;
}

/// <summary>What the process says at its end.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>Refused, or it failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line or a value on it is wrong.</summary>
    public const int Usage = 2;

    /// <summary>A step was taken, and its outcome is not proven yet.</summary>
    public const int OutcomeUnknown = 3;
}
