using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    // The relayer lets 8 operations of an agent wait for their signature; other processes of the agent want some of them too.
    private const int MaxPreparing = 4;

    // Another operation of the same nonce lane may be submitted between prepare and submit; that it is so each time is next to impossible.
    private const int MaxPreparations = 5;

    private readonly SemaphoreSlim _preparing = new(MaxPreparing);
    private SigningContracts? _contracts;

    private async Task<Negotiation> NegotiateSelfHeldAsync(ExecutorSigner executor, NegotiateOrderRequest request, CancellationToken cancellationToken)
    {
        if (request.MaxPrice is null || !Money.TryParse(request.MaxPrice, out var maxPrice))
        {
            throw new ArgumentException(
                $"MaxPrice: found '{request.MaxPrice}', expected the highest price to consent to, such as \"1.00\": with Config.Executor this client signs the terms itself.", nameof(request));
        }

        var checks = await ChecksAsync(executor, cancellationToken);
        var negotiation = await _api.SendOnceAsync<Negotiation>(HttpMethod.Post, "orders/negotiate", request, cancellationToken);
        SigningChecks.RequireAsked(negotiation, request, maxPrice);
        var signature = await executor.SignAsync(checks.Consent(negotiation, Role.Requester), cancellationToken);
        return await _api.PostRepeatableAsync<Negotiation>(
            $"orders/negotiate/{Paths.Segment(negotiation.NegotiationId)}/consent",
            new ConsentRequest { Revision = negotiation.Revision, Signature = signature },
            cancellationToken);
    }

    // Once accepted, the consent is given: what is left is to follow the order, or to try its creation again.
    private async Task<AcceptNegotiationRequest> ConsentAsProviderAsync(ExecutorSigner executor, Negotiation negotiation, CancellationToken cancellationToken) => new()
    {
        Revision = negotiation.Revision,
        Signature = negotiation.Status == NegotiationStatus.Pending
            ? await executor.SignAsync((await ChecksAsync(executor, cancellationToken)).Consent(negotiation, Role.Provider), cancellationToken)
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
                    if (TxHashOf(order, request.Step) is null && order.Pending?.Op != request.Step)
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
        await _preparing.WaitAsync(cancellationToken);
        try
        {
            var prepared = await UntakenAsync(_api.PostRepeatableAsync<PreparedOperation>("ops/prepare", request, cancellationToken));
            var signature = await executor.SignAsync(checks.Operation(prepared, order, request), cancellationToken);
            return await _api.PostRepeatableAsync<Order>(
                $"ops/{Paths.Segment(prepared.UserOpHash)}/submit", new SubmitRequest { Signature = signature }, cancellationToken);
        }
        finally
        {
            _preparing.Release();
        }
    }

    private async Task<SigningChecks> ChecksAsync(ExecutorSigner executor, CancellationToken cancellationToken)
    {
        _contracts ??= _config.Deployment is { } pinned
            ? SigningContracts.Of(pinned)
            : SigningContracts.Of(await _api.GetAsync<RelayerConfig>("config", cancellationToken));
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
