using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>What an error code promises.</summary>
/// <param name="Code">One of <see cref="Sdk.ErrorCodes"/>, or one that comes with a later feature.</param>
/// <param name="Retryable">Whether the same call may succeed later.</param>
/// <param name="Reason">CROO's word for it, on its own routes.</param>
/// <param name="Statuses">The HTTP statuses that it comes with.</param>
internal sealed record ErrorRow(string Code, bool Retryable, string Reason, params int[] Statuses);

/// <summary>The API's table of error codes, written a second time: the tests hold the relayer to it.</summary>
internal static class ErrorTable
{
    public static readonly IReadOnlyDictionary<string, ErrorRow> Rows = new ErrorRow[]
    {
        new("UNAUTHORIZED", false, "SDK_KEY_MISSING", 401),
        new("INVALID_API_KEY", false, "SDK_KEY_INVALID", 401),
        new("INVALID_SIGNATURE", false, "AUTH_FAIL", 401, 422),
        new("REPLAYED_REQUEST", false, "CHALLENGE_INVALID", 401),
        new("INSUFFICIENT_SCOPE", false, "FORBIDDEN", 403),
        new("FORBIDDEN", false, "FORBIDDEN", 403),
        new("BUYER_NOT_ELIGIBLE", false, "FORBIDDEN", 403),
        new("SPONSOR_POLICY_DENIED", false, "SPONSOR_POLICY_DENIED", 403),
        new("VALIDATION_ERROR", false, "INVALID_PARAMETERS", 400),
        new("MISSING_REQUIRED_FIELD", false, "INVALID_PARAMETERS", 400),
        new("INVALID_AMOUNT_FORMAT", false, "INVALID_PARAMETERS", 400),
        new("INVALID_AMOUNT", false, "INVALID_PARAMETERS", 400),
        new("INVALID_CURRENCY", false, "INVALID_PARAMETERS", 400),
        // CROO's client knows what is not there by the end of the word.
        new("NOT_FOUND", false, "ROUTE_NOT_FOUND", 404),
        NotFound("NEGOTIATION_NOT_FOUND"),
        NotFound("ORDER_NOT_FOUND"),
        NotFound("SERVICE_NOT_FOUND"),
        NotFound("AGENT_NOT_FOUND"),
        NotFound("API_KEY_NOT_FOUND"),
        NotFound("USER_NOT_FOUND"),
        NotFound("DELIVERY_NOT_FOUND"),
        NotFound("DISPUTE_NOT_FOUND"),
        NotFound("MILESTONE_NOT_FOUND"),
        NotFound("CONVERSATION_NOT_FOUND"),
        NotFound("OBJECT_NOT_FOUND"),
        NotFound("OPERATION_NOT_FOUND"),
        NotFound("WITHDRAWAL_NOT_FOUND"),
        NotFound("RESERVE_NOT_FOUND"),
        new("INVALID_STATE", false, "INVALID_STATUS", 409),
        new("ALREADY_DELIVERED", false, "INVALID_STATUS", 409),
        new("STALE_REVISION", false, "INVALID_STATUS", 409),
        new("PRICE_CHANGED", false, "PRICE_CHANGED", 409),
        new("SERVICE_DISABLED", false, "INVALID_AGENT_STATUS", 409),
        new("FUNDS_ALREADY_RESERVED", false, "INVALID_STATUS", 409),
        new("ESCROW_ALREADY_EXISTS", false, "INVALID_STATUS", 409),
        new("ESCROW_ALREADY_FUNDED", false, "INVALID_STATUS", 409),
        new("DISPUTE_ALREADY_OPEN", false, "INVALID_STATUS", 409),
        new("USER_ALREADY_EXISTS", false, "INVALID_STATUS", 409),
        new("IDEMPOTENCY_KEY_IN_PROGRESS", true, "IDEMPOTENCY_KEY_IN_PROGRESS", 409),
        new("IDEMPOTENCY_KEY_REUSED", false, "IDEMPOTENCY_KEY_REUSED", 409),
        new("DEADLINE_PASSED", false, "INVALID_STATUS", 409),
        new("DEADLINE_NOT_REACHED", true, "INVALID_STATUS", 409),
        new("LINK_EXPIRED", false, "LINK_EXPIRED", 410),
        new("PREPARATION_EXPIRED", false, "PREPARATION_EXPIRED", 410),
        new("CURSOR_EXPIRED", false, "CURSOR_EXPIRED", 410),
        new("RESULT_EXPIRED", false, "RESULT_EXPIRED", 410),
        // It can succeed after a deposit, but not by waiting: no client may repeat it by itself.
        new("INSUFFICIENT_FUNDS", false, "insufficient_balance", 422),
        new("SPENDING_LIMIT_EXCEEDED", false, "SPENDING_LIMIT_EXCEEDED", 422),
        new("THIRD_PARTIES_NOT_ACCEPTED", false, "THIRD_PARTIES_NOT_ACCEPTED", 422),
        new("DELIVERABLE_SCHEMA_MISMATCH", false, "INVALID_PARAMETERS", 422),
        new("CONTENT_HASH_MISMATCH", false, "CONTENT_HASH_MISMATCH", 422),
        new("RESERVE_MISMATCH_AMOUNT", false, "RESERVE_MISMATCH_AMOUNT", 422),
        new("WITHDRAWAL_DESTINATION_INVALID", false, "WITHDRAWAL_DESTINATION_INVALID", 422),
        new("METHOD_NOT_ALLOWED", false, "INVALID_PARAMETERS", 405),
        new("PAYLOAD_TOO_LARGE", false, "INVALID_PARAMETERS", 413),
        new("UNSUPPORTED_MEDIA_TYPE", false, "INVALID_PARAMETERS", 415),
        new("QUOTA_EXCEEDED", false, "QUOTA_EXCEEDED", 422),
        new("RATE_LIMITED", true, "429", 429),
        new("SPONSOR_BUDGET_EXCEEDED", true, "SPONSOR_BUDGET_EXCEEDED", 429),
        new("INTERNAL_ERROR", true, "UNKNOWN", 500),
        new("RELAY_FAILED", true, "PIMLICO_ERROR", 502),
        new("RELAYER_UNAVAILABLE", true, "RELAYER_UNAVAILABLE", 503),
        new("MAINTENANCE", true, "MAINTENANCE", 503),
    }.ToDictionary(row => row.Code, StringComparer.Ordinal);

