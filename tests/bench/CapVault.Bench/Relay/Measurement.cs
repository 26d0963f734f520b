using System.Globalization;

namespace CapVault.Bench.Relay;

/// <summary>What one load did to one bundler.</summary>
internal sealed record Measurement
{
    public required string Bundler { get; init; }

    /// <summary>Such as <c>closed 128</c> or <c>open 60/s</c>.</summary>
    public required string Load { get; init; }

    /// <summary>Operations in blocks, a second.</summary>
    public required double PerSecond { get; init; }

    /// <summary>From handing over to a newHeads subscriber's sight of the block, milliseconds.</summary>
    public required double P50 { get; init; }

    public required double P95 { get; init; }

    public required double P99 { get; init; }

    /// <summary>From handing over to the answer, milliseconds.</summary>
    public required double AcknowledgedP99 { get; init; }

    /// <summary>Operations that were not taken.</summary>
    public required int Refused { get; init; }

    /// <summary>Operations that were taken, and not in a block 10 s after the load ended.</summary>
    public required int Missing { get; init; }

    /// <summary>Operations in blocks without effect.</summary>
    public required int Reverted { get; init; }

    /// <summary>Of the bundles' transactions.</summary>
    public required double GasPerOperation { get; init; }

    /// <summary>CPU milliseconds per operation, by process.</summary>
    public required IReadOnlyDictionary<string, double> Cpu { get; init; }

    /// <summary>Of the bundler, MiB.</summary>
    public required double PeakMemory { get; init; }

    public static string Header =>
        $"{"bundler",-20} {"load",-11} {"ops/s",7} {"p50",6} {"p95",6} {"p99",6} {"ack p99",8} {"gas/op",8} {"memory",7}  refused missing  CPU ms/op";

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Bundler,-20} {Load,-11} {PerSecond,7:F1} {P50,6:F0} {P95,6:F0} {P99,6:F0} {AcknowledgedP99,8:F1} {GasPerOperation,8:F0} {PeakMemory,7:F0}  {Refused,7} {Missing,7}  {string.Join(", ", Cpu.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Key} {part.Value:F2}")))}{(Reverted > 0 ? $"  ({Reverted} reverted)" : "")}");
}
