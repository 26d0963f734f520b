namespace CapVault.Cli;

/// <summary>Ends a command with a message and what to do next.</summary>
internal sealed class CliException(string message, string next, int exitCode = ExitCode.Failure) : Exception(message)
{
    public string Next => next;

    public int ExitCode => exitCode;
}
