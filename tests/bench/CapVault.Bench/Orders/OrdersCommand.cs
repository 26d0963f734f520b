using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using CapVault.Sdk;

namespace CapVault.Bench.Orders;

/// <summary><c>orders</c>: whole orders (negotiate → accept → pay → deliver → settled) against a running sandbox, closed loop.</summary>
internal static class OrdersCommand
{
    public static Command Create()
    {
        var api = new Argument<string>("api") { Description = "The relayer's URL" };
        var key = new Argument<FileInfo>("key") { Description = "File with the operator's key" };
        var pairs = new Option<int>("--pairs") { DefaultValueFactory = _ => 8, Description = "Requesters with a Provider each" };
        var inFlight = new Option<int>("--in-flight") { DefaultValueFactory = _ => 64, Description = "Orders at a time" };
        var seconds = new Option<int>("--seconds") { DefaultValueFactory = _ => 30 };
        var command = new Command("orders", "Whole orders, closed loop") { api, key, pairs, inFlight, seconds };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var config = new Config { BaseUrl = parsed.GetRequiredValue(api) };
            using var setup = new SetupClient(config, (await File.ReadAllTextAsync(parsed.GetRequiredValue(key).FullName, cancellationToken)).Trim());
            await RunAsync(setup, config, parsed.GetValue(pairs), parsed.GetValue(inFlight), parsed.GetValue(seconds));
        });
        return command;
    }

    private static async Task RunAsync(SetupClient setup, Config config, int pairCount, int inFlight, int seconds)
    {
        var pairs = new List<Pair>();
        for (var number = 0; number < pairCount; number++)
        {
            pairs.Add(await Pair.CreateAsync(setup, config, number));
        }

        // The first order of each pair waits for its accounts to be deployed, and warms everything up.
        await Task.WhenAll(pairs.Select(pair => pair.OrderAsync()));

        Console.WriteLine("one after the other …");
        var alone = await MeasureAsync(pairs, 1, seconds / 2);
        Console.WriteLine($"{inFlight} at a time …");
        var together = await MeasureAsync(pairs, inFlight, seconds);

        Print("1 in flight", alone);
        Print($"{inFlight} in flight", together);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio to one after the other: {together.PerMinute / alone.PerMinute:F1}"));
    }

    private static async Task<Result> MeasureAsync(List<Pair> pairs, int inFlight, int seconds)
    {
        var latencies = new ConcurrentBag<double>();
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async worker =>
        {
            while (watch.Elapsed.TotalSeconds < seconds)
            {
                var begin = watch.Elapsed;
                await pairs[worker % pairs.Count].OrderAsync();
                latencies.Add((watch.Elapsed - begin).TotalSeconds);
            }
        }));
        var sorted = latencies.Order().ToList();
        return new Result(sorted.Count / watch.Elapsed.TotalMinutes, sorted[sorted.Count / 2], sorted[(int)(sorted.Count * 0.99)], sorted.Count);
    }

    private static void Print(string name, Result result) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-14} {result.PerMinute,7:F0} orders/min ({result.PerMinute / 60:F1}/s)   order p50 {result.P50,5:F2} s   p99 {result.P99,5:F2} s   ({result.Count} orders)"));
}
