using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace CapVault.Sdk;

/// <summary>The relayer refused a call, or a step failed for good. Root of what this SDK throws about an answer.</summary>
public class CapApiException : Exception
{
    /// <summary><see cref="Code"/> when the answer was not CapVault's JSON: the address is wrong, or something stands between.</summary>
    public const string UnexpectedResponse = "UNEXPECTED_RESPONSE";

    /// <summary><see cref="Code"/> when this client did not sign with <see cref="Config.Executor"/>: the relayer wanted a signature for something else than was asked for.</summary>
    public const string SignatureRefused = "SIGNATURE_REFUSED";

    /// <summary>Makes one.</summary>
    public CapApiException(int httpStatus, string code, string reason, Exception? inner = null)
        : base($"{code}: {reason}", inner)
    {
        HttpStatus = httpStatus;
        Code = code;
        Reason = reason;
    }

    /// <summary>Status of the answer; 0 when there was none. A proven revert answers 200.</summary>
    public int HttpStatus { get; }

    /// <summary>One of <see cref="ErrorCodes"/>, or <see cref="UnexpectedResponse"/>.</summary>
    public string Code { get; }

    /// <summary>For people: what was found, what was expected and what to do.</summary>
    public string Reason { get; }

    /// <summary>Names the request in the relayer's logs.</summary>
    public string? RequestId { get; init; }

    /// <summary>Whether the same call may succeed later.</summary>
    public bool Retryable { get; internal set; }

    /// <summary>The reason in parts, for programs; empty where there are none.</summary>
    public IReadOnlyDictionary<string, JsonElement> Details { get; init; } = new Dictionary<string, JsonElement>(StringComparer.Ordinal);

    /// <summary>No proper answer came, so the relayer may have taken the call all the same.</summary>
    internal bool MayHaveBeenTaken { get; set; }

    internal static CapApiException From(int httpStatus, ErrorBody error, string? requestId)
    {
        var details = error.Details ?? [];
        if (error.Code == ErrorCodes.InsufficientFunds
            && details.TryGetValue("token", out var token) && token.ValueKind == JsonValueKind.String
            && TryBaseUnits(details, "required", out var required)
            && TryBaseUnits(details, "available", out var available))
        {
            return new InsufficientBalanceException(httpStatus, error.Message, token.GetString()!, required, available)
            {
                RequestId = requestId,
                Retryable = error.Retryable,
                Details = details,
            };
        }

        return new CapApiException(httpStatus, error.Code, error.Message)
        {
            RequestId = requestId,
            Retryable = error.Retryable,
            Details = details,
        };
    }

    private static bool TryBaseUnits(Dictionary<string, JsonElement> details, string name, out BigInteger amount)
    {
        amount = default;
        return details.TryGetValue(name, out var value)
            && value.ValueKind == JsonValueKind.String
            && BigInteger.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out amount);
    }
}

/// <summary>The wallet does not hold the price. Nothing was sent: deposit and pay again.</summary>
public sealed class InsufficientBalanceException : CapApiException
{
    /// <summary>Makes one.</summary>
    public InsufficientBalanceException(int httpStatus, string reason, string token, BigInteger required, BigInteger balance)
        : base(httpStatus, ErrorCodes.InsufficientFunds, reason)
    {
        Token = token;
        Required = required;
        Balance = balance;
    }

    /// <summary>Address of the token.</summary>
    public string Token { get; }

    /// <summary>What the step needs, in the token's base units.</summary>
    public BigInteger Required { get; }

    /// <summary>What the wallet holds, in the token's base units.</summary>
    public BigInteger Balance { get; }
}

/// <summary>
/// A step was accepted, but its outcome was not proven in time: it may or may not happen. Never start another order in its place; repeat the
/// same call, which joins the same operation, or watch the order.
/// </summary>
public sealed class OutcomeUnknownException : Exception
{
    /// <summary>Makes one.</summary>
    public OutcomeUnknownException(string message, string? userOpHash, Exception? inner = null)
        : base(message, inner) => UserOpHash = userOpHash;

    /// <summary>Hash of the ERC-4337 operation to look for; null where the relayer had not named one yet.</summary>
    public string? UserOpHash { get; }
}
