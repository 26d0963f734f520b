using System.Net.Http.Headers;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Uploads and downloads without the SDK: each request as a client of another making would send it.</summary>
internal sealed class ObjectApi(Sandbox sandbox) : IDisposable
{
    private readonly HttpClient _http = new();

    public Task<RawAnswer> AskUploadAsync(Party party, object request) =>
        sandbox.Api.PostAsync(party.Key, "objects/upload-url", JsonSerializer.Serialize(request, CapJson.Options));

    public Task<RawAnswer> AskDownloadAsync(string? key, string objectKey) =>
        sandbox.Api.PostAsync(key, "objects/download-url", JsonSerializer.Serialize(new { objectKey }));

    public async Task<UploadLink> UploadLinkAsync(Party party, string fileName = "a.bin")
    {
        var answer = await AskUploadAsync(party, new UploadLinkRequest { FileName = fileName });
        answer.Status.Should().Be(System.Net.HttpStatusCode.Created, answer.Body);
        return answer.Data.Deserialize<UploadLink>(CapJson.Options)!;
    }

    public async Task<DownloadLink> DownloadLinkAsync(Party party, string objectKey)
    {
        var answer = await AskDownloadAsync(party.Key, objectKey);
        answer.Status.Should().Be(System.Net.HttpStatusCode.OK, answer.Body);
        return answer.Data.Deserialize<DownloadLink>(CapJson.Options)!;
    }

    /// <summary>A stored object.</summary>
    public async Task<StoredObject> UploadAsync(Party party, byte[] content, string fileName = "a.bin")
    {
        var put = await PutAsync((await UploadLinkAsync(party, fileName)).UploadUrl, content);
        put.Status.Should().Be(System.Net.HttpStatusCode.OK, put.Body);
        return put.Data.Deserialize<StoredObject>(CapJson.Options)!;
    }

    public Task<RawAnswer> PutAsync(string url, byte[] content) => SendAsync(HttpMethod.Put, url, new ByteArrayContent(content));

    public async Task<RawAnswer> SendAsync(HttpMethod method, string url, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, url) { Content = content };
        request.Headers.ExpectContinue = content is not null;
        using var answer = await _http.SendAsync(request);
        return new RawAnswer(answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers);
    }

    /// <summary>The bytes behind a link, and what the server says about them.</summary>
    public async Task<(byte[] Bytes, HttpResponseMessage Answer)> GetAsync(string url, string? range = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (range is not null)
        {
            request.Headers.Range = RangeHeaderValue.Parse(range);
        }

        var answer = await _http.SendAsync(request);
        return (await answer.Content.ReadAsByteArrayAsync(), answer);
    }

    public void Dispose() => _http.Dispose();
}

/// <summary>A body without a length, sent in chunks.</summary>
internal sealed class ChunkedContent(IAsyncEnumerable<byte[]> chunks) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
    {
        await foreach (var chunk in chunks)
        {
            await stream.WriteAsync(chunk);
            await stream.FlushAsync();
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }
}
