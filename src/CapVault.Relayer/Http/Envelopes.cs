using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.JsonRpc.Client;

namespace CapVault.Relayer.Http;

/// <summary>The one shape of every answer, success or error.</summary>
public static class Envelopes
{
    private const string RequestIdHeader = "X-Request-ID";

    /// <summary>A success.</summary>
    public static IResult Ok<T>(HttpContext context, T data, int status = 200) =>
        Results.Json(new Envelope<T> { Success = true, Data = data, Meta = Meta(context) }, CapJson.Options, statusCode: status);

    /// <summary>A page of a list.</summary>
    public static IResult Page<T>(HttpContext context, Page<T> page) =>
        Results.Json(
            new Envelope<IReadOnlyList<T>> { Success = true, Data = page.Items, Page = new(page.NextCursor, page.HasMore), Meta = Meta(context) },
            CapJson.Options);

    /// <summary>A page of a list that says itself where it goes on.</summary>
    public static IResult Page<T>(HttpContext context, IReadOnlyList<T> items, PageInfo page) =>
        Results.Json(new Envelope<IReadOnlyList<T>> { Success = true, Data = items, Page = page, Meta = Meta(context) }, CapJson.Options);

    /// <summary>An error as an answer carries it.</summary>
    public static ErrorBody ErrorOf(ApiException error) => new()
    {
        Code = error.Code,
        Message = error.Message,
        Details = error.Details is null ? null : JsonSerializer.SerializeToElement(error.Details, CapJson.Options).Deserialize<Dictionary<string, JsonElement>>(),
        Retryable = error.Retryable,
    };

    /// <summary>Turns what is thrown below into an error answer of our shape, and bare statuses (no route, wrong method) too.</summary>
    public static void UseEnvelopes(this IApplicationBuilder app) => app.UseErrors((context, error) => new Envelope<object>
    {
        Success = false,
        Error = ErrorOf(error),
        Meta = Meta(context),
    });

    /// <summary>The same with another body: what is inside answers before what is outside.</summary>
    public static void UseErrors(this IApplicationBuilder app, Func<HttpContext, ApiException, object> body)
    {
        var log = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("CapVault.Relayer.Http");
        app.Use(async (context, next) =>
        {
            context.Response.Headers[RequestIdHeader] = RequestId(context);
            try
            {
                await next(context);
            }
            catch (Exception exception) when (!context.Response.HasStarted)
            {
                if (exception is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
                {
                    return;
                }

                var error = AsApiException(exception);
                // What is refused on purpose is no failure: a probe that is told to wait would fill the log.
                if (error.Status >= 500 && exception is not ApiException)
                {
                    log.LogError(exception, "{Method} {Path} failed, request {RequestId}", context.Request.Method, context.Request.Path, RequestId(context));
                }

                await WriteAsync(context, error, body);
            }
        });
        app.UseStatusCodePages(async status =>
        {
            var context = status.HttpContext;
            if (BareStatus(context) is { } error)
            {
                await WriteAsync(context, error, body);
            }
        });
    }

    private static ApiException AsApiException(Exception exception) => exception switch
    {
        ApiException api => api,
        BadHttpRequestException { StatusCode: 413 } => new(413, ErrorCodes.PayloadTooLarge, "The body is larger than 4 MiB. Send less."),
        BadHttpRequestException bad => new(400, ErrorCodes.ValidationError, $"The request cannot be read: {bad.Message}"),
        // What Kestrel makes of a chunk whose size is no int; other failures to read are ours.
        IOException { InnerException: OverflowException } => new(400, ErrorCodes.ValidationError, "The request cannot be read: a chunk's size is too large."),
        RpcClientUnknownException or RpcClientTimeoutException or RpcResponseException or HttpRequestException =>
            new(503, ErrorCodes.RelayerUnavailable, "The relayer's chain node does not answer as it should. Try again shortly.", retryable: true),
        DatabaseAwayException =>
            new(503, ErrorCodes.RelayerUnavailable, "The relayer's database does not answer as it should. Try again shortly.", retryable: true),
        ObjectDisposedException or OperationCanceledException =>
            new(503, ErrorCodes.RelayerUnavailable, "The relayer is stopping. Try again shortly.", retryable: true),
        _ => new(500, ErrorCodes.InternalError, "Something failed here that is not your fault. Look at the order or negotiation before you repeat the call.", retryable: true),
    };

    private static ApiException? BareStatus(HttpContext context) => context.Response.StatusCode switch
    {
        404 => new(404, ErrorCodes.NotFound, $"There is no route {ApiException.Quote(context.Request.Path)}. The API is below /api/v1."),
        405 => new(
            405,
            ErrorCodes.MethodNotAllowed,
            $"Method: found {ApiException.Quote(context.Request.Method)}, expected {context.Response.Headers.Allow} on {ApiException.Quote(context.Request.Path)}."),
        _ => null,
    };

    private static async Task WriteAsync(HttpContext context, ApiException error, Func<HttpContext, ApiException, object> body)
    {
        var limits = context.Response.Headers.Where(header => header.Key.StartsWith(RateLimits.HeaderPrefix, StringComparison.Ordinal)).ToList();
        context.Response.Clear();
        context.Response.StatusCode = error.Status;
        limits.ForEach(context.Response.Headers.Add);
        context.Response.Headers[RequestIdHeader] = RequestId(context);
        if (error is { Retryable: true, Status: 503 or 429 } or { Code: ErrorCodes.IdempotencyKeyInProgress })
        {
            context.Response.Headers.RetryAfter = Math.Ceiling(error.RetryAfter.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        await context.Response.WriteAsJsonAsync(body(context, error), CapJson.Options, context.RequestAborted);
    }

    private static ResponseMeta Meta(HttpContext context) => new(RequestId(context));

    /// <summary>The caller's X-Request-ID, or one of ours.</summary>
    public static string RequestId(HttpContext context) =>
        context.Request.Headers.TryGetValue(RequestIdHeader, out var given) && IsUsable(given.ToString()) ? given.ToString() : context.TraceIdentifier;

    // Echoed into a header and logs: nothing that could break out of either.
    private static bool IsUsable([NotNullWhen(true)] string? id) =>
        id is { Length: > 0 and <= 128 } && id.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.');
}
