namespace CapVault.Sdk;

/// <summary>The stable error codes of the API; one per cause.</summary>
public static class ErrorCodes
{
    /// <summary>401: no key was sent.</summary>
    public const string Unauthorized = "UNAUTHORIZED";

    /// <summary>401: the key is unknown or revoked.</summary>
    public const string InvalidApiKey = "INVALID_API_KEY";

    /// <summary>401 or 422: the signature is not that of the key or address that must sign, over what it must sign.</summary>
    public const string InvalidSignature = "INVALID_SIGNATURE";

    /// <summary>401: the message to sign in with was used, was not issued here, or has expired.</summary>
    public const string ReplayedRequest = "REPLAYED_REQUEST";

    /// <summary>403: the operator's key lacks a scope; <c>details</c> names those that it has and the one that is needed.</summary>
    public const string InsufficientScope = "INSUFFICIENT_SCOPE";

    /// <summary>403: the caller is a party, but not the one who may do this; or an agent key on a set-up route.</summary>
    public const string Forbidden = "FORBIDDEN";

    /// <summary>403: the sponsor does not pay for such a call, or such an account; <c>details</c> names it.</summary>
    public const string SponsorPolicyDenied = "SPONSOR_POLICY_DENIED";

    /// <summary>400: a field is malformed, unknown or out of range.</summary>
    public const string ValidationError = "VALIDATION_ERROR";

    /// <summary>400: a field that must be there is not.</summary>
    public const string MissingRequiredField = "MISSING_REQUIRED_FIELD";

    /// <summary>400: an amount is not a decimal string.</summary>
    public const string InvalidAmountFormat = "INVALID_AMOUNT_FORMAT";

    /// <summary>400: an amount is out of range.</summary>
    public const string InvalidAmount = "INVALID_AMOUNT";

    /// <summary>404: no such route.</summary>
    public const string NotFound = "NOT_FOUND";

    /// <summary>404.</summary>
    public const string NegotiationNotFound = "NEGOTIATION_NOT_FOUND";

    /// <summary>404.</summary>
    public const string OrderNotFound = "ORDER_NOT_FOUND";

    /// <summary>404.</summary>
    public const string ServiceNotFound = "SERVICE_NOT_FOUND";

    /// <summary>404.</summary>
    public const string AgentNotFound = "AGENT_NOT_FOUND";

    /// <summary>404: no API key of the operator that works.</summary>
    public const string ApiKeyNotFound = "API_KEY_NOT_FOUND";

    /// <summary>404: no delivery was submitted for the order.</summary>
    public const string DeliveryNotFound = "DELIVERY_NOT_FOUND";

    /// <summary>404: no such object, or none of the caller's; a link that is forged or altered.</summary>
    public const string ObjectNotFound = "OBJECT_NOT_FOUND";

    /// <summary>404: the relayer knows no such operation.</summary>
    public const string OperationNotFound = "OPERATION_NOT_FOUND";

    /// <summary>409: the state does not allow the call.</summary>
    public const string InvalidState = "INVALID_STATE";

    /// <summary>409: another deliverable is already recorded or on its way.</summary>
    public const string AlreadyDelivered = "ALREADY_DELIVERED";

    /// <summary>409: the negotiation has moved on to another revision.</summary>
    public const string StaleRevision = "STALE_REVISION";

    /// <summary>409: the service takes no new orders.</summary>
    public const string ServiceDisabled = "SERVICE_DISABLED";

    /// <summary>409: the deadline for this call has passed.</summary>
    public const string DeadlinePassed = "DEADLINE_PASSED";

    /// <summary>409: the call is valid only after a deadline; <c>details.at</c> says when.</summary>
    public const string DeadlineNotReached = "DEADLINE_NOT_REACHED";

    /// <summary>409: the first call with this Idempotency-Key has no proven outcome yet; retryable.</summary>
    public const string IdempotencyKeyInProgress = "IDEMPOTENCY_KEY_IN_PROGRESS";

