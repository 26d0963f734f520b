using System.Diagnostics;
using System.Globalization;

namespace CapVault.Bench.Relay;

/// <summary>CPU and memory of a running process and its children (PostgreSQL's sessions), from /proc.</summary>
internal sealed class ProcessUsage(int processId)
{
    // USER_HZ: 100 on every Linux that .NET runs on.
    private const double TickMilliseconds = 10;

    /// <summary>CPU time since it started, milliseconds.</summary>
    public double CpuMilliseconds() => Family().Sum(CpuOf);

    /// <summary>The most memory that it has had, MiB.</summary>
    public double PeakMebibytes() => Family().Sum(id => StatusOf(id, "VmHWM:")) / 1024;

    private IEnumerable<int> Family() => Process.GetProcesses()
        .Where(process => process.Id == processId || ParentOf(process.Id) == processId)
        .Select(process => process.Id);

    private static int ParentOf(int id) => Stat(id) is { } fields ? int.Parse(fields[1], CultureInfo.InvariantCulture) : 0;

    // Of a session that has ended its parent counts the time (cutime, cstime), so nothing is lost.
    private double CpuOf(int id)
    {
        if (Stat(id) is not { } fields)
        {
            return 0;
        }

        var own = double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture);
        var ended = id == processId ? double.Parse(fields[13], CultureInfo.InvariantCulture) + double.Parse(fields[14], CultureInfo.InvariantCulture) : 0;
        return (own + ended) * TickMilliseconds;
    }

    private static double StatusOf(int id, string name)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal));
            return double.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            return 0; // it has ended, or is one of the kernel's
        }
    }

    // After the name, which may hold spaces: state, parent, …
    private static string[]? Stat(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
