using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What nobody asks for and happens all the same. It sweeps often, and small sums.</summary>
public sealed class BusyKeeperSandbox() : Sandbox(["SweepIntervalSeconds=1", "SweepMinimum=100000"]);

public sealed class KeeperTests(BusyKeeperSandbox sandbox) : IClassFixture<BusyKeeperSandbox>
{
    [Fact]
    public async Task CR34_Overdue_orders_expire_by_themselves()
    {
        var pair = await sandbox.NewPairAsync(funds: "2.00", price: "2.00", slaMinutes: 5);
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var paid = await pair.CreatePaidOrderAsync();
        var unpaid = await pair.CreateOrderAsync();

        await sandbox.Setup.AdvanceClockAsync(301);
        await requester.HearAsync(EventType.OrderExpired, paid.OrderId);
        await provider.HearAsync(EventType.OrderExpired, paid.OrderId);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(2_000_000);
        (await sandbox.Chain.PhaseOfAsync(unpaid.ChainOrderId)).Should().Be(Phase.Negotiation, "its deadline is later");

        await sandbox.Setup.AdvanceClockAsync(3000);
        (await requester.HearAsync(EventType.OrderExpired, unpaid.OrderId)).Data!.Value.GetProperty("refund").GetString().Should().Be("0");
        await provider.HearAsync(EventType.OrderExpired, unpaid.OrderId);
        (await sandbox.Chain.PhaseOfAsync(unpaid.ChainOrderId)).Should().Be(Phase.Expired);
        (await pair.Requester.Client.GetOrderAsync(unpaid.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Expired, FinalStatus = FinalStatus.Expired });
    }

    [Fact]
    public async Task Fees_are_swept_to_the_treasury()
    {
        var pair = await sandbox.NewPairAsync();
        var before = await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Treasury);

        await pair.CompleteOrderAsync();

        await Eventually.TrueAsync(
            async () => await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Treasury) == before + 100_000, "the treasury has its fee");
    }
}
