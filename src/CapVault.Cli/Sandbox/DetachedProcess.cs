using System.Diagnostics;

namespace CapVault.Cli.Sandbox;

/// <summary>Starts processes that outlive this one.</summary>
internal static class DetachedProcess
{
    // A session of its own (or, without setsid, deaf to the hang-up): neither Ctrl-C here nor the end of the terminal reaches it. Both exec, so the number that
    // Process knows is that of the program itself.
    private const string Script = """
        log=$1; shift
        exec $(command -v setsid || command -v nohup) "$@" >"$log" 2>&1 </dev/null
        """;

    /// <summary>Runs a program with its output in a file.</summary>
    public static ProcessId Start(
        string program, IEnumerable<string> arguments, string folder, string log, IReadOnlyDictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "sh", log, program, .. arguments]) { WorkingDirectory = folder };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start) ?? throw new InvalidOperationException("Found no process, expected /bin/sh.");
        return ProcessId.Of(process);
    }
}
