using CapVault.Relayer.Accounts;
using CapVault.Sdk;

namespace CapVault.Relayer.Http;

/// <summary>Who calls: one agent, an Owner who signed in with a wallet, or else the operator.</summary>
/// <param name="AgentId">The agent; null for the others.</param>
/// <param name="KeyId">The key, or the session, that was used.</param>
public sealed record Caller(string? AgentId, string KeyId)
{
    /// <summary>The Owner's address; null for the others.</summary>
    public byte[]? Owner { get; init; }

    /// <summary>What the operator's key may do.</summary>
    public Scopes Scopes { get; init; }

    /// <summary>Whether the caller may set up anything.</summary>
    public bool IsOperator => AgentId is null && Owner is null;

    /// <summary>The agent that calls.</summary>
    /// <exception cref="ApiException">403 for the others, who are no party to any order.</exception>
    public string RequireAgent() => AgentId ?? throw ApiException.Forbidden("This call acts for an agent: use the agent's croo_sk_ key, not the operator key or a wallet sign-in.");

    /// <exception cref="ApiException">403 for the others.</exception>
    public void RequireOperator()
    {
        if (!IsOperator)
        {
            throw ApiException.Forbidden("This call is the operator's: use the operator key, which the relayer wrote to operator.key in its data directory.");
        }
    }

    /// <summary>Whose agents the caller may set up: those of this Owner, or all if null.</summary>
    /// <exception cref="ApiException">403 for an agent.</exception>
    public byte[]? RequireSetUp() => AgentId is null
        ? Owner
        : throw ApiException.Forbidden("This call sets things up: use the operator key, which the relayer wrote to operator.key in its data directory, or sign in with the Owner's wallet.");

    /// <summary>Refuses an operator's key without a scope; the others have none and need none.</summary>
    /// <exception cref="ApiException">403 INSUFFICIENT_SCOPE.</exception>
    public void RequireScope(Scopes needed)
    {
        if (IsOperator && !Scopes.HasFlag(needed))
        {
            var (found, expected) = (Scopes.ToWords(), needed.ToWords());
            throw new ApiException(
                403,
                ErrorCodes.InsufficientScope,
                $"The key has the scopes {string.Join(", ", found)}; this call needs {string.Join(", ", expected)}. Use a key that has it.",
                new { found, needed = expected });
        }
    }
}

/// <summary>Finds the caller of a request, once, before its route runs.</summary>
public static class CallerExtensions
{
    /// <summary>
    /// Requires a valid key on every route of the group. An operator's key needs <see cref="Scopes.Read"/> for a GET, else
    /// <see cref="Scopes.Write"/>, where the route does not say otherwise; a wallet sign-in is refused where it does not say otherwise.
    /// </summary>
    public static RouteGroupBuilder RequireCaller(this RouteGroupBuilder group)
    {
        group.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            http.Items[typeof(Caller)] = await http.AuthenticateAsync();
            return await next(context);
        });
        return group;
    }

    /// <summary>Lets Owners use the route, which must look at whose agents it shows or changes.</summary>
    public static TBuilder AlsoForOwners<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new OwnersToo());

    /// <summary>Needs this scope of an operator's key.</summary>
    public static TBuilder NeedsScope<TBuilder>(this TBuilder route, Scopes scope)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new NeededScope(scope));

    /// <summary>Finds the caller by the key that was sent, and makes sure that the route is for such callers.</summary>
    /// <exception cref="ApiException">401 without a key, or with one that is not valid; 429 when such come too often; else as <see cref="AdmitOrRefuse"/>.</exception>
    public static async Task<Caller> AuthenticateAsync(this HttpContext http)
    {
        return KeyOf(http.Request) is { } key
            ? http.AdmitOrRefuse(
                await FindAsync(http, key),
                new ApiException(401, ErrorCodes.InvalidApiKey, "The key is unknown, revoked or expired. Ask the operator for a new one, or sign in again."))
            : http.AdmitOrRefuse(
                null,
                new ApiException(401, ErrorCodes.Unauthorized, "No key was sent. Send X-SDK-Key: croo_sk_…, or Authorization: Bearer with an agent's or the operator's key."));
    }

    /// <summary>Counts the request, and makes sure that its route is for such callers.</summary>
    /// <param name="http">The request.</param>
    /// <param name="caller">Who was found; null for nobody.</param>
    /// <param name="refusal">What nobody gets.</param>
    /// <exception cref="ApiException">429 for too many; 403 for an Owner where it is not for Owners, and for an operator's key without the scope.</exception>
    public static Caller AdmitOrRefuse(this HttpContext http, Caller? caller, ApiException refusal)
    {
        var limits = http.RequestServices.GetRequiredService<RateLimits>();
        if (caller is null)
        {
            limits.TakeByAddress(http);
            throw refusal;
        }

        limits.Take(http, caller);
        var metadata = http.GetEndpoint()!.Metadata;
        if (caller.Owner is not null && metadata.GetMetadata<OwnersToo>() is null)
        {
            throw ApiException.Forbidden("A wallet sign-in is for setting up agents and services. Use the agent's croo_sk_ key, or the operator key.");
        }

        caller.RequireScope(metadata.GetMetadata<NeededScope>()?.Scope ?? (HttpMethods.IsGet(http.Request.Method) ? Scopes.Read : Scopes.Write));
        return caller;
    }

    /// <summary>Whether the request carries a key at all.</summary>
    public static bool HasKey(this HttpContext http) => KeyOf(http.Request) is not null;

    /// <summary>The caller of this request.</summary>
    public static Caller Caller(this HttpContext context) => (Caller)context.Items[typeof(Caller)]!;

    private static Task<Caller?> FindAsync(HttpContext http, string key) => key.StartsWith(OwnerSessions.Prefix, StringComparison.Ordinal)
        ? http.RequestServices.GetRequiredService<OwnerSessions>().FindAsync(key, http.RequestAborted)
        : http.RequestServices.GetRequiredService<ApiKeys>().FindAsync(key, http.RequestAborted);

    private static string? KeyOf(HttpRequest request)
    {
        const string scheme = "Bearer ";
        var direct = request.Headers["X-SDK-Key"].ToString();
        var authorization = request.Headers.Authorization.ToString();
        var bearer = authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? authorization[scheme.Length..] : "";
        if (direct.Length > 0 && bearer.Length > 0 && direct != bearer)
        {
            // Whichever of the two were taken, the caller might mean the other one's money.
            throw ApiException.Invalid("Authorization", "another key than in X-SDK-Key", "one key");
        }

        return direct.Length > 0 ? direct : bearer.Length > 0 ? bearer : null;
    }

    private sealed record OwnersToo;

    private sealed record NeededScope(Scopes Scope);
}
