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
    /// <exception cref="InvalidOperationException">With <see cref="Config.Executor"/> the other overload is needed, which says what to consent to.</exception>
    public Task<Negotiation> NegotiateOrderAsync(NegotiateOrderRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _config.Executor is not null
            ? throw new InvalidOperationException("Found Config.Executor without expected terms: this client signs, and must know up to which price. Give ExpectedTerms.")
            : _api.SendKeyedAsync<Negotiation>(HttpMethod.Post, "orders/negotiate", request, _idempotencyKey, cancellationToken);
    }

    /// <summary>Consents as the Provider, and returns when the order is on chain; <c>paid</c> already where the Requester pays on acceptance. One whose
    /// Requester signs that payment itself is <c>creating</c>, with nothing pending, until it has. With <see cref="Config.Executor"/> this consents to the terms as the
    /// relayer names them now; to those that you have looked at, and no others, with the negotiation itself.</summary>
    /// <param name="negotiationId"><c>neg_…</c></param>
    /// <param name="revision">The revision that is accepted; null means the current one.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="CapApiException">Refused, or createOrder failed for good: then <see cref="CapApiException.Code"/> is that of
    /// <see cref="Order.LastFailure"/>, and accepting again retries.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<AcceptNegotiationResult> AcceptNegotiationAsync(
        string negotiationId, int? revision = null, CancellationToken cancellationToken = default) =>
        AcceptAsync(
            negotiationId,
            async token => _config.Executor is { } executor
                ? await ConsentAsProviderAsync(executor, await ReadToSignAsync(negotiationId, token), ThirdParties.None, token) with { Revision = revision }
                : new AcceptNegotiationRequest { Revision = revision },
            cancellationToken);

    /// <summary>Consents as the Provider to exactly the terms that this negotiation has, and returns when the order is on chain.</summary>
    /// <param name="negotiation">As it was read, and looked at.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="CapApiException">As for the other overload.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<AcceptNegotiationResult> AcceptNegotiationAsync(Negotiation negotiation, CancellationToken cancellationToken = default) =>
        AcceptNegotiationAsync(negotiation, ThirdParties.None, cancellationToken);

    /// <summary>As the overload without third parties, for a service whose orders name some.</summary>
    /// <param name="negotiation">As it was read, and looked at.</param>
    /// <param name="thirdParties">With <see cref="Config.Executor"/>: whom the terms must name beside the parties.</param>
    /// <param name="cancellationToken">Stops waiting; the operation goes on.</param>
    /// <exception cref="CapApiException">As for the other overloads.</exception>
    /// <exception cref="OutcomeUnknownException">Not proven within <see cref="Config.OutcomeTimeout"/>.</exception>
    public Task<AcceptNegotiationResult> AcceptNegotiationAsync(Negotiation negotiation, ThirdParties thirdParties, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(negotiation);
        ArgumentNullException.ThrowIfNull(thirdParties);
        return AcceptAsync(
            negotiation.NegotiationId,
            async token => _config.Executor is { } executor
                ? await ConsentAsProviderAsync(executor, negotiation, thirdParties, token)
                : new AcceptNegotiationRequest { Revision = negotiation.Revision },
            cancellationToken);
    }

    /// <summary>Declines as the Provider.</summary>
    /// <param name="negotiationId"><c>neg_…</c></param>
    /// <param name="reason">1–512 characters; told to the Requester.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<Negotiation> RejectNegotiationAsync(string negotiationId, string reason, CancellationToken cancellationToken = default) =>
        _api.PostRepeatableAsync<Negotiation>(
            $"orders/negotiate/{Paths.Segment(negotiationId)}/reject", new RejectRequest { Reason = reason }, _idempotencyKey, cancellationToken);

    private async Task<AcceptNegotiationResult> AcceptAsync(
        string negotiationId, Func<CancellationToken, Task<AcceptNegotiationRequest>> consent, CancellationToken cancellationToken)
    {
        Negotiation? negotiation = null;
        var order = await ProveAsync(
            OrderStep.Create,
            negotiationId,
            async (wait, token) =>
            {
                var answer = await _api.PostRepeatableAsync<AcceptNegotiationResult>(
                    $"orders/negotiate/{Paths.Segment(negotiationId)}/accept{wait}", await UntakenAsync(consent(token)), _idempotencyKey, token);
                negotiation = answer.Negotiation;
                return answer.Order;
            },
            cancellationToken);
        return new AcceptNegotiationResult(negotiation!, order);
    }

    /// <summary>Reads a negotiation of which the agent is a party.</summary>
    public Task<Negotiation> GetNegotiationAsync(string negotiationId, CancellationToken cancellationToken = default) =>
        _api.GetAsync<Negotiation>($"orders/negotiate/{Paths.Segment(negotiationId)}", cancellationToken);

    /// <summary>The agent's negotiations, newest first.</summary>
    public Task<Page<Negotiation>> ListNegotiationsAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<Negotiation>($"orders/negotiate{Paths.Query(filter)}", cancellationToken);
}
