using System.Text.RegularExpressions;

namespace CapVault.Tests;

/// <summary>Every row of the core profile is proven by a test that is named after it; scripts/features.sh tells what they came to.</summary>
public partial class FeaturesTests
{
    // Of a later profile: fund transfers, pages, reviews, MCP.
    private static readonly string[] Later = ["CR51", "CR55", "CR58", "CR64", "CR66"];

    [Fact]
    public void Every_row_of_the_core_profile_has_a_test_that_is_named_after_it()
    {
        var rows = RowId().Matches(File.ReadAllText(Repository.File("tests", "features.csv"))).Select(match => $"CR{match.Groups["number"].Value}").ToList();
        rows.Should().HaveCount(67).And.OnlyHaveUniqueItems();

        var proven = Directory.EnumerateFiles(Repository.File("tests"), "*", SearchOption.AllDirectories)
            .Where(file => file.EndsWith(".cs", StringComparison.Ordinal) || file.EndsWith(".t.sol", StringComparison.Ordinal))
            .SelectMany(file => TestName().Matches(File.ReadAllText(file)).Select(match => match.Groups["row"].Value))
            .ToHashSet(StringComparer.Ordinal);

        rows.Except(Later, StringComparer.Ordinal).Except(proven, StringComparer.Ordinal).Should().BeEmpty("each of these rows needs a test: CRnn_What_is_proven");
    }

    [GeneratedRegex(@"^CR-(?<number>\d\d),", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RowId();

    [GeneratedRegex(@"\b(public (async )?(Task|void) |function test(Fuzz)?_)(?<row>CR\d\d)_\w", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TestName();
}
