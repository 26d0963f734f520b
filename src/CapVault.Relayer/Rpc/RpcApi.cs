using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Relayer.Sponsoring;
using CapVault.Sdk;
using Microsoft.Extensions.Options;
using Nethereum.JsonRpc.Client;

namespace CapVault.Relayer.Rpc;

/// <summary>A request: its parameters, and on whose budget it is.</summary>
/// <param name="Parameters">By position.</param>
/// <param name="Payer">Of the key that asks.</param>
public sealed record RpcCall(JsonElement Parameters, Payer Payer)
{
    /// <summary>A parameter; undefined where it is missing.</summary>
    public JsonElement this[int index] =>
        Parameters.ValueKind == JsonValueKind.Array && index < Parameters.GetArrayLength() ? Parameters[index] : default;
}

/// <summary>
/// <c>POST /rpc</c>: a bundler (ERC-7769) and a paymaster service (ERC-7677), for clients that know nothing of us. Behind a key; a sandbox also answers those
/// who send none.
/// </summary>
public static class RpcApi
{
    private const int MaxBatch = 100;

    // Values that are missing must be there as null: clients tell "unknown" by it.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32, AllowDuplicateProperties = false };

    /// <summary>Maps the route.</summary>
    public static void MapRpc(this WebApplication app) => app.MapPost("/rpc", AnswerAsync);

    private static async Task<IResult> AnswerAsync(HttpContext context, Agents agents, RpcMethods methods, IOptions<RelayerOptions> options)
    {
        var caller = await CallerAsync(context, options.Value);
        var payer = await PayerAsync(caller, agents, context.RequestAborted);
        JsonDocument document;
        try
        {
            document = await JsonDocument.ParseAsync(context.Request.Body, Strict, context.RequestAborted);
        }
        catch (JsonException exception)
        {
            return Results.Json(ErrorOf(default, new RpcException(RpcException.Parse, $"The body is not JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}), or repeats a field.")), Json);
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Array)
            {
                return await AnswerOneAsync(context, methods, root, payer) is { } answer ? Results.Json(answer, Json) : Results.NoContent();
            }

            if (root.GetArrayLength() is 0 or > MaxBatch)
            {
                return Results.Json(ErrorOf(default, new RpcException(RpcException.Request, $"A batch: found {root.GetArrayLength()} requests, expected 1 – {MaxBatch}.")), Json);
            }

            // In their order: what one sends, the next may build on.
            var answers = new List<object>();
            var limits = context.RequestServices.GetRequiredService<RateLimits>();
            foreach (var (index, request) in root.EnumerateArray().Index())
            {
                // The first was counted with the HTTP request.
                if (index > 0 && TooMany(context, limits, caller) is { } refusal)
                {
                    answers.Add(ErrorOf(TryGetId(request, out var id) ? id : default, refusal));
                    continue;
                }

                if (await AnswerOneAsync(context, methods, request, payer) is { } answer)
                {
                    answers.Add(answer);
                }
            }

            return answers.Count > 0 ? Results.Json(answers, Json) : Results.NoContent();
        }
    }

    private static async Task<object?> AnswerOneAsync(HttpContext context, RpcMethods methods, JsonElement request, Payer payer)
    {
        var hasId = TryGetId(request, out var id);
        try
        {
            if (request.ValueKind != JsonValueKind.Object || !hasId || !request.TryGetProperty("method", out var method) || method.ValueKind != JsonValueKind.String)
            {
                throw new RpcException(RpcException.Request, "The request: expected an object with jsonrpc \"2.0\", id, method and params.");
            }

            var parameters = request.TryGetProperty("params", out var given) ? given : default;
            if (parameters.ValueKind is not (JsonValueKind.Array or JsonValueKind.Undefined or JsonValueKind.Null))
            {
                throw RpcException.Invalid("params", RpcException.Text(parameters), "an array");
            }

            var result = await methods.CallAsync(method.GetString()!, new RpcCall(parameters, payer), context.RequestAborted);
            return id.ValueKind == JsonValueKind.Undefined ? null : new { jsonrpc = "2.0", id = id.Clone(), result };
        }
        catch (Exception exception) when (AsError(exception) is { } error)
        {
            if (error.Code == RpcException.Internal)
            {
                context.RequestServices.GetRequiredService<ILogger<RpcMethods>>().LogError(exception, "A JSON-RPC request failed, request {RequestId}", Envelopes.RequestId(context));
            }

            return hasId && id.ValueKind == JsonValueKind.Undefined ? null : ErrorOf(id, error);
        }
    }

    // False where there is one that is none; undefined for a notification, which gets no answer.
    private static bool TryGetId(JsonElement request, out JsonElement id)
    {
        id = default;
        return request.ValueKind == JsonValueKind.Object
            && (!request.TryGetProperty("id", out id) || id.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.Null);
    }

    private static object ErrorOf(JsonElement id, RpcException error) => new
    {
        jsonrpc = "2.0",
        id = id.ValueKind is JsonValueKind.String or JsonValueKind.Number ? (JsonElement?)id.Clone() : null,
        error = error.Details is null ? (object)new { code = error.Code, message = error.Message } : new { code = error.Code, message = error.Message, data = error.Details },
    };

    private static RpcException? AsError(Exception exception) => exception switch
    {
        RpcException error => error,
        ApiException { Status: 429 } budget => new(RpcException.Throttled, budget.Message, DetailsOf(budget)),
        ApiException { Code: ErrorCodes.SponsorPolicyDenied } policy => new(RpcException.Paymaster, policy.Message, DetailsOf(policy)),
        ApiException invalid => new(RpcException.Fields, invalid.Message, DetailsOf(invalid)),
        // Invalid UTF-8 inside a string.
        InvalidOperationException { Source: "System.Text.Json" } => new(RpcException.Fields, "The request: found text that is not UTF-8, expected JSON in UTF-8."),
        OperationCanceledException => null,
        RpcClientUnknownException or RpcClientTimeoutException or RpcResponseException => new(RpcException.Internal, "The relayer's chain node does not answer as it should. Try again shortly."),
        _ => new(RpcException.Internal, "Something failed here that is not your fault. Ask for the operation by its hash before you send it again."),
    };

    private static object DetailsOf(ApiException error) => new { code = error.Code, details = error.Details };

    private static RpcException? TooMany(HttpContext context, RateLimits limits, Caller? caller)
    {
        try
        {
            if (caller is null)
            {
                limits.TakeByAddress(context);
            }
            else
            {
                limits.Take(context, caller);
            }

            return null;
        }
        catch (ApiException exception)
        {
            return AsError(exception);
        }
    }

    /// <summary>Who asks; null for nobody that is known, which a sandbox allows.</summary>
    private static async Task<Caller?> CallerAsync(HttpContext context, RelayerOptions options)
    {
        if (!options.Sandbox || context.HasKey())
        {
            return await context.AuthenticateAsync();
        }

        context.RequestServices.GetRequiredService<RateLimits>().TakeByAddress(context);
        return null;
    }

    private static async Task<Payer> PayerAsync(Caller? caller, Agents agents, CancellationToken cancellationToken) => caller switch
    {
        null => new Payer(AgentId: null, Owner: null, KeyId: "anonymous"),
        { AgentId: { } agentId } => new Payer(agentId, (await agents.FindAsync(agentId, cancellationToken))!.Owner),
        _ => new Payer(AgentId: null, Owner: null, caller.KeyId),
    };
}
