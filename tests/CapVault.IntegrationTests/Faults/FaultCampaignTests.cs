using Xunit.Abstractions;

namespace CapVault.IntegrationTests.Faults;

/// <summary>The relayer is killed at every point of a transaction's way, on a bad node and a chain that takes blocks back: what it acknowledged happens, and
/// happens once. scripts/faults.sh is the long form.</summary>
public sealed class FaultCampaignTests(ITestOutputHelper output)
{
    private readonly int _seed = Random.Shared.Next();

    [Fact]
    public async Task Nothing_acknowledged_is_lost_doubled_misordered_or_stuck()
    {
        var verdict = await Campaign.RunAsync(new CampaignOptions(Kills: 7, _seed), output.WriteLine);

        verdict.Findings.Should().BeEmpty($"the seed is {_seed}");
        verdict.Acknowledged.Should().BePositive();
    }
}
