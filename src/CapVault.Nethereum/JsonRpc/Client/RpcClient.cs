using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Nethereum.JsonRpc.Client.RpcMessages;

namespace Nethereum.JsonRpc.Client;

/// <summary>JSON-RPC over HTTP, on connections that stay open.</summary>
public class RpcClient : ClientBase
{
    private readonly Uri baseUrl;
    private readonly HttpClient httpClient;
    private readonly AuthenticationHeaderValue authorization;

    /// <param name="authHeaderValue">Null takes user:password from the address if it has them.</param>
    public RpcClient(Uri baseUrl, AuthenticationHeaderValue authHeaderValue = null, HttpClientHandler httpClientHandler = null)
        : this(baseUrl, new HttpClient((HttpMessageHandler)httpClientHandler ?? NewHandler()) { Timeout = Timeout.InfiniteTimeSpan }, authHeaderValue)
    {
    }

    public RpcClient(Uri baseUrl, HttpClient httpClient, AuthenticationHeaderValue authHeaderValue = null)
    {
        this.baseUrl = baseUrl;
        this.httpClient = httpClient;
        authorization = authHeaderValue ?? FromUserInfo(baseUrl);
    }

    /// <summary>Connections that a client made from now on may hold to one server.</summary>
    public static int MaximumConnectionsPerServer { get; set; } = 20;

    /// <param name="route">Path below the client's address.</param>
    /// <exception cref="RpcClientTimeoutException">No answer within ConnectionTimeout.</exception>
    /// <exception cref="RpcClientUnknownException">No JSON-RPC answer.</exception>
    public override Task<RpcResponseMessage> SendAsync(RpcRequestMessage request, string route = null) =>
        PostAsync<RpcResponseMessage>(request, request.Method, route);

    protected override Task<RpcResponseMessage[]> SendAsync(RpcRequestMessage[] requests) =>
        PostAsync<RpcResponseMessage[]>(requests, $"a batch of {requests.Length}", route: null);

    private async Task<T> PostAsync<T>(object body, string what, string route)
    {
        using var timeout = new CancellationTokenSource(ConnectionTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, route is null ? baseUrl : new Uri(baseUrl, route));
            request.Headers.Authorization = authorization;
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), RpcJson.Options));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var response = await httpClient.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token);
            response.EnsureSuccessStatusCode();
            await using var stream = await response.Content.ReadAsStreamAsync(timeout.Token);
            return await JsonSerializer.DeserializeAsync<T>(stream, RpcJson.Options, timeout.Token)
                ?? throw new RpcClientUnknownException($"Found null as the answer to {what}, expected a JSON-RPC response.");
        }
        catch (OperationCanceledException e)
        {
            throw new RpcClientTimeoutException($"Found no answer of {baseUrl.Host}:{baseUrl.Port} to {what} within {ConnectionTimeout.TotalSeconds} s.", e);
        }
        catch (Exception e) when (e is not RpcClientUnknownException)
        {
            throw new RpcClientUnknownException($"{baseUrl.Host}:{baseUrl.Port} gave no answer to {what}: {e.Message}", e);
        }
    }

    private static SocketsHttpHandler NewHandler() => new()
    {
        MaxConnectionsPerServer = MaximumConnectionsPerServer,
        // So that a changed DNS entry is noticed.
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
    };

    private static AuthenticationHeaderValue FromUserInfo(Uri url) => string.IsNullOrEmpty(url.UserInfo)
        ? null
        : new AuthenticationHeaderValue("Basic", System.Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(url.UserInfo))));
}
