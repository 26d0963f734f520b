using System.Globalization;
using System.Numerics;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>An agent, as one that waits for proofs and as one that goes away with a promise.</summary>
/// <param name="Party">Waits.</param>
/// <param name="Hasty">Its other client, which gives up after a second.</param>
internal sealed record Trader(Party Party, AgentClient Hasty);

/// <summary>A Provider with what it sells.</summary>
internal sealed record Shop(Trader Provider, Service Service);

/// <summary>
/// Drives orders to an end, one after another, as agents do it that follow the SDK's advice: what may be repeated is repeated, under the same
/// idempotency key where there is one, until it is proven or proven to have failed. Some go away with the relayer's promise instead, and only look.
/// </summary>
internal sealed class Worker(string name, IReadOnlyList<Trader> requesters, IReadOnlyList<Shop> shops, Random random, Ledger ledger)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    private int _count;

    /// <summary>Works until it is over, and finishes what it has begun.</summary>
    /// <param name="over">No further order.</param>
    /// <param name="cancellationToken">Leaves the order as it is.</param>
    public async Task RunAsync(CancellationToken over, CancellationToken cancellationToken)
    {
        try
        {
            while (!over.IsCancellationRequested)
            {
                await OrderAsync(cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The checker finds the order open.
        }
    }

    private async Task OrderAsync(CancellationToken cancellationToken)
    {
        var (requester, shop) = (requesters[random.Next(requesters.Count)], shops[random.Next(shops.Count)]);
        var story = ledger.Begin(string.Create(CultureInfo.InvariantCulture, $"story-{name}-{_count++:D4}"), requester.Party.AgentId, shop.Provider.Party.AgentId);
        var negotiation = await NegotiateAsync(story, requester, shop, cancellationToken);
        var (orderId, provider) = (negotiation.OrderId, shop.Provider);
        switch (random.Next(10))
        {
            case 0:
                await UntilAsync(story, "decline", () => provider.Party.Client.RejectNegotiationAsync(negotiation.NegotiationId, "not today", cancellationToken), cancellationToken);
                story.Ending = Ending.Declined;
                return;
            case 1:
                await AcceptAsync();
                await TakeAsync(story, random.Next(2) == 0 ? requester : provider, orderId, OrderStep.Reject, client => client.RejectOrderAsync(orderId, "changed my mind", cancellationToken), cancellationToken);
                story.Ending = Ending.Canceled;
                return;
            case 2:
                await AcceptAsync();
                await PayAsync();
                await TakeAsync(story, provider, orderId, OrderStep.Reject, client => client.RejectOrderAsync(orderId, "cannot do it", cancellationToken), cancellationToken);
                story.Ending = Ending.Refunded;
                return;
            default:
                await AcceptAsync();
                await PayAsync();
                await TakeAsync(story, provider, orderId, OrderStep.Deliver, client => client.DeliverOrderAsync(orderId, Pair.Text(story.Key), cancellationToken), cancellationToken);
                story.Ending = Ending.Completed;
                return;
        }

        Task AcceptAsync() => TakeAsync(
            story, provider, orderId, OrderStep.Create, client => client.AcceptNegotiationAsync(negotiation.NegotiationId, cancellationToken: cancellationToken), cancellationToken);

        Task PayAsync() => TakeAsync(story, requester, orderId, OrderStep.Pay, client => client.PayOrderAsync(orderId, cancellationToken), cancellationToken);
    }

    private async Task<Negotiation> NegotiateAsync(Story story, Trader requester, Shop shop, CancellationToken cancellationToken)
    {
        var request = new NegotiateOrderRequest { ServiceId = shop.Service.ServiceId, Requirements = JsonSerializer.SerializeToElement(new { story = story.Key }) };
        var negotiation = await UntilAsync(story, "negotiate", () => requester.Party.Client.WithIdempotencyKey(story.Key).NegotiateOrderAsync(request, cancellationToken), cancellationToken);
        story.NegotiationId = negotiation.NegotiationId;
        story.ChainOrderId = negotiation.ChainOrderId;
        story.Price = BigInteger.Parse(negotiation.Terms.Amount, CultureInfo.InvariantCulture);
        story.Fee = story.Price * negotiation.Terms.FeeBps / 10_000;
        return negotiation;
    }

    private async Task<T> UntilAsync<T>(Story story, string what, Func<Task<T>> call, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await call();
            }
            catch (CapApiException refusal)
            {
                ledger.Refused(story, what, refusal);
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    /// <summary>Takes a step until the chain has its effect.</summary>
    private async Task TakeAsync(Story story, Trader trader, string orderId, OrderStep step, Func<AgentClient, Task> call, CancellationToken cancellationToken)
    {
        var (isHasty, isKeyed) = (random.Next(3) == 0, random.Next(2) == 0);
        var client = isHasty ? trader.Hasty : trader.Party.Client;
        for (var attempt = 0; ;)
        {
            try
            {
                await call(isKeyed ? client.WithIdempotencyKey(string.Create(CultureInfo.InvariantCulture, $"{story.Key}-{step.Value}-{attempt:D4}")) : client);
                story.Acknowledge(step);
                return;
            }
            catch (OutcomeUnknownException unknown)
            {
                if (unknown.UserOpHash is null)
                {
                    continue;
                }

                story.Acknowledge(step);
                if (!isHasty)
                {
                    continue;
                }

                // From here on it asks for nothing: the promise is the relayer's to keep.
                if (await HappensAsync(trader, orderId, step, cancellationToken))
                {
                    return;
                }

                ledger.Failed();
                attempt++;
            }
            catch (CapApiException refusal)
            {
                ledger.Refused(story, step.Value, refusal);
                // What is answered under a key stays the answer under it.
                attempt += refusal.HttpStatus is 0 or >= 500 ? 0 : 1;
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    /// <summary>Whether the step's effect is on chain; false when the relayer says that it has failed for good.</summary>
    private static async Task<bool> HappensAsync(Trader trader, string orderId, OrderStep step, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var order = await trader.Party.Client.GetOrderAsync(orderId, cancellationToken);
                if (EffectOf(order, step) is not null)
                {
                    return true;
                }

                if (order.Pending is null && order.LastFailure is { } failure && failure.Op == step)
                {
                    return false;
                }
            }
            catch (CapApiException)
            {
                // It is away.
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    private static string? EffectOf(Order order, OrderStep step) =>
        step == OrderStep.Create ? order.CreateTxHash
        : step == OrderStep.Pay ? order.PayTxHash
        : step == OrderStep.Deliver ? order.ClearTxHash
        : order.RejectTxHash;
}
