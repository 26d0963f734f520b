using System.Diagnostics.Metrics;
using CapVault.Relayer.Monitoring;

namespace CapVault.Tests.Relayer;

/// <summary>Prometheus' text format: what breaks it would hide every other number, too.</summary>
public sealed class PrometheusTextTests
{
    [Fact]
    public void What_callers_choose_cannot_break_out_of_a_label()
    {
        var text = new PrometheusText();

        text.Header("a_total", "counter", "Two\nlines.");
        text.Sample("a_total", PrometheusText.LabelsOf([new("z", "x"), new("route", "a\"b\\c\nd 1\n# TYPE evil counter")]), 1);

        text.ToString().Should().Be("# HELP a_total Two lines.\n# TYPE a_total counter\na_total{route=\"a\\\"b\\\\c\\nd 1\\n# TYPE evil counter\",z=\"x\"} 1\n");
    }

    [Fact]
    public void Buckets_count_what_the_smaller_ones_have_too()
    {
        var text = new PrometheusText();

        text.Histogram("a", "k=\"v\"", [0.1, 1], [2, 3], count: 6, sum: 12.5);

        text.ToString().Should().Be("a_bucket{k=\"v\",le=\"0.1\"} 2\na_bucket{k=\"v\",le=\"1\"} 5\na_bucket{k=\"v\",le=\"+Inf\"} 6\na_sum{k=\"v\"} 12.5\na_count{k=\"v\"} 6\n");
    }

    [Fact]
    public void The_frameworks_names_become_Prometheus()
    {
        using var meter = new Meter("test");

        PrometheusText.NameOf(meter.CreateHistogram<double>("http.server.request.duration", "s")).Should().Be("http_server_request_duration_seconds");
        PrometheusText.NameOf(meter.CreateCounter<long>("capvault_reorgs_total")).Should().Be("capvault_reorgs_total");
    }
}
