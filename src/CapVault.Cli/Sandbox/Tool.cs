using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace CapVault.Cli.Sandbox;

/// <summary>Runs a program to its end.</summary>
internal static class Tool
{
    /// <summary>Both outputs together, and the exit code; null where the program is missing.</summary>
    public static async Task<(int ExitCode, string Output)?> RunAsync(
        string program, IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = new Process { StartInfo = start };
        var output = new StringBuilder();
        DataReceivedEventHandler collect = (_, line) =>
        {
            lock (output)
            {
                output.AppendLine(line.Data);
            }
        };
        process.OutputDataReceived += collect;
        process.ErrorDataReceived += collect;
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, output.ToString());
    }

    /// <summary>The last lines of what a program said.</summary>
    public static string Tail(string output, int lines = 15) =>
        string.Join('\n', output.TrimEnd().Split('\n').TakeLast(lines).Select(line => "  | " + line.TrimEnd()));
}
