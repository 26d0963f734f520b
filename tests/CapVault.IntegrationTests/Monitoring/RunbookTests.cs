using System.Text.RegularExpressions;
using CapVault.Cli;
using CapVault.Relayer;

namespace CapVault.IntegrationTests;

/// <summary>docs/runbook.md and docs/alarms.yml against the running relayer: what is read at night must be there.</summary>
public sealed partial class RunbookTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly string Runbook = File.ReadAllText(Path.Combine(Repository.Root, "docs", "runbook.md"));
    private static readonly string Alarms = File.ReadAllText(Path.Combine(Repository.Root, "docs", "alarms.yml"));

    // Prometheus' own: whether it could read at all, and what its configuration calls us.
    private static readonly string[] OfPrometheus = ["up", "job", "instance", "le"];

    [Fact]
    public async Task Every_metric_is_explained_and_every_explained_one_exists()
    {
        await sandbox.PaidOrderAsync();
        var scrape = await Scrape.OfAsync(sandbox.Relayer);

        var explained = MetricRow().Matches(Runbook).SelectMany(row => Code().Matches(row.Groups["names"].Value)).Select(code => code.Groups["code"].Value);

        explained.Should().BeEquivalentTo(scrape.Families.Keys);
        foreach (Match row in MetricRow().Matches(Runbook))
        {
            var labels = row.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(label => label != "…").ToList();
            foreach (Match name in Code().Matches(row.Groups["names"].Value))
            {
                var known = scrape.LabelsOf(name.Groups["code"].Value).Except(OfPrometheus, StringComparer.Ordinal).ToList();
                if (known.Count > 0)
                {
                    labels.Should().NotBeEmpty(name.Value).And.BeSubsetOf(known, name.Value);
                }
            }
        }
    }

    [Fact]
    public async Task Alarms_look_at_metrics_and_labels_that_there_are()
    {
        await sandbox.PaidOrderAsync();
        var scrape = await Scrape.OfAsync(sandbox.Relayer);
        var histograms = scrape.Families.Where(family => family.Value == "histogram").SelectMany(family => new[] { "_bucket", "_sum", "_count" }.Select(suffix => family.Key + suffix));
        var metrics = scrape.Families.Where(family => family.Value != "histogram").Select(family => family.Key).Concat(histograms).Concat(OfPrometheus).ToHashSet(StringComparer.Ordinal);
        var labels = scrape.LabelsOf().Concat(OfPrometheus).ToHashSet(StringComparer.Ordinal);
        var expressions = Expression().Matches(Alarms).Select(match => match.Groups["expr"].Value).ToList();

        expressions.Should().HaveCountGreaterThan(20);
        foreach (var expression in expressions)
        {
            Selector().Matches(expression).Select(match => match.Groups["name"].Value).Where(name => name.Contains('_', StringComparison.Ordinal) || name == "up").Except(Functions, StringComparer.Ordinal)
                .Should().NotBeEmpty(expression).And.BeSubsetOf(metrics.Concat(labels), expression);
            Matcher().Matches(expression).Select(match => match.Groups["label"].Value).Should().BeSubsetOf(labels, expression);
        }
    }

    [Fact]
    public void Every_alarm_says_what_to_do()
    {
        var rules = Rule().Matches(Alarms).Select(match => match.Groups["name"].Value).ToList();
        var sections = Section().Matches(Runbook).ToDictionary(match => match.Groups["name"].Value, match => match.Groups["text"].Value, StringComparer.Ordinal);

        sections.Keys.Should().BeEquivalentTo(rules).And.OnlyHaveUniqueItems();
        sections.Should().OnlyContain(section => section.Value.Contains("**Do:**", StringComparison.Ordinal));
        Reference().Matches(Runbook).Select(match => match.Value).Should().BeSubsetOf(rules, "it sends nobody to an alarm that is not there");
    }

    [Fact]
    public async Task Settings_and_commands_are_the_relayers()
    {
        var options = new RelayerOptions();
        var named = Setting().Matches(Runbook).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal).ToList();
        named.Should().NotBeEmpty().And.BeSubsetOf(typeof(RelayerOptions).GetProperties().Select(property => property.Name));
        foreach (Match row in SettingRow().Matches(Runbook))
        {
            var value = Convert.ToString(typeof(RelayerOptions).GetProperty(row.Groups["name"].Value)!.GetValue(options), System.Globalization.CultureInfo.InvariantCulture)!;
            row.Groups["default"].Value.Replace(" ", "", StringComparison.Ordinal).Should().BeEquivalentTo(value.Length == 0 ? "none" : value, row.Value);
        }

        var help = Command().Matches(Runbook).Select(match => match.Groups["line"].Value.Split(' ')).ToList();
        help.Should().NotBeEmpty();
        foreach (var line in help)
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            (await CapVaultCli.RunAsync([.. line, "--help"], output, error)).Should().Be(ExitCode.Ok, string.Join(' ', line));
        }
    }

    private static readonly string[] Functions = ["histogram_quantile", "min_over_time", "group_left"];

    [GeneratedRegex(@"^\| (?<names>`[a-z_]+`(, `[a-z_]+`)*) \| (?<labels>[^|]*)\|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex MetricRow();

    [GeneratedRegex("`(?<code>[a-z_]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Code();

    [GeneratedRegex(@"^\s+expr: (?<expr>.+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Expression();

    [GeneratedRegex(@"alert: (?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Rule();

    [GeneratedRegex("(?<![\"=~\\w])(?<name>[a-z][a-z_]+)(?![\\w\"])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Selector();

    [GeneratedRegex("(?<label>[a-z_]+)(=~|!=|=)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Matcher();

    [GeneratedRegex(@"^### (?<name>\w+)\n(?<text>(?!#)[\s\S]*?)(?=^#|\z)", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Section();

    [GeneratedRegex(@"\bCapVault[A-Z]\w+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Reference();

    [GeneratedRegex(@"CapVault__(?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Setting();

    [GeneratedRegex(@"^\| `CapVault__(?<name>\w+)` \| (?<default>[^|]+) \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex SettingRow();

    [GeneratedRegex(@"\bcapvault (?<line>(relayer|keys) [a-z]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Command();
}
