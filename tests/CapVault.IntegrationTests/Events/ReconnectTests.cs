using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that goes away and comes back.</summary>
public sealed class ReconnectTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR37_Events_of_an_outage_arrive_once_and_in_order()
    {
        var pair = await sandbox.NewPairAsync();
        var orders = new List<Order>();
        for (var i = 0; i < 5; i++)
        {
            orders.Add(await pair.CreateOrderAsync());
        }

        await using var requester = await pair.Requester.ListenAsync();
        var lost = new List<long>();
        requester.Stream.Error += (_, _) =>
        {
            lock (lost)
            {
                lost.Add(TimeProvider.System.GetTimestamp());
            }
        };

        await sandbox.Relayer.StopAsync();
        // What happens meanwhile happens on chain: strangers expire the five orders.
        await sandbox.Chain.Node.RequestAsync<object>("evm_increaseTime", 4000);
        await sandbox.Chain.Node.MineAsync();
        foreach (var order in orders)
        {
            await sandbox.Chain.VaultAs(TestKeys.Stranger).ExpireOrderRequestAndWaitForReceiptAsync(order.Terms.ToChain());
        }

        await Eventually.TrueAsync(() => Task.FromResult(Losses() >= 3), "the stream lost its connection and failed twice to come back");
        await sandbox.Relayer.StartAsync();

        await requester.HearAsync(EventType.OrderExpired, orders[^1].OrderId);
        // One more after all others, so that nothing can still be on its way.
        var negotiation = await pair.NegotiateAsync();
        await pair.Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, "only a marker");
        await requester.HearAsync(EventType.NegotiationRejected, negotiation.NegotiationId);
        requester.Heard.Where(e => e.Type == EventType.OrderExpired).Select(e => e.OrderId).Should().Equal(orders.Select(order => order.OrderId));
        requester.Heard.Select(e => e.Seq).Should().BeInAscendingOrder().And.OnlyHaveUniqueItems();
        TimeSpan[] pauses = [.. lost.Zip(lost.Skip(1), (from, to) => TimeProvider.System.GetElapsedTime(from, to))];
        pauses[0].Should().BeGreaterThan(TimeSpan.FromSeconds(0.8), "it waits 1 s ±20 % first");
        pauses[1].Should().BeGreaterThan(TimeSpan.FromSeconds(1.6), "then twice as long");

        int Losses()
        {
            lock (lost)
            {
                return lost.Count;
            }
        }
    }
}
