using System.Text.RegularExpressions;

namespace CapVault.Tests;

/// <summary>docs/security.md names the test that covers each lesson: a test that is renamed or goes must be one there too.</summary>
public partial class SecurityDocsTests
{
    [Fact]
    public void Each_test_that_it_names_exists()
    {
        var sources = Directory.EnumerateFiles(Repository.File("tests", "contracts"), "*.sol", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllText, StringComparer.Ordinal);
        var named = Names().Matches(File.ReadAllText(Repository.File("docs", "security.md"))).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal).ToArray();

        named.Should().HaveCountGreaterThan(20);
        named.Should().OnlyContain(name => sources.Any(source =>
            name.EndsWith(".sol", StringComparison.Ordinal) ? Path.GetFileName(source.Key) == name : source.Value.Contains($"function {name}(", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"`(?<name>\w+\.t\.sol|test\w*_\w+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();
}
