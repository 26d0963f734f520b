using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer with one lane, and one bundle of it at a time.</summary>
public class NarrowSandbox : Sandbox
{
    public NarrowSandbox()
        : this([])
    {
    }

    /// <summary>With other settings, too.</summary>
    protected NarrowSandbox(string[] settings)
        : base(["Lanes=1", "InFlight=1", .. settings])
    {
    }
}

/// <summary>One that looks again only when something wakes it.</summary>
public sealed class SleepySandbox() : NarrowSandbox(["ResendMilliseconds=600000"]);

/// <summary>What is on its way at the same time, and what goes next.</summary>
public sealed class LaneTests(SleepySandbox sandbox) : IClassFixture<SleepySandbox>
{
    [Fact]
    public async Task The_next_bundle_goes_out_when_the_one_before_is_mined()
    {
        var pairs = new[] { await sandbox.NewPairAsync(), await sandbox.NewPairAsync(), await sandbox.NewPairAsync() };
        var orders = await Task.WhenAll(pairs.Select(pair => pair.CreateOrderAsync()));
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var paying = await PayAsync(pairs[0], orders[0]);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await PayAsync(pairs[1], orders[1]);
        await PayAsync(pairs[2], orders[2]);
        await sandbox.Chain.Node.MineAsync();
        await IsPaidAsync(pairs[0], orders[0]);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();

        var (second, third) = (await IsPaidAsync(pairs[1], orders[1]), await IsPaidAsync(pairs[2], orders[2]));
        paying.Should().NotBeNull();
        third.PayTxHash.Should().Be(second.PayTxHash, "they waited together");
    }

    [Fact]
    public async Task Deployments_of_many_new_agents_share_a_block()
    {
        const int count = 15;
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var agents = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => sandbox.NewAgentAsync("new")));

        await sandbox.Chain.Node.HasPendingAsync(count);
        await sandbox.Chain.Node.MineAsync();

        foreach (var agent in agents)
        {
            await Eventually.TrueAsync(async () => (await sandbox.Setup.GetAgentAsync(agent.AgentId)).Deployed, $"{agent.Agent.Name} is deployed");
        }
    }

    private async Task<string?> PayAsync(Pair pair, Sdk.Order order) =>
        (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay")).Data.GetProperty("pending").GetProperty("userOpHash").GetString();

    private static async Task<Sdk.Order> IsPaidAsync(Pair pair, Sdk.Order order)
    {
        await Eventually.TrueAsync(async () => (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Status == OrderStatus.Paid, "the order is paid");
        return await pair.Requester.Client.GetOrderAsync(order.OrderId);
    }
}
