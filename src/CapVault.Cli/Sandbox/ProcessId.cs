using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace CapVault.Cli.Sandbox;

/// <summary>A process of ours, told apart from a later one that got its number.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="Started">When it started, as the system tells it.</param>
public sealed record ProcessId(int Pid, string Started)
{
    private const int SigTerm = 15;
    private const int SigKill = 9;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>A process that runs now.</summary>
    public static ProcessId Of(Process process) => new(process.Id, StartOf(process.Id) ?? "");

    /// <summary>Whether it still runs.</summary>
    [JsonIgnore]
    public bool IsAlive => StartOf(Pid) == Started;

    /// <summary>Ends it: asks, and after the patience kills. Returns when it is gone.</summary>
    public async Task StopAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!IsAlive)
        {
            return;
        }

        Signal(SigTerm);
        if (await IsGoneWithinAsync(patience, cancellationToken))
        {
            return;
        }

        if (IsAlive)
        {
            Signal(SigKill);
        }

        if (!await IsGoneWithinAsync(patience, cancellationToken))
        {
            throw new CliException($"Process {Pid} does not end, not even when killed.", $"Next: look at it with 'ps {Pid}'.");
        }
    }

    private async Task<bool> IsGoneWithinAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (IsAlive)
        {
            if (TimeProvider.System.GetElapsedTime(started) > patience)
            {
                return false;
            }

            await Task.Delay(Poll, cancellationToken);
        }

        return true;
    }

    private static string? StartOf(int pid)
    {
        if (OperatingSystem.IsLinux())
        {
            return LinuxStartOf(pid);
        }

        try
        {
            using var process = Process.GetProcessById(pid);
            return process.HasExited ? null : process.StartTime.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    // Field 22 of /proc/<pid>/stat: clock ticks since boot, which setting the clock does not move. Field 3 is Z for a process that has ended and
    // that nobody has asked about, as in containers without an init.
    private static string? LinuxStartOf(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' '); // the name before may hold anything
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Signal(int signal) => _ = Kill(Pid, signal); // gone already is what is wanted

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
