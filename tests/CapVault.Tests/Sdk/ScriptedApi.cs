using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using CapVault.Sdk;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CapVault.Tests.Sdk;

/// <summary>A real HTTP server whose answers the test gives, in order; the last one goes on for ever.</summary>
internal sealed class ScriptedApi : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _requests = new();
    private readonly ConcurrentQueue<string> _idempotencyKeys = new();
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _answers;
    private readonly WebApplication _app;

    private ScriptedApi(WebApplication app, IEnumerable<Func<HttpContext, Task>> answers)
    {
        _app = app;
        _answers = new(answers);
        app.Run(AnswerAsync);
    }

    public string Address => _app.Urls.Single();

    /// <summary>Method, path and query of what came.</summary>
    public IReadOnlyList<string> Requests => [.. _requests];

    /// <summary>The Idempotency-Key of what came; empty where there was none.</summary>
    public IReadOnlyList<string> IdempotencyKeys => [.. _idempotencyKeys];

    public static async Task<ScriptedApi> StartAsync(params Func<HttpContext, Task>[] answers)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var api = new ScriptedApi(builder.Build(), answers);
        await api._app.StartAsync();
        return api;
    }

    public static Func<HttpContext, Task> Data<T>(T data, int status = 200, PageInfo? page = null) => context =>
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(
            new Envelope<T> { Success = true, Data = data, Page = page, Meta = new ResponseMeta("req-1") }, CapJson.Options);
    };

    public static Func<HttpContext, Task> Error(int status, string code, object? details = null, string? retryAfter = null) => context =>
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null)
        {
            context.Response.Headers.RetryAfter = retryAfter;
        }

        var body = new
        {
            success = false,
            error = new { code, message = "Found this, expected that.", details, retryable = status >= 500 },
            meta = new { requestId = "req-1" },
        };
        return context.Response.WriteAsJsonAsync(body, CapJson.Options);
    };

    public static Func<HttpContext, Task> Page(int status, string html) => context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html";
        return context.Response.WriteAsync(html);
    };

    /// <summary>Answers as a JSON-RPC node.</summary>
    public static Func<HttpContext, Task> Rpc(string result) => async context =>
    {
        using var request = await JsonDocument.ParseAsync(context.Request.Body);
        await context.Response.WriteAsJsonAsync(new { jsonrpc = "2.0", id = request.RootElement.GetProperty("id"), result });
    };

    /// <summary>Takes the request and dies.</summary>
    public static Func<HttpContext, Task> Cut() => context =>
    {
        context.Abort();
        return Task.CompletedTask;
    };

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        _requests.Enqueue($"{context.Request.Method} {context.Request.Path.ToUriComponent()}{context.Request.QueryString}");
        _idempotencyKeys.Enqueue(context.Request.Headers["Idempotency-Key"].ToString());
        if (_answers.Count > 1 && _answers.TryDequeue(out var next))
        {
            await next(context);
        }
        else if (_answers.TryPeek(out var last))
        {
            await last(context);
        }
    }
}
