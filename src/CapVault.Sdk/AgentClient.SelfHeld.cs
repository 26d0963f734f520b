using CapVault.Sdk.Transport;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Sdk;

/// <summary>
/// What a Requester that signs itself will consent to, beside what it asks for. Not on the wire: it is for the check of what the relayer answers.
/// </summary>
public sealed record ExpectedTerms
{
    /// <summary>The highest price, a decimal string in USDC: <c>"1.00"</c>.</summary>
    public required string MaxPrice { get; init; }

    /// <summary>The account that must be the Provider's; null trusts the relayer with who sells the service.</summary>
    public string? ProviderWallet { get; init; }

    /// <summary>The longest time from payment in which delivery may be valid, seconds: so long the price may be locked. Null takes the service's.</summary>
    public long? MaxDeliveryWindow { get; init; }

    /// <summary>The version of the service that was looked at; null takes the newest, whatever it promises.</summary>
    public int? ServiceVersion { get; init; }
}

public sealed partial class AgentClient
{
    // The relayer lets 8 operations of an agent wait for their signature; other processes of the agent want some of them too.
    private const int MaxPreparing = 4;

    // Another operation of the same nonce lane may be submitted between prepare and submit; that it is so each time is next to impossible.
    private const int MaxPreparations = 5;

    private readonly SemaphoreSlim _preparing;
    private SigningContracts? _contracts;

    /// <summary>
    /// Asks for a service and consents to the terms, if they are those that are expected; for a client with <see cref="Config.Executor"/>. Not repeated by
    /// itself: a second call is a second negotiation. One whose consent did not get through expires unseen by the Provider.
    /// </summary>
    /// <param name="request">What is asked for; the terms must name its third parties, and no others.</param>
    /// <param name="expected">What is consented to at most.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CapApiException">Refused; or the terms are others (<see cref="CapApiException.SignatureRefused"/>), and nothing was signed.</exception>
    public async Task<Negotiation> NegotiateOrderAsync(NegotiateOrderRequest request, ExpectedTerms expected, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(expected);
        var executor = _config.Executor
            ?? throw new InvalidOperationException("Found expected terms without Config.Executor: the relayer holds this agent's Executor and consents when it negotiates. Negotiate without them.");
        if (!Money.TryParse(expected.MaxPrice, out var maxPrice))
        {
            throw new ArgumentException($"MaxPrice: found '{expected.MaxPrice}', expected a decimal string such as \"1.00\".", nameof(expected));
        }

        var checks = await ChecksAsync(executor, cancellationToken);
        var negotiation = await _api.SendKeyedAsync<Negotiation>(HttpMethod.Post, "orders/negotiate", request, _idempotencyKey, cancellationToken);
        SigningChecks.RequireAsked(negotiation, request, maxPrice, expected);
        var signature = await executor.SignAsync(checks.Consent(negotiation, Role.Requester, request.ThirdParties ?? ThirdParties.None), cancellationToken);
        return await _api.PostRepeatableAsync<Negotiation>(
            $"orders/negotiate/{Paths.Segment(negotiation.NegotiationId)}/consent",
            new ConsentRequest { Revision = negotiation.Revision, Signature = signature },
            key: null,
            cancellationToken);
    }

    // What answers another question must not be consented to.
    private async Task<Negotiation> ReadToSignAsync(string negotiationId, CancellationToken cancellationToken)
    {
        var negotiation = await UntakenAsync(GetNegotiationAsync(negotiationId, cancellationToken));
        SigningChecks.RequireNegotiation(negotiation, negotiationId);
        return negotiation;
    }

    // Once accepted, the consent is given: what is left is to follow the order, or to try its creation again. With a key a repeat must say the same.
    private async Task<AcceptNegotiationRequest> ConsentAsProviderAsync(
        ExecutorSigner executor, Negotiation negotiation, ThirdParties thirdParties, CancellationToken cancellationToken) => new()
        {
            Revision = negotiation.Revision,
            Signature = negotiation.Status == NegotiationStatus.Pending || _idempotencyKey is not null
                ? await executor.SignAsync((await ChecksAsync(executor, cancellationToken)).Consent(negotiation, Role.Provider, thirdParties), cancellationToken)
                : null,
        };

    private Task<Order> SignedStepAsync(ExecutorSigner executor, PrepareRequest request, CancellationToken cancellationToken) => ProveAsync(
        request.Step,
        request.OrderId,
        async (_, token) =>
        {
            for (var preparations = 1; ; preparations++)
            {
                try
                {
                    return await PrepareAndSubmitAsync(executor, request, token);
                }
                catch (CapApiException e) when (e.Code is ErrorCodes.PreparationExpired or ErrorCodes.OperationNotFound && preparations < MaxPreparations)
                {
                    // It was not taken: its place in the nonce lane is another's, or another process of this agent has prepared it anew.
                }
                catch (CapApiException e) when (e.Code == ErrorCodes.InvalidState)
                {
                    // Nothing to sign, because it has happened or is on its way already?
                    var order = await UntakenAsync(GetOrderAsync(request.OrderId, token));
                    var isOthers = request.Step == OrderStep.Dispute && order.DisputedBy is { } by && !by.IsTheSameHex(executor.Account);
                    if (isOthers || (TxHashOf(order, request.Step) is null && order.Pending?.Op.Includes(request.Step) != true))
                    {
                        throw;
                    }

                    return order;
                }
            }
        },
        cancellationToken);

    private async Task<Order> PrepareAndSubmitAsync(ExecutorSigner executor, PrepareRequest request, CancellationToken cancellationToken)
    {
        var checks = await UntakenAsync(ChecksAsync(executor, cancellationToken));
        var order = await UntakenAsync(GetOrderAsync(request.OrderId, cancellationToken));
        var asked = request.Step == OrderStep.Pay && order.CreateTxHash is null ? request with { Step = OrderStep.CreateAndPay } : request;
        await _preparing.WaitAsync(cancellationToken);
        try
        {
            var prepared = await UntakenAsync(_api.PostRepeatableAsync<PreparedOperation>("ops/prepare", asked, key: null, cancellationToken));
            var contentHash = request.Deliverable is { } content ? await UntakenAsync(HashAsync(content, cancellationToken)) : null;
            var signature = await executor.SignAsync(checks.Operation(prepared, order, asked, contentHash), cancellationToken);
            return await _api.PostRepeatableAsync<Order>(
                $"ops/{Paths.Segment(prepared.UserOpHash)}/submit", new SubmitRequest { Signature = signature }, _idempotencyKey, cancellationToken);
        }
        finally
        {
            _preparing.Release();
        }
    }

    private async Task<SigningChecks> ChecksAsync(ExecutorSigner executor, CancellationToken cancellationToken)
    {
        _contracts ??= await SigningContracts.OfAsync(_config, _api, cancellationToken);
        return new SigningChecks(executor.Account, _contracts);
    }

    // Before the signature is sent nothing can have been taken, however the call failed.
    private static async Task<T> UntakenAsync<T>(Task<T> call)
    {
        try
        {
            return await call;
        }
        catch (CapApiException e)
        {
            e.MayHaveBeenTaken = false;
            throw;
        }
    }
}
