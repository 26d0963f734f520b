using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Compat;

/// <summary>Our errors in CROO's shape: its word for the cause, ours beside it.</summary>
public static class CompatErrors
{
    /// <summary>
    /// CROO's reason for each of <see cref="ErrorCodes"/>; where CROO has no word, the code is the reason. What is not found has the
    /// same name in both.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Reasons { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [ErrorCodes.Unauthorized] = "SDK_KEY_MISSING",
        [ErrorCodes.InvalidApiKey] = "SDK_KEY_INVALID",
        [ErrorCodes.InvalidSignature] = "AUTH_FAIL",
        [ErrorCodes.ReplayedRequest] = "CHALLENGE_INVALID",
        [ErrorCodes.InsufficientScope] = "FORBIDDEN",
        [ErrorCodes.Forbidden] = "FORBIDDEN",
        [ErrorCodes.ValidationError] = "INVALID_PARAMETERS",
        [ErrorCodes.MissingRequiredField] = "INVALID_PARAMETERS",
        [ErrorCodes.InvalidAmountFormat] = "INVALID_PARAMETERS",
        [ErrorCodes.InvalidAmount] = "INVALID_PARAMETERS",
        [ErrorCodes.DeliverableSchemaMismatch] = "INVALID_PARAMETERS",
        [ErrorCodes.MethodNotAllowed] = "INVALID_PARAMETERS",
        [ErrorCodes.PayloadTooLarge] = "INVALID_PARAMETERS",
        [ErrorCodes.UnsupportedMediaType] = "INVALID_PARAMETERS",
        [ErrorCodes.NotFound] = "ROUTE_NOT_FOUND", // the client looks for _NOT_FOUND at the end
        [ErrorCodes.NegotiationNotFound] = ErrorCodes.NegotiationNotFound,
        [ErrorCodes.OrderNotFound] = ErrorCodes.OrderNotFound,
        [ErrorCodes.ServiceNotFound] = ErrorCodes.ServiceNotFound,
        [ErrorCodes.AgentNotFound] = ErrorCodes.AgentNotFound,
        [ErrorCodes.ApiKeyNotFound] = ErrorCodes.ApiKeyNotFound,
        [ErrorCodes.ObjectNotFound] = ErrorCodes.ObjectNotFound,
        [ErrorCodes.DeliveryNotFound] = ErrorCodes.DeliveryNotFound,
        [ErrorCodes.OperationNotFound] = ErrorCodes.OperationNotFound,
        [ErrorCodes.InvalidState] = "INVALID_STATUS",
        [ErrorCodes.AlreadyDelivered] = "INVALID_STATUS",
        [ErrorCodes.StaleRevision] = "INVALID_STATUS",
        [ErrorCodes.DeadlinePassed] = "INVALID_STATUS",
        [ErrorCodes.DeadlineNotReached] = "INVALID_STATUS",
        [ErrorCodes.ServiceDisabled] = "INVALID_AGENT_STATUS",
        [ErrorCodes.InsufficientFunds] = "insufficient_balance",
        [ErrorCodes.RelayFailed] = "PIMLICO_ERROR",
        [ErrorCodes.CreateReverted] = "PIMLICO_ERROR",
        [ErrorCodes.PayReverted] = "PIMLICO_ERROR",
        [ErrorCodes.DeliverReverted] = "PIMLICO_ERROR",
        [ErrorCodes.ReleaseReverted] = "PIMLICO_ERROR",
        [ErrorCodes.DisputeReverted] = "PIMLICO_ERROR",
        [ErrorCodes.RejectReverted] = "PIMLICO_ERROR",
        [ErrorCodes.ExpireReverted] = "PIMLICO_ERROR",
        [ErrorCodes.RateLimited] = "429",
        [ErrorCodes.InternalError] = "UNKNOWN",
        [ErrorCodes.IdempotencyKeyInProgress] = ErrorCodes.IdempotencyKeyInProgress,
        [ErrorCodes.IdempotencyKeyReused] = ErrorCodes.IdempotencyKeyReused,
        [ErrorCodes.CursorExpired] = ErrorCodes.CursorExpired,
        [ErrorCodes.PreparationExpired] = ErrorCodes.PreparationExpired,
        [ErrorCodes.LinkExpired] = ErrorCodes.LinkExpired,
        [ErrorCodes.SpendingLimitExceeded] = ErrorCodes.SpendingLimitExceeded,
        [ErrorCodes.ThirdPartiesNotAccepted] = ErrorCodes.ThirdPartiesNotAccepted,
        [ErrorCodes.SponsorPolicyDenied] = ErrorCodes.SponsorPolicyDenied,
        [ErrorCodes.SponsorBudgetExceeded] = ErrorCodes.SponsorBudgetExceeded,
        [ErrorCodes.QuotaExceeded] = ErrorCodes.QuotaExceeded,
        [ErrorCodes.ContentHashMismatch] = ErrorCodes.ContentHashMismatch,
        [ErrorCodes.RelayerUnavailable] = ErrorCodes.RelayerUnavailable,
        [ErrorCodes.Maintenance] = ErrorCodes.Maintenance,
    };

    /// <summary><c>{"code":&lt;http&gt;,"reason","message","metadata"}</c>; all of the metadata are strings.</summary>
    public static object Body(HttpContext context, ApiException error)
    {
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["code"] = error.Code,
            ["retryable"] = error.Retryable ? "true" : "false",
            ["requestId"] = Envelopes.RequestId(context),
        };
        if (error.Details is not null)
        {
            foreach (var detail in JsonSerializer.SerializeToElement(error.Details, CapJson.Options).EnumerateObject())
            {
                metadata.TryAdd(detail.Name, detail.Value.ValueKind == JsonValueKind.String ? detail.Value.GetString()! : detail.Value.GetRawText());
            }
        }

        return new { code = error.Status, reason = Reasons.GetValueOrDefault(error.Code, error.Code), message = error.Message, metadata };
    }
}
