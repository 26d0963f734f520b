using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace CapVault.Sdk.Transport;

/// <summary>
/// Sends calls with one key, or none, and reads envelopes. What may be repeated is: a read, a step of an order, or else a call
/// with an Idempotency-Key that is made once for all its attempts.
/// </summary>
internal sealed class ApiConnection : IDisposable
{
    // Asked to stay away for longer, the caller decides what to do meanwhile.
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromMinutes(1);

    // The server says so too; for one that does not.
    private static readonly TimeSpan InProgressPause = TimeSpan.FromSeconds(1);

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly int _maxRetries;
    private readonly TimeSpan _outcomeTimeout;

    public ApiConnection(Config config, string? key)
    {
        _time = config.TimeProvider;
        _maxRetries = config.MaxRetries;
        _outcomeTimeout = config.OutcomeTimeout;
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
        (await SendAsync<T>(new Call(HttpMethod.Get, path), cancellationToken)).Data!;

    public async Task<Page<T>> GetPageAsync<T>(string path, CancellationToken cancellationToken)
    {
        var answer = await SendAsync<IReadOnlyList<T>>(new Call(HttpMethod.Get, path), cancellationToken);
        return new Page<T>(answer.Data!, answer.Page?.NextCursor);
    }

    /// <summary>A list that says where it goes on also on its last page.</summary>
    public async Task<(IReadOnlyList<T> Items, PageInfo Page)> GetListAsync<T>(string path, CancellationToken cancellationToken)
    {
        var answer = await SendAsync<IReadOnlyList<T>>(new Call(HttpMethod.Get, path), cancellationToken);
        return (answer.Data!, answer.Page ?? new PageInfo());
    }

    /// <summary>For calls that the server recognises by what they ask for. With a key also by that: then a failed one is not tried anew.</summary>
    public async Task<T> PostRepeatableAsync<T>(string path, object? body, string? key, CancellationToken cancellationToken) =>
        (await SendAsync<T>(new Call(HttpMethod.Post, path) { Body = body, Key = key }, cancellationToken)).Data!;

    /// <summary>For calls that the server recognises only by a key: the caller's, or one that is made here.</summary>
    public async Task<T> SendKeyedAsync<T>(HttpMethod method, string path, object? body, string? key, CancellationToken cancellationToken)
    {
        var call = new Call(method, path) { Body = body, Key = key ?? Guid.NewGuid().ToString(), IsRepeatableByCaller = key is not null };
        return (await SendAsync<T>(call, cancellationToken)).Data!;
    }

    /// <summary>For the few calls that a second attempt could only spoil.</summary>
    public async Task<T> SendOnceAsync<T>(HttpMethod method, string path, object? body, CancellationToken cancellationToken) =>
        (await SendAsync<T>(new Call(method, path) { Body = body, IsRepeatable = false, IsRepeatableByCaller = false }, cancellationToken)).Data!;

    private async Task<Envelope<T>> SendAsync<T>(Call call, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        var mayHaveArrived = false;
        var failures = 0;
        while (true)
        {
            TimeSpan? asked = null;
            CapApiException failure;
            try
            {
                using var request = call.ToRequest();
                using var response = await _http.SendAsync(request, cancellationToken);
                var (answer, refusal) = await ReadAsync<T>(request, response, cancellationToken);
                if (refusal is null)
                {
                    return answer!;
                }

                if (refusal.Code == ErrorCodes.IdempotencyKeyInProgress && _time.GetElapsedTime(started) < _outcomeTimeout)
                {
                    // No failure: an earlier attempt arrived, and its outcome will be the answer.
                    await Task.Delay(RetryAfter(response) ?? InProgressPause, _time, cancellationToken);
                    continue;
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

            if (!call.IsRepeatable || ++failures > _maxRetries || asked > LongestRetryAfter)
            {
                failure.MayHaveBeenTaken = mayHaveArrived;
                // With a key that nobody else knows, the caller's next call would be another one.
                failure.Retryable &= call.IsRepeatableByCaller || !mayHaveArrived;
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

    private sealed record Call(HttpMethod Method, string Path)
    {
        public object? Body { get; init; }

        public string? Key { get; init; }

        public bool IsRepeatable { get; init; } = true;

        public bool IsRepeatableByCaller { get; init; } = true;

        public HttpRequestMessage ToRequest()
        {
            var request = new HttpRequestMessage(Method, Path);
            if (Body is not null)
            {
                request.Content = JsonContent.Create(Body, Body.GetType(), options: CapJson.Options);
            }

            if (Key is not null)
            {
                request.Headers.Add("Idempotency-Key", Key);
            }

            return request;
        }
    }
}
