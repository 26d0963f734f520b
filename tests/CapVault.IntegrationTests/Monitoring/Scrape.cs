using System.Globalization;
using System.Text.RegularExpressions;

namespace CapVault.IntegrationTests;

/// <summary>What <c>/metrics</c> says, read as strictly as Prometheus does.</summary>
internal sealed partial class Scrape
{
    private readonly List<(string Name, Dictionary<string, string> Labels, double Value)> _samples = [];

    private Scrape(string text)
    {
        text.Should().EndWith("\n");
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (Type().Match(line) is { Success: true } type)
            {
                Families.Add(type.Groups["name"].Value, type.Groups["type"].Value);
            }
            else if (!line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                var sample = Sample().Match(line);
                sample.Success.Should().BeTrue($"it is a sample: {line}");
                var labels = Label().Matches(sample.Groups["labels"].Value).ToDictionary(label => label.Groups["name"].Value, label => label.Groups["value"].Value, StringComparer.Ordinal);
                _samples.Add((sample.Groups["name"].Value, labels, double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture)));
                Families.Keys.Should().Contain(FamilyOf(_samples[^1].Name), "a family says what it is before its samples");
            }
        }

        _samples.Should().OnlyHaveUniqueItems(sample => sample.Name + string.Join(',', sample.Labels.OrderBy(label => label.Key).Select(label => $"{label.Key}={label.Value}")));
    }

    /// <summary>Type by name.</summary>
    public Dictionary<string, string> Families { get; } = new(StringComparer.Ordinal);

    /// <summary>Names of labels, of a family or of all.</summary>
    public IEnumerable<string> LabelsOf(string? family = null) =>
        _samples.Where(sample => family is null || FamilyOf(sample.Name) == family).SelectMany(sample => sample.Labels.Keys).Distinct(StringComparer.Ordinal);

    public static async Task<Scrape> OfAsync(RelayerServer relayer)
    {
        using var root = new RawApi(relayer.Url, "");
        var answer = await root.GetAsync(relayer.OperatorKey, "metrics");
        answer.Status.Should().Be(System.Net.HttpStatusCode.OK, answer.Body);
        return new Scrape(answer.Body);
    }

    /// <summary>The sum of the samples with this name and these labels; null where there is none.</summary>
    public double? Find(string name, params (string Name, string Value)[] labels)
    {
        var found = _samples.Where(sample => sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).ToList();
        return found.Count == 0 ? null : found.Sum(sample => sample.Value);
    }

    /// <summary>The buckets of a histogram in one series, smallest first.</summary>
    public List<double> Buckets(string name, params (string Name, string Value)[] labels) =>
        [.. _samples.Where(sample => sample.Name == name + "_bucket" && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).Select(sample => sample.Value)];

    private string FamilyOf(string sample)
    {
        var stem = Suffix().Replace(sample, "");
        return Families.GetValueOrDefault(stem) == "histogram" ? stem : sample;
    }

    [GeneratedRegex("^# TYPE (?<name>[a-z][a-z0-9_]*) (?<type>counter|gauge|histogram)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Type();

    [GeneratedRegex("""^(?<name>[a-z][a-z0-9_]*)(\{(?<labels>[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*)\})? (?<value>-?[0-9.]+([eE][+-]?\d+)?)$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sample();

    [GeneratedRegex(@"(?<name>[a-z_]+)=""(?<value>([^""\\]|\\.)*)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Label();

    [GeneratedRegex("_(bucket|sum|count)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Suffix();
}
