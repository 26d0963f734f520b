using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Sdk;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Accounts;

/// <summary>Routes <c>/auth</c>: wallet sign-in of Owners, keys of the operator.</summary>
public static class AuthApi
{
    private const int MaxSignatureBytes = 4096;

    /// <summary>Maps the routes of those who have no key yet.</summary>
    public static void MapSignIn(this RouteGroupBuilder open)
    {
        open.MapPost("/auth/challenge", async (HttpContext context, SignInMessages messages, IOptions<RelayerOptions> options) =>
        {
            var request = await RequestBody.ReadAsync<ChallengeRequest>(context.Request, context.RequestAborted);
            var message = messages.Create(Fields.Address("address", request.Address), SiteOf(context.Request, options.Value));
            return Envelopes.Ok(context, new Challenge { Message = message.Text, Nonce = message.Nonce, ExpiresAt = message.ExpiresAt });
        });

        open.MapPost("/auth/login", async (HttpContext context, OwnerSessions sessions) =>
        {
            var request = await RequestBody.ReadAsync<LoginRequest>(context.Request, context.RequestAborted);
            var signature = SignatureOf(request);
            return Envelopes.Ok(context, await sessions.LoginAsync(request.Message, signature, context.RequestAborted));
        });
    }

    /// <summary>Maps the routes that need a key.</summary>
    public static void MapAuth(this RouteGroupBuilder api)
    {
        api.MapPost("/auth/logout", async (HttpContext context, OwnerSessions sessions) =>
        {
            var caller = context.Caller();
            if (caller.Owner is null)
            {
                throw ApiException.Forbidden("Only a wallet sign-in can be logged out: keys are rotated or revoked.");
            }

            await sessions.LogoutAsync(caller.KeyId, context.RequestAborted);
            return Envelopes.Ok(context, new { loggedOut = true });
        }).AlsoForOwners();

        var keys = api.MapGroup("/auth/api-keys").NeedsScope(Scopes.Admin);
        keys.MapPost("", async (HttpContext context, ApiKeys apiKeys, IOptions<RelayerOptions> options) =>
        {
            var caller = context.Caller();
            caller.RequireOperator();
            var request = await RequestBody.ReadAsync<CreateApiKeyRequest>(context.Request, context.RequestAborted);
            var name = Fields.Text("name", request.Name, 1, 64);
            var scopes = ScopesExtensions.Parse("scopes", request.Scopes);
            // Else admin alone would be everything.
            caller.RequireScope(scopes);
            return Envelopes.Ok(context, await apiKeys.CreateAsync(ApiKeys.OperatorPrefix(options.Value), name, scopes, context.IdempotentCall(), context.RequestAborted), 201);
        });

        keys.MapGet("", async (HttpContext context, ApiKeys apiKeys) =>
        {
            context.Caller().RequireOperator();
            var paging = Paging.From(context.Request);
            var rows = await apiKeys.ListAsync(paging.Limit + 1, paging.BeforeTime, paging.BeforeId, context.RequestAborted);
            return Envelopes.Page(context, paging.ToPage(rows, row => row.ToModel(), row => (row.CreatedAt, row.KeyId)));
        });

        keys.MapDelete("/{keyId}", async (HttpContext context, ApiKeys apiKeys, string keyId) =>
        {
            context.Caller().RequireOperator();
            await apiKeys.RevokeAsync(keyId, context.IdempotentCall(), context.RequestAborted);
            return Envelopes.Ok(context, new { revoked = true });
        });
    }

    // Whoever asks chooses the Host header, so on a real chain it proves nothing: a page of somebody else's could have its own name
    // put into a message that signs in here.
    private static Uri SiteOf(HttpRequest request, RelayerOptions options) => options switch
    {
        { PublicUrl.Length: > 0 } => new Uri(options.PublicUrl),
        { Sandbox: true } => Uri.TryCreate($"{request.Scheme}://{request.Host}", UriKind.Absolute, out var site)
            ? site
            : throw ApiException.Invalid("Host", request.Host.Value ?? "", "the relayer's host and port"),
        _ => throw ApiException.State(
            ErrorCodes.InvalidState, "There is no wallet sign-in here, because the relayer does not know its own address. The operator sets CapVault__PublicUrl.", new { setting = "PublicUrl" }),
    };

    private static byte[] SignatureOf(LoginRequest request)
    {
        var isHex = request.Signature.StartsWith("0x", StringComparison.Ordinal) && request.Signature.Length % 2 == 0 && request.Signature.IsHex();
        return isHex && request.Signature.Length is > 2 and <= (MaxSignatureBytes * 2) + 2
            ? request.Signature.HexToByteArray()
            : throw ApiException.Invalid("signature", request.Signature, $"0x and the hex digits of 1 – {MaxSignatureBytes} bytes");
    }
}