    private static ErrorRow NotFound(string code) => new(code, false, code, 404);
}

/// <summary>An error as it came: in our envelope, or in CROO's shape on its routes.</summary>
/// <param name="Code">Ours.</param>
/// <param name="Reason">CROO's; null in our envelope.</param>
/// <param name="Message">For people.</param>
/// <param name="Retryable">Whether the same call may succeed later.</param>
/// <param name="RequestId">Of the answer.</param>
internal sealed record ErrorAnswer(string Code, string? Reason, string Message, bool Retryable, string RequestId)
{
    private static readonly string[] Members = ["success", "error", "meta"];
    private static readonly string[] ErrorMembers = ["code", "message", "details", "retryable"];
    private static readonly string[] CompatMembers = ["code", "reason", "message", "metadata"];

    /// <summary>Reads an error, and fails the test where it is not exactly of its shape and in the table.</summary>
    public static ErrorAnswer Read(string path, RawReply reply)
    {
        reply.TryJson(out var json).Should().BeTrue($"the body of {reply.Status} is JSON: {reply.Body}");
        reply.Header("Content-Type").Should().StartWith("application/json");
        var error = IsCompat(path) ? OfCompat(json!.Value, reply.Status) : OfOurs(json!.Value);
        ErrorTable.Rows.Should().ContainKey(error.Code, $"every code is in the table: {reply.Body}");
        var row = ErrorTable.Rows[error.Code];
        row.Statuses.Should().Contain(reply.Status, $"it is the status of {error.Code}: {reply.Body}");
        error.Retryable.Should().Be(row.Retryable, $"the table says so: {reply.Body}");
        (error.Reason ?? row.Reason).Should().Be(row.Reason);
        error.Message.Should().NotBeEmpty();
        reply.Header("X-Request-ID").Should().Be(error.RequestId);
        return error;
    }

    private static bool IsCompat(string path) => new[] { "/backend/v1", "/ws" }.Any(
        root => path.Equals(root, StringComparison.OrdinalIgnoreCase) || path.StartsWith(root + "/", StringComparison.OrdinalIgnoreCase));

    private static ErrorAnswer OfOurs(JsonElement json)
    {
        NamesOf(json).Should().Equal(Members);
        json.GetProperty("success").GetBoolean().Should().BeFalse();
        var error = json.GetProperty("error");
        NamesOf(error).Should().BeSubsetOf(ErrorMembers);
        return new(
            error.GetProperty("code").GetString()!,
            Reason: null,
            error.GetProperty("message").GetString()!,
            error.GetProperty("retryable").GetBoolean(),
            json.GetProperty("meta").GetProperty("requestId").GetString()!);
    }

    private static ErrorAnswer OfCompat(JsonElement json, int status)
    {
        NamesOf(json).Should().Equal(CompatMembers);
        json.GetProperty("code").GetInt32().Should().Be(status);
        var metadata = json.GetProperty("metadata");
        metadata.EnumerateObject().Should().OnlyContain(member => member.Value.ValueKind == JsonValueKind.String, "CROO's metadata are strings");
        return new(
            metadata.GetProperty("code").GetString()!,
            json.GetProperty("reason").GetString()!,
            json.GetProperty("message").GetString()!,
            metadata.GetProperty("retryable").GetString() == "true",
            metadata.GetProperty("requestId").GetString()!);
    }

    private static IEnumerable<string> NamesOf(JsonElement json) => json.EnumerateObject().Select(member => member.Name);
}
