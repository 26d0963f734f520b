using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class SetupClient
{
    // Another operation of the Owner may be submitted between prepare and submit; that it is so each time is next to impossible.
    private const int MaxPreparations = 5;

    // The longest that the relayer holds an answer back.
    private const int LongestWaitSeconds = 30;

    private SigningContracts? _contracts;

    /// <summary>Sets what an agent's Executor may spend, and returns when that is on chain. Until it is set an Executor may spend nothing.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="owner">Signs as the agent's Owner.</param>
    /// <param name="perOrder">Decimal string in USDC, on one order: <c>"10.00"</c>.</param>
    /// <param name="perDay">Decimal string in USDC, between one midnight UTC and the next.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CapApiException">Refused; or it failed on chain; or the relayer wanted something else signed (<see cref="CapApiException.SignatureRefused"/>).</exception>
    /// <exception cref="OutcomeUnknownException">Its outcome was not proven in time.</exception>
    public Task<OwnerActionResult> SetLimitsAsync(string agentId, OwnerSigner owner, string perOrder, string perDay, CancellationToken cancellationToken = default) => ActAsync(
        owner, new() { AgentId = agentId, Action = OwnerAction.SetLimits, PerOrder = perOrder, PerDay = perDay }, cancellationToken);

    /// <summary>Gives an agent another Executor, and returns when that is on chain: the one before can do nothing any more.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="owner">Signs as the agent's Owner.</param>
    /// <param name="executor">Address of a key that the agent holds itself; null lets the relayer make one and hold it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <inheritdoc cref="SetLimitsAsync" path="/exception"/>
    public Task<OwnerActionResult> SetExecutorAsync(string agentId, OwnerSigner owner, string? executor = null, CancellationToken cancellationToken = default) => ActAsync(
        owner, new() { AgentId = agentId, Action = OwnerAction.SetExecutor, Executor = executor }, cancellationToken);

    /// <summary>Takes USDC out of an agent's account, and returns when that is on chain.</summary>
    /// <param name="agentId"><c>agt_…</c></param>
    /// <param name="owner">Signs as the agent's Owner.</param>
    /// <param name="to">Who gets it.</param>
    /// <param name="amount">Decimal string in USDC: <c>"10.00"</c>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <inheritdoc cref="SetLimitsAsync" path="/exception"/>
    public Task<OwnerActionResult> WithdrawAsync(string agentId, OwnerSigner owner, string to, string amount, CancellationToken cancellationToken = default) => ActAsync(
        owner, new() { AgentId = agentId, Action = OwnerAction.Withdraw, To = to, Amount = amount }, cancellationToken);

    private async Task<OwnerActionResult> ActAsync(OwnerSigner owner, OwnerActionRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(owner);
        _contracts ??= await SigningContracts.OfAsync(_config, _api, cancellationToken);
        var checks = new SigningChecks(owner.Account, _contracts);
        for (var preparations = 1; ; preparations++)
        {
            try
            {
                var prepared = await _api.PostRepeatableAsync<PreparedOwnerAction>("ops/prepare", request, key: null, cancellationToken);
                var signature = await owner.SignAsync(checks.Operation(prepared, request), cancellationToken);
                return await SubmitAsync(request, prepared.UserOpHash, signature, cancellationToken);
            }
            catch (CapApiException e) when (e.Code is ErrorCodes.PreparationExpired or ErrorCodes.OperationNotFound && preparations < MaxPreparations)
            {
                // It was not taken: its place is another's, or another process of this Owner has prepared something since.
            }
        }
    }

    // Submitting again what was submitted asks what has become of it.
    private async Task<OwnerActionResult> SubmitAsync(OwnerActionRequest request, string userOpHash, string signature, CancellationToken cancellationToken)
    {
        var started = _config.TimeProvider.GetTimestamp();
        while (true)
        {
            var left = _config.OutcomeTimeout - _config.TimeProvider.GetElapsedTime(started);
            var wait = Math.Clamp((int)left.TotalSeconds, 0, LongestWaitSeconds);
            var result = await _api.PostRepeatableAsync<OwnerActionResult>(
                $"ops/{Paths.Segment(userOpHash)}/submit?wait={wait}", new SubmitRequest { Signature = signature }, key: null, cancellationToken);
            if (result.Status == OwnerActionStatus.Done)
            {
                return result;
            }

            if (result.Status == OwnerActionStatus.Failed)
            {
                throw new CapApiException(200, ErrorCodes.RelayFailed, $"{request.Action} of {request.AgentId} had no effect: {result.FailureReason}. The same call tries again.") { Retryable = true };
            }

            if (left <= TimeSpan.Zero)
            {
                throw new OutcomeUnknownException(
                    $"{request.Action} of {request.AgentId} is on its way, but was not proven within {_config.OutcomeTimeout}. It may still happen: look at the agent before you repeat it.", userOpHash);
            }
        }
    }
}
