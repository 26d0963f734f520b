using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Idempotency;

/// <summary>
/// Answers calls with an Idempotency-Key: the first as it is, a repeat with the first one's outcome. An answer is stored once it is final and
/// given byte-equal from then on. One that got lost (a crash between the effect and its answer) is made again by the route, which finds its
/// effect claimed.
/// </summary>
public sealed class IdempotentCalls(Db db, MasterKey masterKey, TimeProvider time, ILogger<IdempotentCalls> log)
{
    /// <summary>The request header.</summary>
    public const string Header = "Idempotency-Key";

    private static readonly TimeSpan Retention = TimeSpan.FromDays(7);

    /// <summary>Runs a route for a call with a key, or answers in its place.</summary>
    /// <exception cref="ApiException">400 for a key that is none; 409 if it was used for something else, or its first outcome is open.</exception>
    public async Task<IResult> AnswerAsync(HttpContext http, Func<IdempotentCall, ValueTask<object?>> route)
    {
        var call = new IdempotentCall(await IdentifyAsync(http), masterKey, time);
        var before = await FindAsync(call, http.RequestAborted);
        if (before is not null)
        {
            call.Recognise(before);
            if (before.Answer is not null)
            {
                return Replay(call, before);
            }
        }

        var answer = await RenderAsync(http, await route(call));
        if (answer.Status == StatusCodes.Status202Accepted)
        {
            if (!call.IsRepeat)
            {
                return answer;
            }

            if (before is not { IsOpen: false })
            {
                throw InProgress(await FindAsync(call, http.RequestAborted));
            }

            // What the answer calls pending is another call's step: the outcome of this one was proven before it was made. Not kept: once that step is
            // over, the answer says it better.
            return answer with { Status = StatusCodes.Status200OK };
        }

        return answer.Status is >= 200 and < 300 ? await KeepAsync(call, answer) : answer;
    }

    /// <summary>Forgets keys after 7 days. A repeat is then a first call, and only the order's phase keeps it from a second effect.</summary>
    public Task PruneAsync(CancellationToken cancellationToken) => db.WriteAsync(
        tx => tx.ExecuteAsync(
            "DELETE FROM idempotency WHERE created_at < @before", new { before = (time.GetUtcNow() - Retention).ToUnixTimeMilliseconds() }),
        cancellationToken);

    private static async Task<CallIdentity> IdentifyAsync(HttpContext http)
    {
        var key = http.Request.Headers[Header].ToString();
        if (key.Length is < 16 or > 128 || !key.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_'))
        {
            throw ApiException.Invalid(Header, key, "16 – 128 characters of A–Z, a–z, 0–9, - and _, such as a UUID");
        }

        return new CallIdentity(
            ScopeOf(http.Caller()),
            key,
            await Fingerprint.OfAsync(http.Request, http.RequestAborted),
            http.Request.Method,
            http.Request.Path.ToUriComponent());
    }

    // Keys of the operator with other scopes are others: one must not read answers that were for one that may do more.
    private static string ScopeOf(Caller caller) =>
        caller.AgentId ?? caller.Owner?.ToHex(true) ?? $"operator {string.Join(' ', caller.Scopes.ToWords())}";

    private Task<KeptCall?> FindAsync(IdempotentCall call, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<KeptCall?>(KeptCall.Query, call.Identity), cancellationToken);

    private static Answer Replay(IdempotentCall call, KeptCall kept) => new(kept.Status!.Value, call.OpenAnswer(kept.Answer!), IsReplay: true);

    // Whoever stores first wins, and all get that answer. Without one (the database fails, the row is pruned, the route claims nothing) this
    // answer is as true.
    private async Task<Answer> KeepAsync(IdempotentCall call, Answer answer)
    {
        try
        {
            var (scope, key) = (call.Identity.Scope, call.Identity.Key);
            var kept = await db.WriteAsync(
                async tx =>
                {
                    var stored = await tx.ExecuteAsync(
                        "UPDATE idempotency SET status = @Status, answer = @answer WHERE scope = @scope AND key = @key AND answer IS NULL",
                        new { answer.Status, answer = call.SealAnswer(answer.Body), scope, key });
                    return stored > 0 ? null : await tx.FirstOrDefaultAsync<KeptCall>(KeptCall.Query, call.Identity);
                },
                // Also for a caller who has hung up: it will ask again.
                CancellationToken.None);
            return kept is null ? answer : Replay(call, kept);
        }
        catch (Exception exception)
        {
            log.LogWarning(exception, "An answer to {Method} {Path} could not be stored; a repeat will make it again", call.Identity.Method, call.Identity.Path);
            return answer;
        }
    }

    private static ApiException InProgress(KeptCall? kept) => ApiException.State(
        ErrorCodes.IdempotencyKeyInProgress,
        "The first call with this Idempotency-Key has been taken, and its outcome is not proven yet. Repeat it in a second, or with ?wait=30.",
        new { userOpHash = kept?.UserOpHash?.ToHex(true), txHash = kept?.TxHash?.ToHex(true) },
        retryable: true);

    private static async Task<Answer> RenderAsync(HttpContext http, object? result)
    {
        var body = http.Response.Body;
        using var rendered = new MemoryStream();
        http.Response.Body = rendered;
        try
        {
            await ((IResult)result!).ExecuteAsync(http);
        }
        finally
        {
            http.Response.Body = body;
        }

        return new Answer(http.Response.StatusCode, rendered.ToArray(), IsReplay: false);
    }

    private sealed record Answer(int Status, byte[] Body, bool IsReplay) : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = Status;
            response.ContentType = "application/json; charset=utf-8";
            response.ContentLength = Body.Length;
            if (IsReplay)
            {
                response.Headers["Idempotent-Replayed"] = "true";
            }

            await response.Body.WriteAsync(Body, httpContext.RequestAborted);
        }
    }
}

/// <summary>Finds the call of a request, once, before its route runs.</summary>
public static class IdempotentCallExtensions
{
    /// <summary>Lets every route of the group that changes something take an Idempotency-Key. Comes after the caller is known.</summary>
    public static RouteGroupBuilder TakeIdempotencyKeys(this RouteGroupBuilder group)
    {
        group.AddEndpointFilter(async (context, next) =>
        {
            var http = context.HttpContext;
            var changesNothing = HttpMethods.IsGet(http.Request.Method) || HttpMethods.IsHead(http.Request.Method);
            return changesNothing || !http.Request.Headers.ContainsKey(IdempotentCalls.Header)
                ? await next(context)
                : await http.RequestServices.GetRequiredService<IdempotentCalls>().AnswerAsync(
                    http,
                    call =>
                    {
                        http.Items[typeof(IdempotentCall)] = call;
                        return next(context);
                    });
        });
        return group;
    }

    /// <summary>The call, for the service that writes.</summary>
    public static IdempotentCall IdempotentCall(this HttpContext context) =>
        context.Items[typeof(IdempotentCall)] as IdempotentCall ?? Idempotency.IdempotentCall.Unkeyed;
}
