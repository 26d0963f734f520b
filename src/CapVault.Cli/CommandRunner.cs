using System.CommandLine;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>Runs a command's body; failures become a message with the next step on standard error, and an exit code.</summary>
internal static class CommandRunner
{
    /// <summary>Gives the command its body.</summary>
    public static Command Runs(this Command command, Func<Session, CancellationToken, Task> body)
    {
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var session = new Session(parsed);
            try
            {
                await body(session, cancellationToken);
                return ExitCode.Ok;
            }
            catch (Exception e)
            {
                var (message, next, code) = Explain(e, cancellationToken);
                var error = parsed.InvocationConfiguration.Error;
                if (session.Json)
                {
                    await error.WriteLineAsync(JsonSerializer.Serialize(new { error = message, next, exitCode = code }, CapJson.Options));
                }
                else
                {
                    await error.WriteLineAsync(next.Length == 0 ? message : $"{message}\n{next}");
                }

                return code;
            }
        });
        return command;
    }

    private static (string Message, string Next, int Code) Explain(Exception exception, CancellationToken cancellationToken) => exception switch
    {
        CliException e => (e.Message, e.Next, e.ExitCode),
        OutcomeUnknownException e => (
            e.UserOpHash is null ? e.Message : $"{e.Message} Operation {e.UserOpHash}.",
            "Next: repeat the same command.",
            ExitCode.OutcomeUnknown),
        InsufficientBalanceException e => (
            e.Message,
            $"Next: deposit {Money.Format(e.Required - e.Balance)} USDC more and pay again; in a sandbox: capvault sandbox faucet <address> <amount>.",
            ExitCode.Failure),
        CapApiException { HttpStatus: 0, Code: ErrorCodes.RelayerUnavailable } e => (
            e.Message, "Next: look at 'capvault sandbox status', or name another relayer with --api.", ExitCode.Failure),
        CapApiException e when CapErrors.IsUnauthorized(e) => (
            e.Message, "Next: check --key; the sandbox's keys are in .capvault/sandbox.json and change with every 'sandbox up'.", ExitCode.Failure),
        CapApiException { Code: ErrorCodes.ThirdPartiesNotAccepted } e => (
            e.Message,
            "Next: to accept them, repeat with --arbiter, --review-seconds, --approver, --commission-to and --commission-bps just as the service names them; with none of these for nobody.",
            ExitCode.Failure),
        CapApiException e when CapErrors.IsInvalidParams(e) => (e.Message, "", ExitCode.Usage),
        CapApiException { Retryable: true } e => (e.Message, "Next: the same command may succeed later.", ExitCode.Failure),
        CapApiException e => (e.Message, "", ExitCode.Failure),
        ArgumentException e => (e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), "", ExitCode.Usage),
        OperationCanceledException when cancellationToken.IsCancellationRequested => ("Cancelled.", "", ExitCode.Failure),
        IOException or UnauthorizedAccessException => (exception.Message, "", ExitCode.Failure),
        // A bug: everything that helps to find it.
        _ => (exception.ToString(), "Next: please report this.", ExitCode.Failure),
    };
}
