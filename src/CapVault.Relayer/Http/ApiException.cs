using CapVault.Sdk;

namespace CapVault.Relayer.Http;

/// <summary>An answer that is an error: thrown anywhere below a route, written by <see cref="Envelopes"/>.</summary>
public sealed class ApiException(int status, string code, string message, object? details = null, bool retryable = false) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>One of <see cref="ErrorCodes"/>.</summary>
    public string Code => code;

    /// <summary>The message in parts, for programs.</summary>
    public object? Details => details;

    /// <summary>Whether the same call may succeed later.</summary>
    public bool Retryable => retryable;

    /// <summary>How long the caller should wait before it repeats the call, where it may. The default value is 1 second.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A field that is malformed or out of range.</summary>
    public static ApiException Invalid(string field, string? found, string expected) =>
        new(400, ErrorCodes.ValidationError, $"{field}: found {Quote(found)}, expected {expected}.", new { field, found = Cut(found), expected });

    /// <summary>A field that must be there.</summary>
    public static ApiException Missing(string field) =>
        new(400, ErrorCodes.MissingRequiredField, $"{field}: found nothing, expected a value.", new { field });

    /// <summary>Something that is not there, or not the caller's: which of the two is not told.</summary>
    public static ApiException NotFound(string code, string what, string id) =>
        new(404, code, $"There is no {what} {Quote(id)} for this key.", new { id = Cut(id) });

    /// <summary>Something that the public catalogue does not have, or does not show.</summary>
    public static ApiException NotOffered(string code, string what, string id) =>
        new(404, code, $"There is no {what} {Quote(id)} on offer.", new { id = Cut(id) });

    /// <summary>A party in the wrong role.</summary>
    public static ApiException Forbidden(string message) => new(403, ErrorCodes.Forbidden, message);

    /// <summary>A state that does not allow the call.</summary>
    public static ApiException State(string code, string message, object details, bool retryable = false) => new(409, code, message, details, retryable);

    /// <summary>A caller's value in quotes, cut.</summary>
    internal static string Quote(string? value) => value is null ? "nothing" : $"\"{Cut(value)}\"";

    /// <summary>A caller's value: a hostile one must not blow up the answer or the log.</summary>
    internal static string? Cut(string? value) => value is { Length: > 80 } ? string.Concat(value.AsSpan(0, 80), "…") : value;
}
