using System.Globalization;
using System.Numerics;
using CapVault.Contracts.SandboxToken;
using CapVault.Sdk.Transport;
using Nethereum.JsonRpc.Client;
using Nethereum.Web3;

namespace CapVault.Sdk;

/// <summary>A payment that is proven.</summary>
/// <param name="Order">The order, paid.</param>
/// <param name="TxHash">Transaction of payOrder, or of createAndPayOrder.</param>
public sealed record PayOrderResult(Order Order, string TxHash);

public sealed partial class AgentClient
{
    // A node that is slow to say what the wallet holds must not hold a payment back.
    private static readonly TimeSpan NodePatience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Pays the price into the vault, as the Requester, and returns when that is on chain; an accepted order that is not on chain is created by the same
    /// operation. With <see cref="Config.RpcUrl"/> the wallet is looked at
    /// first; the relayer looks in any case.
    /// </summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="InsufficientBalanceException">The wallet does not hold the price; nothing was sent.</exception>
    /// <exception cref="CapApiException">Refused, or the payment failed for good (<c>PAY_REVERTED</c>; <c>CREATE_REVERTED</c> if it was to create the order): it may be
    /// repeated.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public async Task<PayOrderResult> PayOrderAsync(string orderId, CancellationToken cancellationToken = default)
    {
        // With a key it may be a repeat, which may be answered whatever the wallet holds now.
        if (_config.RpcUrl is not null && _idempotencyKey is null)
        {
            await RequireBalanceAsync(orderId, _config.RpcUrl, cancellationToken);
        }

        var order = await StepAsync(OrderStep.Pay, orderId, body: null, cancellationToken);
        return new PayOrderResult(order, order.PayTxHash!);
    }

    /// <summary>Pays the Provider of an order whose terms ask for a review: as the Requester at any time, as the Provider once the review has passed in
    /// silence. The relayer does the latter by itself too.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="CapApiException">Refused, or releaseOrder failed for good (<c>RELEASE_REVERTED</c>).</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<Order> ReleaseOrderAsync(string orderId, CancellationToken cancellationToken = default) =>
        StepAsync(OrderStep.Release, orderId, body: null, cancellationToken);

    /// <summary>Lets the Arbiter rule on an order whose terms name one: as either party until the SLA deadline, once per order, which stops nothing else; as
    /// the Requester also in the review of a delivery, which stops the release by silence for up to 30 days.</summary>
    /// <param name="orderId"><c>ord_…</c> or the 0x-prefixed orderId.</param>
    /// <param name="reason">1–512 characters; its keccak256 goes on chain.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="CapApiException">Refused, or disputeOrder failed for good (<c>DISPUTE_REVERTED</c>).</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<Order> DisputeOrderAsync(string orderId, string reason, CancellationToken cancellationToken = default) =>
        StepAsync(OrderStep.Dispute, orderId, new DisputeRequest { Reason = reason }, cancellationToken);

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

    private async Task RequireBalanceAsync(string orderId, string rpcUrl, CancellationToken cancellationToken)
    {
        var order = await GetOrderAsync(orderId, cancellationToken);
        var price = BigInteger.Parse(order.Terms.Amount, CultureInfo.InvariantCulture);
        // Looked at twice: what has emptied the wallet in between may be this very payment.
        if (order.Status == OrderStatus.Created
            && await BalanceAsync(order, rpcUrl, cancellationToken) is { } balance && balance < price
            && (await GetOrderAsync(orderId, cancellationToken)).Status == OrderStatus.Created)
        {
            throw new InsufficientBalanceException(
                0,
                $"The account {order.RequesterWalletAddress} holds {Money.Format(balance)}, says the node at Config.RpcUrl; the price is {order.Price}. "
                    + $"Deposit {Money.Format(price - balance)} there and pay again.",
                order.PaymentToken,
                price,
                balance);
        }
    }

    /// <summary>What the wallet holds, or null where the node does not say: then the relayer decides alone.</summary>
    private async Task<BigInteger?> BalanceAsync(Order order, string rpcUrl, CancellationToken cancellationToken)
    {
        try
        {
            return await new SandboxTokenService(new Web3(rpcUrl), order.PaymentToken)
                .BalanceOfQueryAsync(order.RequesterWalletAddress)
                .WaitAsync(NodePatience, _config.TimeProvider, cancellationToken);
        }
        catch (Exception e) when (e is RpcClientUnknownException or RpcClientTimeoutException or RpcResponseException or TimeoutException)
        {
            return null;
        }
    }

    // Anyone may expire an order, so that step needs nobody's signature.
    private Task<Order> StepAsync(OrderStep step, string orderId, object? body, CancellationToken cancellationToken) =>
        _config.Executor is { } executor && step != OrderStep.Expire
            ? SignedStepAsync(
                executor,
                new PrepareRequest { OrderId = orderId, Step = step, Deliverable = body as DeliverOrderRequest, Reason = (body as RejectRequest)?.Reason ?? (body as DisputeRequest)?.Reason },
                cancellationToken)
            : ProveAsync(
                step,
                orderId,
                (wait, token) => _api.PostRepeatableAsync<Order>($"orders/{Paths.Segment(orderId)}/{step.Value}{wait}", body, _idempotencyKey, token),
                cancellationToken);
}
