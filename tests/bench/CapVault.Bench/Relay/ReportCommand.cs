using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace CapVault.Bench.Relay;

/// <summary><c>report</c>: all measurements side by side, and each bundler's ratio to the reference.</summary>
internal static class ReportCommand
{
    public static Command Create()
    {
        var results = new Argument<string>("results") { Description = "The file that relay has written" };
        var reference = new Option<string>("--reference") { Required = true, Description = "The bundler that the others are compared with" };
        var command = new Command("report", "Measurements side by side") { results, reference };
        command.SetAction((parsed, _) =>
        {
            var lines = File.ReadAllLines(parsed.GetRequiredValue(results));
            Print([.. lines.Select(line => JsonSerializer.Deserialize<Measurement>(line)!)], parsed.GetRequiredValue(reference));
            return Task.CompletedTask;
        });
        return command;
    }

    private static void Print(List<Measurement> measurements, string reference)
    {
        Console.WriteLine(Measurement.Header);
        foreach (var load in measurements.GroupBy(measurement => measurement.Load, StringComparer.Ordinal))
        {
            foreach (var measurement in load)
            {
                Console.WriteLine(measurement);
            }
        }

        // The most that each sustained, in closed loops: in an open one it is the client that decides.
        var best = measurements.Where(measurement => measurement.Load.StartsWith("closed", StringComparison.Ordinal))
            .GroupBy(measurement => measurement.Bundler, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Max(measurement => measurement.PerSecond), StringComparer.Ordinal);
        foreach (var (bundler, perSecond) in best.Where(entry => entry.Key != reference && best.ContainsKey(reference)))
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{bundler}: {perSecond:F1} operations/s at most, {reference}: {best[reference]:F1}; ratio to {reference}: {perSecond / best[reference]:F2}"));
        }
    }
}
