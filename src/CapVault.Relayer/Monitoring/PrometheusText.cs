using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace CapVault.Relayer.Monitoring;

/// <summary>Prometheus' text format, version 0.0.4.</summary>
public sealed class PrometheusText
{
    /// <summary>How it is announced.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();
    private string? _family;

    /// <summary>Begins a family, once for all its samples, which follow it.</summary>
    /// <param name="name">As <see cref="NameOf"/> makes it.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    /// <param name="help">For people.</param>
    public void Header(string name, string type, string help)
    {
        if (_family != name)
        {
            _family = name;
            _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help.ReplaceLineEndings(" ")}\n# TYPE {name} {type}\n");
        }
    }

    /// <summary>One number.</summary>
    public void Sample(string name, string labels, double value) =>
        _text.Append(name).Append(labels.Length == 0 ? "" : $"{{{labels}}}").Append(' ').Append(Number(value)).Append('\n');

    /// <summary>One histogram; the format counts in each bucket what the smaller ones have, too.</summary>
    public void Histogram(string name, string labels, double[] bounds, long[] buckets, long count, double sum)
    {
        var comma = labels.Length == 0 ? "" : ",";
        var below = 0L;
        for (var bucket = 0; bucket < bounds.Length; bucket++)
        {
            below += buckets[bucket];
            Sample(name + "_bucket", $"{labels}{comma}le=\"{Number(bounds[bucket])}\"", below);
        }

        Sample(name + "_bucket", $"{labels}{comma}le=\"+Inf\"", count);
        Sample(name + "_sum", labels, sum);
        Sample(name + "_count", labels, count);
    }

    /// <summary>The name of an instrument: the framework's have dots, and a unit beside the name.</summary>
    public static string NameOf(Instrument instrument) =>
        instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");

    /// <summary>Labels as they stand between the braces, by name.</summary>
    public static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.Length == 0)
        {
            return "";
        }

        var labels = tags.ToArray();
        Array.Sort(labels, (one, other) => string.CompareOrdinal(one.Key, other.Key));
        return string.Join(',', labels.Select(label => $"{label.Key.Replace('.', '_')}=\"{Escape(Convert.ToString(label.Value, CultureInfo.InvariantCulture) ?? "")}\""));
    }

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
