namespace CapVault.IntegrationTests;

/// <summary>A relayer that looks again only when something wakes it.</summary>
public sealed class SleepySandbox() : Sandbox(["ResendMilliseconds=600000"]);

/// <summary>One transaction after another, each as soon as the one before is mined.</summary>
public sealed class LaneTests(SleepySandbox sandbox) : IClassFixture<SleepySandbox>
{
    [Fact]
    public async Task The_next_transaction_goes_out_when_the_one_before_is_mined()
    {
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var agents = new[] { await sandbox.NewAgentAsync("a"), await sandbox.NewAgentAsync("b"), await sandbox.NewAgentAsync("c"), await sandbox.NewAgentAsync("d") };

        foreach (var agent in agents)
        {
            await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
            await sandbox.Chain.Node.MineAsync();
        }

        foreach (var agent in agents)
        {
            await Eventually.TrueAsync(async () => (await sandbox.Setup.GetAgentAsync(agent.AgentId)).Deployed, $"{agent.Agent.Name} is deployed");
        }
    }
}
