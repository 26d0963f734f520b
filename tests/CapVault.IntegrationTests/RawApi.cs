using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>An answer as it came.</summary>
internal sealed record RawAnswer(HttpStatusCode Status, string Body, HttpResponseHeaders Headers)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

    public JsonElement Data => Json.GetProperty("data");

    public string Code => Json.GetProperty("error").GetProperty("code").GetString()!;

    public string Message => Json.GetProperty("error").GetProperty("message").GetString()!;

    /// <summary>Something that the error tells in parts.</summary>
    public JsonElement Detail(string name) => Json.GetProperty("error").GetProperty("details").GetProperty(name);
}

/// <summary>The API without the SDK: what it never sends can be sent with this.</summary>
internal sealed class RawApi(string url, string basePath = "/api/v1") : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url) };

    public Task<RawAnswer> GetAsync(string? key, string path) => SendAsync(HttpMethod.Get, key, path, content: null);

    /// <summary>Posts JSON as it is.</summary>
    public Task<RawAnswer> PostAsync(string? key, string path, string? json = null, string? idempotencyKey = null) =>
        SendAsync(HttpMethod.Post, key, path, json is null ? null : Json(Encoding.UTF8.GetBytes(json)), idempotencyKey is null ? [] : [idempotencyKey]);

    /// <param name="method">GET, POST …</param>
    /// <param name="key">Who calls.</param>
    /// <param name="path">Below <c>/api/v1/</c>.</param>
    /// <param name="content">The body.</param>
    /// <param name="idempotencyKeys">One, for calls that may be repeated; several are wrong.</param>
    public async Task<RawAnswer> SendAsync(HttpMethod method, string? key, string path, HttpContent? content, params string[] idempotencyKeys)
    {
        using var request = new HttpRequestMessage(method, new Uri($"{basePath}/{path}", UriKind.Relative)) { Content = content };
        if (key is not null)
        {
            request.Headers.Add("X-SDK-Key", key);
        }

        foreach (var idempotencyKey in idempotencyKeys)
        {
            request.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        }

        // A body that is too large is refused by its length, before it is sent.
        request.Headers.ExpectContinue = content?.Headers.ContentLength > 1024 * 1024;
        using var answer = await _http.SendAsync(request);
        return new RawAnswer(answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers);
    }

    /// <summary>A JSON body of any bytes.</summary>
    public static ByteArrayContent Json(byte[] bytes)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    public void Dispose() => _http.Dispose();
}
