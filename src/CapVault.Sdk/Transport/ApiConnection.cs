using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace CapVault.Sdk.Transport;

/// <summary>Sends calls with one key, or none, and reads envelopes; retries what may be repeated.</summary>
internal sealed class ApiConnection : IDisposable
{
    // Asked to stay away for longer, the caller decides what to do meanwhile.
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(1);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly int _maxRetries;

    public ApiConnection(Config config, string? key)
    {
        _time = config.TimeProvider;
        _maxRetries = config.MaxRetries;
        var handler = new SocketsHttpHandler
        {
            // A moved relayer's new address is found without restarting the agent.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            AllowAutoRedirect = false, // would repeat the key to whoever answers
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = config.ApiRoot,
            Timeout = TimeSpan.FromSeconds(60), // twice the longest ?wait
        };
        _http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        _http.DefaultRequestHeaders.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
    }

    public void Dispose() => _http.Dispose();

    public async Task<T> GetAsync<T>(string path, CancellationToken cancellationToken) =>
        (await SendAsync<T>(HttpMethod.Get, path, body: null, repeatable: true, cancellationToken)).Data!;

    public async Task<Page<T>> GetPageAsync<T>(string path, CancellationToken cancellationToken)
    {
        var answer = await SendAsync<IReadOnlyList<T>>(HttpMethod.Get, path, body: null, repeatable: true, cancellationToken);
        return new Page<T>(answer.Data!, answer.Page?.NextCursor);
    }

    /// <summary>For calls that the server recognises when they come twice.</summary>
    public async Task<T> PostRepeatableAsync<T>(string path, object? body, CancellationToken cancellationToken) =>
        (await SendAsync<T>(HttpMethod.Post, path, body, repeatable: true, cancellationToken)).Data!;

    /// <summary>For calls whose repetition has a second effect: never retried.</summary>
    public async Task<T> SendOnceAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken) =>
        (await SendAsync<T>(method, path, body, repeatable: false, cancellationToken)).Data!;

    private async Task<Envelope<T>> SendAsync<T>(
        HttpMethod method, string path, object? body, bool repeatable, CancellationToken cancellationToken)
    {
        var mayHaveArrived = false;
        for (var failures = 1; ; failures++)
        {
            TimeSpan? asked = null;
            CapApiException failure;
            try
            {
                using var request = new HttpRequestMessage(method, path);
                if (body is not null)
                {
                    request.Content = JsonContent.Create(body, body.GetType(), options: CapJson.Options);
                }

                using var response = await _http.SendAsync(request, cancellationToken);
                var (answer, refusal) = await ReadAsync<T>(request, response, cancellationToken);
                if (refusal is null)
                {
                    return answer!;
                }

                if (!IsTransient(response.StatusCode))
                {
                    // A failure of the server's own may have come after it took the call.
                    refusal.MayHaveBeenTaken = (int)response.StatusCode >= 500;
                    throw refusal;
                }

                failure = refusal;
                asked = RetryAfter(response);
                // A proxy's own page: it may have passed the call on before it gave up.
                mayHaveArrived |= refusal.Code == CapApiException.UnexpectedResponse;
            }
            catch (HttpRequestException e)
            {
                mayHaveArrived |= e.HttpRequestError is not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError
                    or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError);
                failure = Unreachable(e, e.Message);
            }
            catch (TaskCanceledException e) when (e.InnerException is TimeoutException)
            {
                mayHaveArrived = true;
                failure = Unreachable(e, $"no answer within {_http.Timeout.TotalSeconds:0} s");
            }

            if (!repeatable || failures > _maxRetries || asked > LongestRetryAfter)
            {
                failure.MayHaveBeenTaken = mayHaveArrived;
                failure.Retryable &= repeatable || !mayHaveArrived;
                throw failure;
            }

            await Task.Delay(asked ?? Backoff.Delay(failures), _time, cancellationToken);
        }
    }

    // 504 is a proxy's word for what 502 and 503 say.
    private static bool IsTransient(HttpStatusCode status) => status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable
        or HttpStatusCode.GatewayTimeout or HttpStatusCode.TooManyRequests;

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var delay = header?.Delta ?? (header?.Date - _time.GetUtcNow());
        return delay < TimeSpan.Zero ? TimeSpan.Zero : delay;
    }

    private CapApiException Unreachable(Exception cause, string what) => new(
        0,
        ErrorCodes.RelayerUnavailable,
        $"Could not reach {_http.BaseAddress} ({what}). Is the relayer running there, and is Config.BaseUrl its address?",
        cause)
    {
        Retryable = true,
    };

    /// <summary>The answer, or why there is none.</summary>
    internal static async Task<(Envelope<T>? Answer, CapApiException? Refusal)> ReadAsync<T>(
        HttpRequestMessage request, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        Envelope<T>? envelope = null;
        JsonException? unreadable = null;
        try
        {
            envelope = JsonSerializer.Deserialize<Envelope<T>>(bytes, CapJson.Options);
        }
        catch (JsonException e)
        {
            unreadable = e;
        }

        return envelope switch
        {
            { Success: true, Data: not null } when response.IsSuccessStatusCode => (envelope, null),
            { Success: false, Error: not null } => (null, CapApiException.From(status, envelope.Error, envelope.Meta?.RequestId)),
            _ => (null, NotOurs(request, response, bytes, unreadable)),
        };
    }

    private static CapApiException NotOurs(HttpRequestMessage request, HttpResponseMessage response, byte[] body, JsonException? unreadable)
    {
        const int shown = 120;
        var text = System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, shown)));
        var type = response.Content.Headers.ContentType?.MediaType ?? "no content type";
        return new CapApiException(
            (int)response.StatusCode,
            CapApiException.UnexpectedResponse,
            $"{request.Method} {request.RequestUri?.GetLeftPart(UriPartial.Path)} answered {(int)response.StatusCode} {type} '{text}', expected CapVault's JSON envelope. "
                + $"Is Config.BaseUrl a CapVault relayer of this version?{(unreadable is null ? "" : " " + unreadable.Message)}",
            unreadable)
        {
            Retryable = IsTransient(response.StatusCode),
        };
    }
}
