using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Monitoring;

/// <summary>Adds up what this relayer's instruments report, and those of the framework that are worth it, until somebody asks.</summary>
public sealed class PrometheusCollector : IDisposable
{
    private static readonly string[] OfFramework = ["http.server.request.duration"];

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, Family> _families = new(StringComparer.Ordinal);

    /// <param name="factory">The host's, by which the framework's instruments of another relayer in this process are told apart.</param>
    /// <param name="metrics">The relayer's.</param>
    /// <param name="db">The database's.</param>
    public PrometheusCollector(IMeterFactory factory, RelayerMetrics metrics, Db db)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            var isOurs = instrument.Meter == metrics.Meter || instrument.Meter == db.Meter;
            if (isOurs || (instrument.Meter.Scope == factory && OfFramework.Contains(instrument.Name, StringComparer.Ordinal)))
            {
                var family = new Family(instrument);
                _families[family.Name] = family;
                listener.EnableMeasurementEvents(instrument, family);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, value, tags, family) => ((Family)family!).Record(value, tags));
        _listener.SetMeasurementEventCallback<long>((_, value, tags, family) => ((Family)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>Everything so far.</summary>
    public void Write(PrometheusText text)
    {
        foreach (var family in _families.Values.OrderBy(family => family.Name, StringComparer.Ordinal))
        {
            family.Write(text);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private sealed class Family(Instrument instrument)
    {
        private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
        private readonly double[]? _bounds = instrument switch
        {
            Histogram<double> histogram => [.. histogram.Advice?.HistogramBucketBoundaries ?? []],
            Histogram<long> histogram => [.. (histogram.Advice?.HistogramBucketBoundaries ?? []).Select(bound => (double)bound)],
            _ => null,
        };

        public string Name { get; } = PrometheusText.NameOf(instrument);

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var series = _series.GetOrAdd(PrometheusText.LabelsOf(tags), _ => new Series(_bounds?.Length ?? 0));
            lock (series)
            {
                series.Sum += value;
                series.Count++;
                if (_bounds is not null)
                {
                    var bucket = Array.BinarySearch(_bounds, value);
                    bucket = bucket < 0 ? ~bucket : bucket; // the first bound that is not below it
                    if (bucket < _bounds.Length)
                    {
                        series.Buckets[bucket]++;
                    }
                }
            }
        }

        public void Write(PrometheusText text)
        {
            text.Header(Name, _bounds is null ? "counter" : "histogram", instrument.Description ?? "");
            foreach (var (labels, series) in _series.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                lock (series)
                {
                    if (_bounds is null)
                    {
                        text.Sample(Name, labels, series.Sum);
                    }
                    else
                    {
                        text.Histogram(Name, labels, _bounds, series.Buckets, series.Count, series.Sum);
                    }
                }
            }
        }
    }

    private sealed class Series(int buckets)
    {
        public long[] Buckets { get; } = new long[buckets];

        public long Count { get; set; }

        public double Sum { get; set; }
    }
}
