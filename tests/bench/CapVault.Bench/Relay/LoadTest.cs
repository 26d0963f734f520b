using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Bench.Relay;

/// <summary>Puts one bundler under load and measures it.</summary>
internal sealed class LoadTest(string name, Node node, Bundler bundler, Inclusions inclusions, OperationFactory factory, IReadOnlyDictionary<string, ProcessUsage> processes)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly ConcurrentQueue<Sent> _sent = new();
    private int _refused;

    private sealed record Sent(long At, long Acknowledged, Task<Inclusions.Inclusion> Included);

    /// <summary>As many operations at a time as <paramref name="inFlight"/>, each of another nonce lane; the next follows the inclusion of the one before.</summary>
    public Task<Measurement> ClosedAsync(int inFlight, TimeSpan length, CancellationToken cancellationToken) => MeasureAsync(
        $"closed {inFlight}",
        async watch =>
        {
            await Task.WhenAll(factory.Slots.Take(inFlight).Select(async slot =>
            {
                var operation = await factory.NextAsync(slot, cancellationToken);
                while (watch.Elapsed < length)
                {
                    var landing = LandsAsync(operation, cancellationToken);
                    // Signed while the one before is on its way, so that it is not the client that is measured.
                    var next = await factory.NextAsync(slot, cancellationToken);
                    operation = await landing ? next : await AgainAsync(operation, cancellationToken);
                }

                slot.Sequence = operation.Sequence;
            }));
            return watch.Elapsed;
        },
        cancellationToken);

    /// <summary>So many operations a second, whatever becomes of them.</summary>
    public Task<Measurement> OpenAsync(int perSecond, TimeSpan length, CancellationToken cancellationToken) => MeasureAsync(
        string.Create(CultureInfo.InvariantCulture, $"open {perSecond}/s"),
        async watch =>
        {
            var count = (int)(perSecond * length.TotalSeconds);
            var signed = Channel.CreateBounded<SignedOperation>(perSecond);
            var signing = Task.Run(() => SignAsync(signed.Writer, count, cancellationToken), cancellationToken);
            var sending = new List<Task>();
            while (signed.Reader.Count < Math.Min(perSecond / 2, count))
            {
                await Task.Delay(20, cancellationToken);
            }

            watch.Restart();
            for (var number = 0; number < count; number++)
            {
                var operation = await signed.Reader.ReadAsync(cancellationToken);
                var due = TimeSpan.FromSeconds((double)number / perSecond) - watch.Elapsed;
                if (due > TimeSpan.Zero)
                {
                    await Task.Delay(due, cancellationToken);
                }

                sending.Add(SendOrGiveUpAsync(operation, cancellationToken));
            }

            var elapsed = watch.Elapsed;
            await signing;
            await Task.WhenAll(sending);
            return elapsed;
        },
        cancellationToken);

    private async Task SignAsync(ChannelWriter<SignedOperation> writer, int count, CancellationToken cancellationToken)
    {
        for (var number = 0; number < count; number++)
        {
            await writer.WriteAsync(await factory.NextAsync(factory.Slots[number % factory.Slots.Count], cancellationToken), cancellationToken);
        }
    }

    private async Task SendOrGiveUpAsync(SignedOperation operation, CancellationToken cancellationToken)
    {
        if (await SendAsync(operation, cancellationToken) is null)
        {
            operation.Slot.Sequence = operation.Sequence;
        }
    }

    private async Task<bool> LandsAsync(SignedOperation operation, CancellationToken cancellationToken) =>
        await SendAsync(operation, cancellationToken) is { } included && await Task.WhenAny(included, Task.Delay(Grace, cancellationToken)) == included;

    // Refused or lost: its place in the lane is still free.
    private async Task<SignedOperation> AgainAsync(SignedOperation lost, CancellationToken cancellationToken)
    {
        lost.Slot.Sequence = lost.Sequence;
        await Task.Delay(100, cancellationToken);
        return await factory.NextAsync(lost.Slot, cancellationToken);
    }

    private async Task<Task<Inclusions.Inclusion>?> SendAsync(SignedOperation operation, CancellationToken cancellationToken)
    {
        var included = inclusions.OfAsync(operation.Hash);
        var at = Stopwatch.GetTimestamp();
        var (hash, refused) = await bundler.SendAsync(operation.Operation, cancellationToken);
        if (hash is null)
        {
            if (Interlocked.Increment(ref _refused) == 1)
            {
                Console.Error.WriteLine($"{name}: {refused}");
            }

            return null;
        }

        if (!hash.Equals(operation.Hash, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidOperationException($"{name} calls the operation {hash}, its hash is {operation.Hash}.");
        }

        _sent.Enqueue(new Sent(at, Stopwatch.GetTimestamp(), included));
        return included;
    }

    private async Task<Measurement> MeasureAsync(string load, Func<Stopwatch, Task<TimeSpan>> run, CancellationToken cancellationToken)
    {
        _sent.Clear();
        _refused = 0;
        var before = processes.ToDictionary(process => process.Key, process => process.Value.CpuMilliseconds(), StringComparer.Ordinal);
        var begin = Stopwatch.GetTimestamp();
        var length = await run(Stopwatch.StartNew());
        await Task.WhenAny(Task.WhenAll(_sent.Select(sent => sent.Included)), Task.Delay(Grace, cancellationToken));

        var cpu = processes.ToDictionary(process => process.Key, process => process.Value.CpuMilliseconds() - before[process.Key], StringComparer.Ordinal);
        var included = _sent.Where(sent => sent.Included.IsCompletedSuccessfully).ToList();
        var last = included.Count == 0 ? begin : included.Max(sent => sent.Included.Result.At);
        // Of an open load that the bundler cannot follow, the time until the last inclusion counts.
        var seconds = Math.Max(length.TotalSeconds, Stopwatch.GetElapsedTime(included.Count == 0 ? begin : included.Min(sent => sent.At), last).TotalSeconds);
        var latencies = included.Select(sent => Stopwatch.GetElapsedTime(sent.At, sent.Included.Result.At).TotalMilliseconds).Order().ToList();
        return new Measurement
        {
            Bundler = name,
            Load = load,
            PerSecond = included.Count / seconds,
            P50 = Percentile(latencies, 0.50),
            P95 = Percentile(latencies, 0.95),
            P99 = Percentile(latencies, 0.99),
            AcknowledgedP99 = Percentile([.. _sent.Select(sent => Stopwatch.GetElapsedTime(sent.At, sent.Acknowledged).TotalMilliseconds).Order()], 0.99),
            Refused = _refused,
            Missing = _sent.Count - included.Count,
            Reverted = included.Count(sent => !sent.Included.Result.Succeeded),
            GasPerOperation = await GasAsync(included) / Math.Max(1, included.Count),
            Cpu = cpu.ToDictionary(part => part.Key, part => part.Value / Math.Max(1, included.Count), StringComparer.Ordinal),
            PeakMemory = processes[name].PeakMebibytes(),
        };
    }

    private async Task<double> GasAsync(List<Sent> included)
    {
        double gas = 0;
        foreach (var txHash in included.Select(sent => sent.Included.Result.TxHash).Distinct(StringComparer.Ordinal))
        {
            gas += (double)(await node.RequestAsync<TransactionReceipt>("eth_getTransactionReceipt", txHash)).GasUsed.Value;
        }

        return gas;
    }

    private static double Percentile(List<double> sorted, double share) => sorted.Count == 0 ? 0 : sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];
}
