using System.Text.RegularExpressions;

namespace CapVault.IntegrationTests;

/// <summary>What the README promises.</summary>
public sealed partial class DemoTests
{
    [Fact]
    public async Task CR40_The_demo_runs_in_a_clean_sandbox_and_shows_what_happened()
    {
        await SandboxChain.DeployedAsync(); // the demo's deployment writes the same file as ours

        var output = await Repository.RunAsync("bash", ["scripts/demo.sh"]).WaitAsync(TimeSpan.FromMinutes(10));

        Transactions().Matches(output).Select(match => match.Value).Distinct(StringComparer.Ordinal)
            .Should().HaveCountGreaterThanOrEqualTo(9, "a settled, a rejected and an expired order take three each");
        var hash = (await Repository.RunAsync(Repository.Tool("cast"), ["keccak", "Bonjour le monde"])).Trim();
        output.Should().Contain($"keccak256 {hash}, computed here and confirmed by the vault");
        output.Should().Contain("The sandbox is down.");
    }

    [GeneratedRegex("tx 0x[0-9a-f]{64}", RegexOptions.None, 1000)]
    private static partial Regex Transactions();
}
