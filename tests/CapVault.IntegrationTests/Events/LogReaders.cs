using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Connects at a cursor and reads events until it is left.</summary>
internal delegate IAsyncEnumerable<CapEvent> Connect(string after, CancellationToken cancellationToken);

/// <summary>The four ways to read the log.</summary>
internal sealed class LogReaders(string url, Party party, string audience = "default") : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(2) };

    public IReadOnlyDictionary<string, Connect> All => new Dictionary<string, Connect>(StringComparer.Ordinal)
    {
        ["SDK"] = SdkAsync,
        ["SSE"] = SseAsync,
        ["long-poll"] = LongPollAsync,
        ["raw WebSocket"] = SocketAsync,
    };

    public void Dispose() => _http.Dispose();

    public async IAsyncEnumerable<CapEvent> SdkAsync(string after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stream = await party.Client.ConnectWebSocketAsync(after, audience, cancellationToken: cancellationToken);
        await foreach (var e in stream.ReadAllAsync(cancellationToken))
        {
            yield return e;
        }
    }

    public async IAsyncEnumerable<CapEvent> LongPollAsync(string after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var e in party.Client.PollEventsAsync(new() { After = after, Audience = audience, Limit = 70, WaitSeconds = 5 }, cancellationToken))
        {
            yield return e;
        }
    }

    public async IAsyncEnumerable<CapEvent> SseAsync(string after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await OpenSseAsync(after, cancellationToken);
        response.EnsureSuccessStatusCode();
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        var id = "";
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                id = line[4..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                var e = JsonSerializer.Deserialize<CapEvent>(line[6..], CapJson.Options)!;
                e.Cursor.Should().Be(id);
                yield return e;
            }
        }
    }

    public Task<HttpResponseMessage> OpenSseAsync(string lastEventId, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/events?audience={audience}");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        request.Headers.Add("X-SDK-Key", party.Key);
        request.Headers.Add("Last-Event-ID", lastEventId);
        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public async IAsyncEnumerable<CapEvent> SocketAsync(string after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (stream, _) = await RawStream.ConnectAsync(url, party.Key);
        await using var socket = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s", after, audience });
        for (var received = 1; ; received++)
        {
            var e = (await stream.ReceiveAsync("event").WaitAsync(cancellationToken)).Deserialize<CapEvent>(CapJson.Options)!;
            if (received % 10 == 0)
            {
                await stream.SendAsync(new { frame = "ack", seq = e.Seq });
            }

            yield return e;
        }
    }

    /// <summary>An event in words that do not depend on what carried it.</summary>
    public static string Text(CapEvent e) => JsonSerializer.Serialize(e with { PrevSeq = null }, CapJson.Options);
}
