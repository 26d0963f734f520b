using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CapVault.IntegrationTests;

/// <summary>JSON-RPC as it is: what no client sends can be sent with this.</summary>
internal sealed class RawRpc(string url, string? key = null) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url) };

    /// <summary>Posts bytes and returns the status and what came.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/rpc", UriKind.Relative)) { Content = RawApi.Json(System.Text.Encoding.UTF8.GetBytes(body)) };
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return (answer.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    /// <summary>Calls a method; returns the answer's <c>result</c> or <c>error</c> beside its id.</summary>
    public async Task<JsonElement> CallAsync(string method, params object?[] parameters)
    {
        var (status, body) = await PostAsync(JsonSerializer.Serialize(new { jsonrpc = "2.0", id = 7, method, @params = parameters }));
        status.Should().Be(HttpStatusCode.OK, body.ToString());
        body.GetProperty("id").GetInt32().Should().Be(7);
        return body;
    }

    /// <summary>Sends an operation.</summary>
    public Task<JsonElement> SendAsync(JsonNode operation, string entryPoint) => CallAsync("eth_sendUserOperation", operation, entryPoint);

    public void Dispose() => _http.Dispose();
}

internal static class RpcAnswers
{
    public static int Code(this JsonElement answer) => answer.TryGetProperty("error", out var error) ? error.GetProperty("code").GetInt32() : 0;

    public static string Message(this JsonElement answer) => answer.GetProperty("error").GetProperty("message").GetString()!;

    public static string Result(this JsonElement answer) => answer.TryGetProperty("result", out var result) ? result.GetString()! : throw new InvalidOperationException($"Found {answer}, expected a result.");

    /// <summary>With other fields; null leaves one out.</summary>
    public static JsonNode With(this JsonElement operation, params (string Field, object? Value)[] changes)
    {
        var node = JsonNode.Parse(operation.GetRawText())!.AsObject();
        foreach (var (field, value) in changes)
        {
            node.Remove(field);
            if (value is not null)
            {
                node[field] = JsonSerializer.SerializeToNode(value);
            }
        }

        return node;
    }
}
