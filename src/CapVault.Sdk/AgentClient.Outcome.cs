using System.Globalization;
using System.Text.Json;
using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    // The longest that the relayer holds an answer back.
    private const int LongestWaitSeconds = 30;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    // Between two looks at an operation in flight, in case a relayer answers without holding back.
    private static readonly TimeSpan PollPause = TimeSpan.FromMilliseconds(200);

    /// <summary>Starts a step, or joins the one that runs, and follows the order until the chain has spoken.</summary>
    private async Task<Order> ProveAsync(
        OrderStep step, string subject, Func<string, CancellationToken, Task<Order>> start, CancellationToken cancellationToken)
    {
        var started = _config.TimeProvider.GetTimestamp();
        // A relayer that answers does so by the timeout, and names the operation; only one that does not is left waiting here.
        using var patience = new CancellationTokenSource(_config.OutcomeTimeout + Grace, _config.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        Order? order = null;
        try
        {
            order = await start(Wait(started), either.Token);
            while (TxHashOf(order, step) is null && order.Pending is not null)
            {
                if (_config.TimeProvider.GetElapsedTime(started) >= _config.OutcomeTimeout)
                {
                    throw NotProven(step, subject, order.Pending.UserOpHash);
                }

                await Task.Delay(PollPause, _config.TimeProvider, either.Token);
                order = await _api.GetAsync<Order>($"orders/{Paths.Segment(order.OrderId)}{Wait(started)}", either.Token);
            }
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw NotProven(step, subject, order?.Pending?.UserOpHash);
        }
        catch (CapApiException e) when (e.Code == ErrorCodes.IdempotencyKeyInProgress)
        {
            // It names the operation that an earlier call with the key started.
            throw NotProven(step, subject, e.Details.TryGetValue("userOpHash", out var hash) ? hash.GetString() : null);
        }
        catch (CapApiException e) when (order is not null || e.MayHaveBeenTaken)
        {
            throw new OutcomeUnknownException(
                $"The relayer may have taken {step.Value} for {subject}, but no longer answers ({e.Reason}). It may still happen: "
                    + "repeat the same call, which joins the same operation.",
                order?.Pending?.UserOpHash,
                e);
        }

        return TxHashOf(order, step) is not null || (step == OrderStep.Create && IsLeftToRequester(order)) ? order : throw Failure(order, step);
    }

    // Accepted, and created by the payment that the Requester is yet to sign.
    private static bool IsLeftToRequester(Order order) => order.Status == OrderStatus.Creating && order.Pending is null;

    private OutcomeUnknownException NotProven(OrderStep step, string subject, string? userOpHash) => new(
        $"The outcome of {step.Value} for {subject} is not proven after {_config.OutcomeTimeout}. It may still happen: "
            + "repeat the same call, which joins the same operation, or watch the order.",
        userOpHash);

    private string Wait(long started)
    {
        var left = _config.OutcomeTimeout - _config.TimeProvider.GetElapsedTime(started);
        var seconds = Math.Clamp((int)Math.Ceiling(left.TotalSeconds), 1, LongestWaitSeconds);
        return "?wait=" + seconds.ToString(CultureInfo.InvariantCulture);
    }

    // The transaction in the order is the proof that the step had its effect, whatever has happened to the order since.
    private static string? TxHashOf(Order order, OrderStep step) => step switch
    {
        _ when step == OrderStep.Create => order.CreateTxHash,
        _ when step == OrderStep.Pay || step == OrderStep.CreateAndPay => order.PayTxHash,
        _ when step == OrderStep.Deliver => order.DeliverTxHash,
        _ when step == OrderStep.Release => order.ResolveTxHash is null ? order.ClearTxHash : null,
        // An order may be disputed twice: what is on its way, or has failed, is not in the order yet.
        _ when step == OrderStep.Dispute => order.Pending?.Op == step || order.LastFailure?.Op == step ? null : order.DisputeTxHash,
        _ when step == OrderStep.Reject => order.RejectTxHash,
        _ when step == OrderStep.Expire => order.ExpireTxHash,
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "Found a step that no agent takes, expected another of OrderStep."),
    };

    private static CapApiException Failure(Order order, OrderStep step)
    {
        var details = new Dictionary<string, JsonElement>(StringComparer.Ordinal)
        {
            ["order"] = JsonSerializer.SerializeToElement(order, CapJson.Options),
        };
        return order.LastFailure is { } failure && failure.Op.Includes(step)
            ? new CapApiException(200, failure.Code, failure.Reason) { Retryable = true, Details = details }
            : new CapApiException(
                200,
                ErrorCodes.InvalidState,
                $"Order {order.OrderId} is {order.Status.Value}, so {step.Value} did not happen and no longer can.")
            {
                Details = details,
            };
    }
}
