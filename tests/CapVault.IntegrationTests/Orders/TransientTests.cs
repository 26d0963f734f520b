using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>While a step is in flight, everybody who may see the order sees that it is.</summary>
public sealed class TransientTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR41_A_step_in_flight_is_shown_with_its_operation()
    {
        var pair = await sandbox.NewPairAsync();
        var delivered = await pair.CreatePaidOrderAsync();
        var rejected = await pair.CreatePaidOrderAsync();
        var paid = await pair.CreateOrderAsync();
        var negotiation = await pair.NegotiateAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var steps = new (string Path, string? Body, Party By, string OrderId, OrderStatus Status, OrderStep Step)[]
        {
            ($"orders/{delivered.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"done"}""", pair.Provider, delivered.OrderId, OrderStatus.Delivering, OrderStep.Deliver),
            ($"orders/{rejected.OrderId}/reject", """{"reason":"no"}""", pair.Provider, rejected.OrderId, OrderStatus.Rejecting, OrderStep.Reject),
            ($"orders/{paid.OrderId}/pay", null, pair.Requester, paid.OrderId, OrderStatus.Paying, OrderStep.Pay),
            ($"orders/negotiate/{negotiation.NegotiationId}/accept", null, pair.Provider, negotiation.OrderId, OrderStatus.Creating, OrderStep.Create),
        };
        foreach (var step in steps)
        {
            (await sandbox.Api.PostAsync(step.By.Key, step.Path, step.Body)).Status.Should().Be(HttpStatusCode.Accepted, step.Path);
        }

        foreach (var step in steps)
        {
            foreach (var party in new[] { pair.Requester, pair.Provider })
            {
                // Its operation is named as soon as its nonce lane is free, which steps of other orders may share.
                Order order = null!;
                await Eventually.TrueAsync(
                    async () => (order = await party.Client.GetOrderAsync(step.OrderId)).Pending?.UserOpHash is not null || order.Pending is null, $"{step.Step} is signed");
                order.Status.Should().Be(step.Status);
                order.Pending!.Op.Should().Be(step.Step);
                order.Pending.UserOpHash.Should().HaveLength(66);
            }
        }

        mining.Resume();
        foreach (var step in steps)
        {
            var settled = await sandbox.Api.GetAsync(step.By.Key, $"orders/{step.OrderId}?wait=30");
            settled.Data.TryGetProperty("pending", out _).Should().BeFalse("none of these is a state to stay in");
        }
    }
}