    /// <summary>409: the Idempotency-Key was used for another call; <c>details</c> says for which.</summary>
    public const string IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED";

    /// <summary>410: the cursor is older than what is kept, or from before a restored backup.</summary>
    public const string CursorExpired = "CURSOR_EXPIRED";

    /// <summary>410: the link's time is over; ask for a new one.</summary>
    public const string LinkExpired = "LINK_EXPIRED";

    /// <summary>410: the prepared operation cannot be submitted any more: its time is over, or another operation has taken its place in the nonce
    /// lane. Prepare again.</summary>
    public const string PreparationExpired = "PREPARATION_EXPIRED";

    /// <summary>422: the wallet does not hold the price.</summary>
    public const string InsufficientFunds = "INSUFFICIENT_FUNDS";

    /// <summary>422: the agent's Owner lets its Executor spend less; <c>details</c> says what is left, and until when.</summary>
    public const string SpendingLimitExceeded = "SPENDING_LIMIT_EXCEEDED";

    /// <summary>422: the service names other third parties than the Requester says that it accepts; <c>details</c> has both.</summary>
    public const string ThirdPartiesNotAccepted = "THIRD_PARTIES_NOT_ACCEPTED";

    /// <summary>422: the caller has as many of these as it may.</summary>
    public const string QuotaExceeded = "QUOTA_EXCEEDED";

    /// <summary>422: the content is not what its hash says.</summary>
    public const string ContentHashMismatch = "CONTENT_HASH_MISMATCH";

    /// <summary>422: the value does not fit the schema that the service promises; <c>details.errors</c> says where.</summary>
    public const string DeliverableSchemaMismatch = "DELIVERABLE_SCHEMA_MISMATCH";

    /// <summary>405.</summary>
    public const string MethodNotAllowed = "METHOD_NOT_ALLOWED";

    /// <summary>413.</summary>
    public const string PayloadTooLarge = "PAYLOAD_TOO_LARGE";

    /// <summary>415.</summary>
    public const string UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE";

    /// <summary>429: too many calls or open streams; later, or with fewer, it goes.</summary>
    public const string RateLimited = "RATE_LIMITED";

    /// <summary>429: today's gas budget is used up; <c>details.resetsAt</c> says when the next day begins.</summary>
    public const string SponsorBudgetExceeded = "SPONSOR_BUDGET_EXCEEDED";

    /// <summary>500.</summary>
    public const string InternalError = "INTERNAL_ERROR";

    /// <summary>502: an operation could not be relayed; as <c>lastFailure.code</c> when it ran out of time unsent.</summary>
    public const string RelayFailed = "RELAY_FAILED";

    /// <summary>503: the relayer cannot reach its chain, or is starting or stopping.</summary>
    public const string RelayerUnavailable = "RELAYER_UNAVAILABLE";

    /// <summary>503: the relayer takes no new work for a while; reads are answered.</summary>
    public const string Maintenance = "MAINTENANCE";

    /// <summary>Only as <c>lastFailure.code</c>: createOrder reverted.</summary>
    public const string CreateReverted = "CREATE_REVERTED";

    /// <summary>Only as <c>lastFailure.code</c>: payOrder reverted.</summary>
    public const string PayReverted = "PAY_REVERTED";

    /// <summary>Only as <c>lastFailure.code</c>: deliverOrder reverted.</summary>
    public const string DeliverReverted = "DELIVER_REVERTED";

    /// <summary>Only as <c>lastFailure.code</c>: releaseOrder reverted.</summary>
    public const string ReleaseReverted = "RELEASE_REVERTED";

    /// <summary>Only as <c>lastFailure.code</c>: disputeOrder reverted.</summary>
    public const string DisputeReverted = "DISPUTE_REVERTED";

    /// <summary>Only as <c>lastFailure.code</c>: rejectOrder reverted.</summary>
    public const string RejectReverted = "REJECT_REVERTED";

    /// <summary>Only as <c>lastFailure.code</c>: expireOrder reverted.</summary>
    public const string ExpireReverted = "EXPIRE_REVERTED";
}
