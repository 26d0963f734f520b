using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CapVault.Relayer.Monitoring;

/// <summary>What is counted as it happens. What can be read when somebody asks is in <see cref="Gauges"/>. Names and units by Prometheus' conventions.</summary>
public sealed class RelayerMetrics
{
    private readonly Histogram<double> _inclusion;
    private readonly Counter<long> _ended;
    private readonly Histogram<long> _bundleSize;
    private readonly Histogram<double> _gas;
    private readonly Counter<long> _reorgs;
    private readonly Counter<long> _rateLimited;

    /// <param name="factory">The host's: two relayers in one process must not count together.</param>
    public RelayerMetrics(IMeterFactory factory)
    {
        Meter = factory.Create("CapVault.Relayer");
        _inclusion = Histogram<double>(
            "capvault_operation_inclusion_seconds",
            "From the commit that promised an operation until the block that includes it was applied.",
            0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60, 300, 900);
        _ended = Meter.CreateCounter<long>("capvault_operations_ended_total", description: "Operations whose outcome is known, by kind and outcome.");
        _bundleSize = Histogram<long>("capvault_bundle_operations", "Operations in a bundle that was mined.", 1, 2, 5, 10, 20, 30, 40, 50, 100, 200);
        _gas = Histogram<double>(
            "capvault_operation_gas",
            "Gas of a mined bundle's transaction, per operation in it.",
            50_000, 55_000, 60_000, 65_000, 70_000, 80_000, 100_000, 150_000, 200_000, 300_000, 500_000, 1_000_000);
        _reorgs = Meter.CreateCounter<long>("capvault_reorgs_total", description: "How often blocks that had been applied were taken back.");
        _rateLimited = Meter.CreateCounter<long>("capvault_rate_limited_total", description: "Requests that were refused because their caller sends too many.");
    }

    /// <summary>Of everything here.</summary>
    public Meter Meter { get; }

    /// <summary>An operation's outcome is known.</summary>
    /// <param name="kind">One of <see cref="Operations.OperationKind"/>.</param>
    /// <param name="outcome">included, reverted, rejected, expired, failed or superseded.</param>
    /// <param name="since">How long ago it was promised.</param>
    public void Ended(string kind, string outcome, TimeSpan since)
    {
        _ended.Add(1, new TagList { { "kind", kind }, { "outcome", outcome } });
        if (outcome is "included" or "reverted")
        {
            _inclusion.Record(since.TotalSeconds, new TagList { { "kind", kind } });
        }
    }

    /// <summary>A bundle was mined.</summary>
    public void BundleMined(int operations, double gasUsed)
    {
        _bundleSize.Record(operations);
        _gas.Record(gasUsed / operations);
    }

    /// <summary>Blocks were taken back.</summary>
    public void Reorganised() => _reorgs.Add(1);

    /// <summary>A request was refused.</summary>
    public void RateLimited() => _rateLimited.Add(1);

    private Histogram<T> Histogram<T>(string name, string description, params T[] bounds)
        where T : struct => Meter.CreateHistogram(name, unit: null, description, tags: null, new InstrumentAdvice<T> { HistogramBucketBoundaries = bounds });
}
