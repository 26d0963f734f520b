using CapVault.Relayer.Accounts;
using CapVault.Sdk;

namespace CapVault.Relayer.Http;

/// <summary>Who calls: one agent, or the operator.</summary>
/// <param name="AgentId">The agent; null for the operator.</param>
/// <param name="KeyId">The key that was used.</param>
public sealed record Caller(string? AgentId, string KeyId)
{
    /// <summary>Whether the caller may use the set-up routes.</summary>
    public bool IsOperator => AgentId is null;

    /// <summary>The agent that calls.</summary>
    /// <exception cref="ApiException">403 for the operator, who is no party to any order.</exception>
    public string RequireAgent() => AgentId ?? throw ApiException.Forbidden("This call acts for an agent: use the agent's croo_sk_ key, not the operator key.");

    /// <exception cref="ApiException">403 for an agent.</exception>
    public void RequireOperator()
    {
        if (!IsOperator)
        {
            throw ApiException.Forbidden("This call sets things up: use the operator key, which the relayer wrote to operator.key in its data directory.");
        }
    }
}

/// <summary>Finds the caller of a request, once, before its route runs.</summary>
public static class CallerExtensions
{
    /// <summary>Requires a valid key on every route of the group.</summary>
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

    /// <summary>Finds the caller by the key that was sent.</summary>
    /// <exception cref="ApiException">401 without a key, or with one that is not valid.</exception>
    public static async Task<Caller> AuthenticateAsync(this HttpContext http)
    {
        var key = KeyOf(http.Request) ?? throw new ApiException(
            401, ErrorCodes.Unauthorized, "No key was sent. Send X-SDK-Key: croo_sk_…, or Authorization: Bearer with an agent's or the operator's key.");
        return await http.RequestServices.GetRequiredService<ApiKeys>().FindAsync(key, http.RequestAborted)
            ?? throw new ApiException(401, ErrorCodes.InvalidApiKey, "The key is unknown or revoked. Ask the operator for a new one.");
    }

    /// <summary>The caller of this request.</summary>
    public static Caller Caller(this HttpContext context) => (Caller)context.Items[typeof(Caller)]!;

    private static string? KeyOf(HttpRequest request)
    {
        if (request.Headers.TryGetValue("X-SDK-Key", out var key) && key.ToString() is { Length: > 0 } direct)
        {
            return direct;
        }

        const string scheme = "Bearer ";
        var authorization = request.Headers.Authorization.ToString();
        return authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) && authorization.Length > scheme.Length ? authorization[scheme.Length..] : null;
    }
}
