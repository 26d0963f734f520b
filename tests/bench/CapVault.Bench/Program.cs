using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using CapVault.Bench;
using CapVault.Sdk;

// Whole orders (negotiate → accept → pay → deliver → settled) against a running sandbox, closed loop.
// usage: CapVault.Bench <api url> <operator key file> <pairs of agents> <orders in flight> <seconds>
var (baseUrl, operatorKey) = (args[0], await File.ReadAllTextAsync(args[1]));
var (pairCount, inFlight, seconds) = (Number(args[2]), Number(args[3]), Number(args[4]));
var config = new Config { BaseUrl = baseUrl };
using var setup = new SetupClient(config, operatorKey.Trim());

var pairs = new List<Pair>();
for (var number = 0; number < pairCount; number++)
{
    pairs.Add(await Pair.CreateAsync(setup, config, number));
}

// The first order of each pair waits for its accounts to be deployed, and warms everything up.
await Task.WhenAll(pairs.Select(pair => pair.OrderAsync()));

Console.WriteLine("one after the other …");
var alone = await RunAsync(pairs, 1, seconds / 2);
Console.WriteLine($"{inFlight} at a time …");
var together = await RunAsync(pairs, inFlight, seconds);

Print("1 in flight", alone);
Print($"{inFlight} in flight", together);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio to one after the other: {together.PerMinute / alone.PerMinute:F1}"));

static async Task<Result> RunAsync(List<Pair> pairs, int inFlight, int seconds)
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

static void Print(string name, Result result) => Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{name,-14} {result.PerMinute,7:F0} orders/min   order p50 {result.P50,5:F2} s   p99 {result.P99,5:F2} s   ({result.Count} orders)"));

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
