using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    /// <summary>What a service costs now.</summary>
    /// <param name="serviceId"><c>svc_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Quote> QuoteAsync(string serviceId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Quote>($"quote?serviceId={Uri.EscapeDataString(serviceId)}", cancellationToken);

    /// <summary>Everything that would stand in the way of negotiating and paying now. Nothing is written.</summary>
    public Task<ValidateOrderResult> ValidateOrderAsync(ValidateOrderRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _api.PostRepeatableAsync<ValidateOrderResult>("orders/validate", request, key: null, cancellationToken);
    }

    /// <summary>
    /// Asks for a service, as its Requester. A second call is a second negotiation, also after a failure that leaves open whether the first one
    /// arrived; <see cref="WithIdempotencyKey"/> makes it the same one.
    /// </summary>
    public Task<Negotiation> NegotiateOrderAsync(NegotiateOrderRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _api.SendKeyedAsync<Negotiation>(HttpMethod.Post, "orders/negotiate", request, _idempotencyKey, cancellationToken);
    }

    /// <summary>Consents as the Provider, and returns when the order is on chain.</summary>
    /// <param name="negotiationId"><c>neg_…</c></param>
    /// <param name="revision">The revision that is accepted; null means the current one.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="CapApiException">Refused, or createOrder failed for good: then <see cref="CapApiException.Code"/> is that of
    /// <see cref="Order.LastFailure"/>, and accepting again retries.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public async Task<AcceptNegotiationResult> AcceptNegotiationAsync(
        string negotiationId, int? revision = null, CancellationToken cancellationToken = default)
    {
        Negotiation? negotiation = null;
        var order = await ProveAsync(
            OrderStep.Create,
            negotiationId,
            async (wait, token) =>
            {
                var answer = await _api.PostRepeatableAsync<AcceptNegotiationResult>(
                    $"orders/negotiate/{Paths.Segment(negotiationId)}/accept{wait}", new AcceptNegotiationRequest { Revision = revision }, _idempotencyKey, token);
                negotiation = answer.Negotiation;
                return answer.Order;
            },
            cancellationToken);
        return new AcceptNegotiationResult(negotiation!, order);
    }

    /// <summary>Declines as the Provider.</summary>
    /// <param name="negotiationId"><c>neg_…</c></param>
    /// <param name="reason">1–512 characters; told to the Requester.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Negotiation> RejectNegotiationAsync(string negotiationId, string reason, CancellationToken cancellationToken = default) =>
        _api.PostRepeatableAsync<Negotiation>(
            $"orders/negotiate/{Paths.Segment(negotiationId)}/reject", new RejectRequest { Reason = reason }, _idempotencyKey, cancellationToken);

    /// <summary>Reads a negotiation of which the agent is a party.</summary>
    public Task<Negotiation> GetNegotiationAsync(string negotiationId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Negotiation>($"orders/negotiate/{Paths.Segment(negotiationId)}", cancellationToken);

    /// <summary>The agent's negotiations, newest first.</summary>
    public Task<Page<Negotiation>> ListNegotiationsAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<Negotiation>($"orders/negotiate{Paths.Query(filter)}", cancellationToken);
}
