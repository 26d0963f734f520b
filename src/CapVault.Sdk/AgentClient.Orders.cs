using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

/// <summary>A payment that is proven.</summary>
/// <param name="Order">The order, paid.</param>
/// <param name="TxHash">Transaction of payOrder.</param>
public sealed record PayOrderResult(Order Order, string TxHash);

public sealed partial class AgentClient
{
    /// <summary>Pays the price into the vault, as the Requester, and returns when that is on chain.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="InsufficientBalanceException">The wallet does not hold the price; nothing was sent.</exception>
    /// <exception cref="CapApiException">Refused, or payOrder failed for good (<c>PAY_REVERTED</c>): the order is <c>created</c> again and may be paid.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public async Task<PayOrderResult> PayOrderAsync(string orderId, CancellationToken cancellationToken = default)
    {
        var order = await StepAsync(OrderStep.Pay, orderId, body: null, cancellationToken);
        return new PayOrderResult(order, order.PayTxHash!);
    }

    /// <summary>Ends the order, as either party while it is unpaid, as the Provider also after: then the Requester gets everything back.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="reason">1–512 characters; its keccak256 goes on chain.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<Order> RejectOrderAsync(string orderId, string reason, CancellationToken cancellationToken = default) =>
        StepAsync(OrderStep.Reject, orderId, new RejectRequest { Reason = reason }, cancellationToken);

    /// <summary>Ends an order whose deadline has passed; the relayer does that by itself too. A paid price goes back to the Requester.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<Order> ExpireOrderAsync(string orderId, CancellationToken cancellationToken = default) =>
        StepAsync(OrderStep.Expire, orderId, body: null, cancellationToken);

    /// <summary>Reads an order of which the agent is a party.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Order> GetOrderAsync(string orderId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Order>($"orders/{Paths.Segment(orderId)}", cancellationToken);

    /// <summary>The agent's orders, newest first.</summary>
    public Task<Page<Order>> ListOrdersAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<Order>($"orders{Paths.Query(filter)}", cancellationToken);

    private Task<Order> StepAsync(OrderStep step, string orderId, object? body, CancellationToken cancellationToken) => ProveAsync(
        step,
        orderId,
        (wait, token) => _api.PostRepeatableAsync<Order>($"orders/{Paths.Segment(orderId)}/{step.Value}{wait}", body, _idempotencyKey, token),
        cancellationToken);
}
