namespace CapVault.Sdk;

/// <summary>What kind of refusal an exception is; for <c>catch (Exception e) when (CapErrors.IsNotFound(e))</c>.</summary>
public static class CapErrors
{
    /// <summary>What the call names does not exist, or is none of the caller's.</summary>
    public static bool IsNotFound(Exception exception) => Is(exception, e => e.HttpStatus == 404);

    /// <summary>The key is missing, unknown or revoked.</summary>
    public static bool IsUnauthorized(Exception exception) => Is(exception, e => e.HttpStatus == 401);

    /// <summary>A field is missing, malformed or out of range.</summary>
    public static bool IsInvalidParams(Exception exception) => Is(exception, e =>
        e.HttpStatus is 400 or 405 or 413 or 415 || e.Code == ErrorCodes.DeliverableSchemaMismatch);

    /// <summary>The state of the order, negotiation or service does not allow the call.</summary>
    public static bool IsInvalidStatus(Exception exception) => Is(exception, e => e.Code is
        ErrorCodes.InvalidState or ErrorCodes.AlreadyDelivered or ErrorCodes.StaleRevision or ErrorCodes.ServiceDisabled
        or ErrorCodes.DeadlinePassed or ErrorCodes.DeadlineNotReached);

    /// <summary>The caller may not do this.</summary>
    public static bool IsForbidden(Exception exception) => Is(exception, e => e.HttpStatus == 403);

    /// <summary>The wallet does not hold the price.</summary>
    public static bool IsInsufficientBalance(Exception exception) => Is(exception, e => e.Code == ErrorCodes.InsufficientFunds);

    private static bool Is(Exception exception, Func<CapApiException, bool> kind) =>
        exception is CapApiException refusal && refusal.Code != CapApiException.UnexpectedResponse && kind(refusal);
}
