using System.Reflection;
using CapVault.Relayer.Compat;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Every code of ours has one reason of CROO's, and both clients see the same cause in it.</summary>
public sealed class CompatReasonTests
{
    private static readonly IReadOnlyDictionary<string, Func<Exception, bool>> Ours = typeof(CapErrors)
        .GetMethods(BindingFlags.Public | BindingFlags.Static)
        .ToDictionary(method => method.Name, method => method.CreateDelegate<Func<Exception, bool>>(), StringComparer.Ordinal);

    /// <summary>Each code with the HTTP status that it comes with.</summary>
    public static readonly TheoryData<string, int> Codes = new()
    {
        { ErrorCodes.Unauthorized, 401 },
        { ErrorCodes.InvalidApiKey, 401 },
        { ErrorCodes.InvalidSignature, 401 },
        { ErrorCodes.ReplayedRequest, 401 },
        { ErrorCodes.InsufficientScope, 403 },
        { ErrorCodes.Forbidden, 403 },
        { ErrorCodes.SponsorPolicyDenied, 403 },
        { ErrorCodes.ValidationError, 400 },
        { ErrorCodes.MissingRequiredField, 400 },
        { ErrorCodes.InvalidAmountFormat, 400 },
        { ErrorCodes.InvalidAmount, 400 },
        { ErrorCodes.NotFound, 404 },
        { ErrorCodes.NegotiationNotFound, 404 },
        { ErrorCodes.OrderNotFound, 404 },
        { ErrorCodes.ServiceNotFound, 404 },
        { ErrorCodes.AgentNotFound, 404 },
        { ErrorCodes.ApiKeyNotFound, 404 },
        { ErrorCodes.ObjectNotFound, 404 },
        { ErrorCodes.DeliveryNotFound, 404 },
        { ErrorCodes.OperationNotFound, 404 },
        { ErrorCodes.InvalidState, 409 },
        { ErrorCodes.AlreadyDelivered, 409 },
        { ErrorCodes.StaleRevision, 409 },
        { ErrorCodes.ServiceDisabled, 409 },
        { ErrorCodes.DeadlinePassed, 409 },
        { ErrorCodes.DeadlineNotReached, 409 },
        { ErrorCodes.IdempotencyKeyInProgress, 409 },
        { ErrorCodes.IdempotencyKeyReused, 409 },
        { ErrorCodes.CursorExpired, 410 },
        { ErrorCodes.LinkExpired, 410 },
        { ErrorCodes.PreparationExpired, 410 },
        { ErrorCodes.InsufficientFunds, 422 },
        { ErrorCodes.SpendingLimitExceeded, 422 },
        { ErrorCodes.ThirdPartiesNotAccepted, 422 },
        { ErrorCodes.ContentHashMismatch, 422 },
        { ErrorCodes.DeliverableSchemaMismatch, 422 },
        { ErrorCodes.QuotaExceeded, 422 },
        { ErrorCodes.MethodNotAllowed, 405 },
        { ErrorCodes.PayloadTooLarge, 413 },
        { ErrorCodes.UnsupportedMediaType, 415 },
        { ErrorCodes.RateLimited, 429 },
        { ErrorCodes.SponsorBudgetExceeded, 429 },
        { ErrorCodes.InternalError, 500 },
        { ErrorCodes.RelayFailed, 502 },
        { ErrorCodes.RelayerUnavailable, 503 },
        { ErrorCodes.Maintenance, 503 },
        { ErrorCodes.CreateReverted, 200 },
        { ErrorCodes.PayReverted, 200 },
        { ErrorCodes.DeliverReverted, 200 },
        { ErrorCodes.ReleaseReverted, 200 },
        { ErrorCodes.DisputeReverted, 200 },
        { ErrorCodes.RejectReverted, 200 },
        { ErrorCodes.ExpireReverted, 200 },
    };

    [Fact]
    public void CR48_Every_code_has_a_reason()
    {
        var codes = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (string)field.GetRawConstantValue()!).ToList();

        CompatErrors.Reasons.Keys.Should().BeEquivalentTo(codes);
        Codes.Select(row => row[0]).Should().BeEquivalentTo(codes);
        CompatErrors.Reasons.Where(pair => pair.Key.EndsWith("_NOT_FOUND", StringComparison.Ordinal)).Should().OnlyContain(pair => pair.Key == pair.Value);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task CR48_Both_clients_see_the_same_cause(string code, int status)
    {
        var theirs = (await CompatPredicates.OfAsync(CompatErrors.Reasons[code])).Select(name => $"I{name[1..]}").ToList();
        var refusal = new CapApiException(status, code, "because");
        var ours = Ours.Where(predicate => predicate.Value(refusal)).Select(predicate => predicate.Key).ToList();

        // What CROO has no word for, ours may still tell apart.
        (theirs.Count > 0 ? theirs : ours).Should().Equal(ours).And.HaveCountLessThanOrEqualTo(1);
    }

    /// <summary>What CROO documents, and the predicate that must hold alone.</summary>
    [Theory]
    [InlineData("SDK_KEY_INVALID", nameof(CapErrors.IsUnauthorized))]
    [InlineData("SDK_KEY_MISSING", nameof(CapErrors.IsUnauthorized))]
    [InlineData("NOT_LOGIN", nameof(CapErrors.IsUnauthorized))]
    [InlineData("AUTH_FAIL", nameof(CapErrors.IsUnauthorized))]
    [InlineData("INVALID_PARAMETERS", nameof(CapErrors.IsInvalidParams))]
    [InlineData("INVALID_STATUS", nameof(CapErrors.IsInvalidStatus))]
    [InlineData("INVALID_AGENT_STATUS", nameof(CapErrors.IsInvalidStatus))]
    [InlineData("FORBIDDEN", nameof(CapErrors.IsForbidden))]
    [InlineData("insufficient_balance", nameof(CapErrors.IsInsufficientBalance))]
    [InlineData("ORDER_NOT_FOUND", nameof(CapErrors.IsNotFound))]
    [InlineData("NEGOTIATION_NOT_FOUND", nameof(CapErrors.IsNotFound))]
    [InlineData("SERVICE_NOT_FOUND", nameof(CapErrors.IsNotFound))]
    [InlineData("OBJECT_NOT_FOUND", nameof(CapErrors.IsNotFound))]
    [InlineData("DELIVERY_NOT_FOUND", nameof(CapErrors.IsNotFound))]
    public void CR48_Exactly_one_predicate_holds(string reason, string predicate)
    {
        // For CROO a sign-in and a key that are missing are two causes; here nothing was sent in either case.
        var sent = reason == "NOT_LOGIN" ? "SDK_KEY_MISSING" : reason;
        var codes = Codes.Where(row => CompatErrors.Reasons[(string)row[0]] == sent).ToList();

        codes.Should().NotBeEmpty();
        foreach (var row in codes)
        {
            var refusal = new CapApiException((int)row[1], (string)row[0], "because");
            Ours.Where(ours => ours.Value(refusal)).Select(ours => ours.Key).Should().Equal(predicate);
        }
    }
}
