using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>More at once than an account has nonce lanes (64), and than a bundle takes (50).</summary>
public sealed class ManyOrdersTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const int Count = 80;

    [Fact]
    public async Task Eighty_orders_of_one_pair_settle_side_by_side()
    {
        var pair = await sandbox.NewPairAsync(funds: "80.00", price: "1.00");

        var negotiations = await Task.WhenAll(Enumerable.Range(0, Count).Select(number => pair.NegotiateAsync(new { number })));
        var accepted = await Task.WhenAll(negotiations.Select(negotiation => pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)));
        await Task.WhenAll(accepted.Select(result => pair.Requester.Client.PayOrderAsync(result.Order.OrderId)));
        var settled = await Task.WhenAll(accepted.Select(result => pair.DeliverAsync(result.Order.OrderId, result.Order.OrderId)));

        settled.Should().OnlyContain(order => order.Status == OrderStatus.Completed && order.LastFailure == null);
        (await sandbox.Chain.VaultLogsAsync()).DecodeAllEvents<OrderClearedEventDTO>().Select(log => log.Event.OrderId.ToHex(prefix: true))
            .Should().BeEquivalentTo(negotiations.Select(negotiation => negotiation.ChainOrderId));
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(0);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(Count * 900_000);
    }
}
