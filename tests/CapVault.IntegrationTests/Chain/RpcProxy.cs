using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CapVault.IntegrationTests;

/// <summary>The way to a node that does not tell the truth about everything.</summary>
internal sealed class RpcProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _node = new();

    private RpcProxy(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    /// <summary>Sees a request and what the node has answered, and may change the answer.</summary>
    public Action<JsonNode, JsonNode> Answering { get; set; } = (_, _) => { };

    public static async Task<RpcProxy> StartAsync(string rpcUrl)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var app = builder.Build();
        var proxy = new RpcProxy(app);
        app.MapPost("/", context => proxy.ServeAsync(context, rpcUrl));
        await app.StartAsync();
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _node.Dispose();
    }

    private async Task ServeAsync(HttpContext context, string rpcUrl)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _node.PostAsync(new Uri(rpcUrl), content, context.RequestAborted);
        var told = JsonNode.Parse(await answer.Content.ReadAsStringAsync(context.RequestAborted))!;
        if (JsonNode.Parse(body) is JsonObject request)
        {
            Answering(request, told);
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(told.ToJsonString(), context.RequestAborted);
    }
}
