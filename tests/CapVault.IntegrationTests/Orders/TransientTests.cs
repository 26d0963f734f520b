using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>While a step is in flight, everybody who may see the order sees that it is.</summary>
public sealed class TransientTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR41_A_step_in_flight_is_shown_with_its_operation()
    {
        // Each with parties of its own: steps of one account may share a nonce lane, and wait for each other.
        var (delivering, rejecting, paying, creating) = (await sandbox.NewPairAsync(), await sandbox.NewPairAsync(), await sandbox.NewPairAsync(), await sandbox.NewPairAsync());
        var delivered = await delivering.CreatePaidOrderAsync();
        var rejected = await rejecting.CreatePaidOrderAsync();
        var paid = await paying.CreateOrderAsync();
        var negotiation = await creating.NegotiateAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        var steps = new (string Path, string? Body, Pair Pair, Party By, string OrderId, OrderStatus Status, OrderStep Step)[]
        {
            ($"orders/{delivered.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"done"}""", delivering, delivering.Provider, delivered.OrderId, OrderStatus.Delivering, OrderStep.Deliver),
            ($"orders/{rejected.OrderId}/reject", """{"reason":"no"}""", rejecting, rejecting.Provider, rejected.OrderId, OrderStatus.Rejecting, OrderStep.Reject),
            ($"orders/{paid.OrderId}/pay", null, paying, paying.Requester, paid.OrderId, OrderStatus.Paying, OrderStep.Pay),
            ($"orders/negotiate/{negotiation.NegotiationId}/accept", null, creating, creating.Provider, negotiation.OrderId, OrderStatus.Creating, OrderStep.Create),
        };
        foreach (var step in steps)
        {
            (await sandbox.Api.PostAsync(step.By.Key, step.Path, step.Body)).Status.Should().Be(HttpStatusCode.Accepted, step.Path);
            foreach (var party in new[] { step.Pair.Requester, step.Pair.Provider })
            {
                var order = await party.Client.GetOrderAsync(step.OrderId);
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
