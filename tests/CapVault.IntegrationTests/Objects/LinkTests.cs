using System.Net;
using System.Text;
using CapVault.Relayer.Sandbox;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>What a link opens, and nothing else does.</summary>
public sealed class LinkTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly ObjectApi _objects = new(sandbox);

    public void Dispose() => _objects.Dispose();

    [Fact]
    public async Task CR26_A_link_is_valid_for_thirty_minutes()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var stored = await _objects.UploadAsync(provider, "in time"u8.ToArray());
        var upload = await _objects.UploadLinkAsync(provider);
        var download = await _objects.DownloadLinkAsync(provider, stored.ObjectKey);
        var clock = sandbox.Relayer.Services.GetRequiredService<SandboxClock>();
        (download.ExpiresAt - clock.GetUtcNow()).Should().BeCloseTo(TimeSpan.FromSeconds(1800), TimeSpan.FromSeconds(20));

        // Some seconds before and after: the clock runs meanwhile. The unit tests have the exact second.
        clock.Advance((long)(download.ExpiresAt - clock.GetUtcNow()).TotalSeconds - 15);
        (await _objects.GetAsync(download.DownloadUrl)).Bytes.Should().Equal("in time"u8.ToArray());
        clock.Advance(17);

        foreach (var late in new[] { await _objects.SendAsync(HttpMethod.Get, download.DownloadUrl), await _objects.PutAsync(upload.UploadUrl, [1]) })
        {
            late.Status.Should().Be(HttpStatusCode.Gone);
            late.Code.Should().Be(ErrorCodes.LinkExpired);
        }

        (await _objects.GetAsync((await _objects.DownloadLinkAsync(provider, stored.ObjectKey)).DownloadUrl)).Answer.StatusCode.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_link_that_was_altered_opens_nothing()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var stored = await _objects.UploadAsync(provider, "mine"u8.ToArray());
        var other = await _objects.UploadAsync(provider, "another"u8.ToArray());
        var link = (await _objects.DownloadLinkAsync(provider, stored.ObjectKey)).DownloadUrl;
        var expires = Query(link, "expires");
        var signature = Query(link, "signature");

        foreach (var altered in new[]
        {
            link.Replace(stored.ObjectKey, other.ObjectKey, StringComparison.Ordinal),
            link.Replace(stored.ObjectKey, "..%2Frelayer.db", StringComparison.Ordinal),
            link.Replace(expires, (long.Parse(expires) + 1).ToString(), StringComparison.Ordinal),
            link.Replace(expires, "+" + expires, StringComparison.Ordinal),
            link.Replace(expires, "0" + expires, StringComparison.Ordinal),
            link.Replace(expires, "", StringComparison.Ordinal),
            link.Replace(expires, new string('9', 400), StringComparison.Ordinal),
            link.Replace(signature, signature[..^1], StringComparison.Ordinal),
            link.Replace(signature, Neighbour(signature), StringComparison.Ordinal),
            link.Replace(signature, signature.ToUpperInvariant(), StringComparison.Ordinal),
            link.Replace(signature, "", StringComparison.Ordinal),
            link + "&signature=" + signature,
            link[..link.IndexOf('?', StringComparison.Ordinal)],
        })
        {
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Put })
            {
                var answer = await _objects.SendAsync(method, altered, method == HttpMethod.Put ? new ByteArrayContent([1]) : null);

                answer.Status.Should().Be(HttpStatusCode.NotFound, altered);
                answer.Code.Should().Be(ErrorCodes.ObjectNotFound);
            }
        }
    }

    [Fact]
    public async Task A_link_is_for_its_method()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var upload = await _objects.UploadLinkAsync(provider);
        (await _objects.SendAsync(HttpMethod.Get, upload.UploadUrl)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        await _objects.PutAsync(upload.UploadUrl, "mine"u8.ToArray());
        var download = (await _objects.DownloadLinkAsync(provider, upload.ObjectKey)).DownloadUrl;

        (await _objects.SendAsync(HttpMethod.Get, upload.UploadUrl)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await _objects.PutAsync(download, "yours"u8.ToArray())).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await _objects.SendAsync(HttpMethod.Delete, download)).Status.Should().Be(HttpStatusCode.MethodNotAllowed);
        (await _objects.SendAsync(HttpMethod.Head, download)).Status.Should().Be(HttpStatusCode.OK);
        (await _objects.GetAsync(download)).Bytes.Should().Equal("mine"u8.ToArray());
    }

    [Theory]
    [InlineData("evil.html", "text/html; charset=utf-8")]
    [InlineData("quote\"; filename=\"other.exe", "application/octet-stream")]
    [InlineData("日本 ✓%0d%0a.txt", "text/plain")]
    public async Task A_download_is_never_a_page_of_ours(string name, string contentType)
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var asked = await _objects.AskUploadAsync(provider, new UploadLinkRequest { FileName = name, ContentType = contentType });
        var content = Encoding.UTF8.GetBytes("<script>alert(1)</script>");
        await _objects.PutAsync(asked.Data.GetProperty("uploadUrl").GetString()!, content);
        var link = await _objects.DownloadLinkAsync(provider, asked.Data.GetProperty("objectKey").GetString()!);

        var (bytes, answer) = await _objects.GetAsync(link.DownloadUrl);

        bytes.Should().Equal(content);
        answer.Content.Headers.ContentType!.ToString().Should().Be(contentType);
        answer.Content.Headers.ContentDisposition!.DispositionType.Should().Be("attachment");
        answer.Content.Headers.ContentDisposition.FileNameStar.Should().Be(name);
        answer.Headers.GetValues("X-Content-Type-Options").Should().Equal("nosniff");
        answer.Headers.GetValues("Content-Security-Policy").Should().Equal("sandbox");
        answer.Headers.CacheControl!.NoStore.Should().BeTrue();
    }

    [Fact]
    public async Task A_part_can_be_asked_for()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var stored = await _objects.UploadAsync(provider, "0123456789"u8.ToArray());
        var link = (await _objects.DownloadLinkAsync(provider, stored.ObjectKey)).DownloadUrl;

        var (bytes, answer) = await _objects.GetAsync(link, "bytes=2-5");

        answer.StatusCode.Should().Be(HttpStatusCode.PartialContent);
        Encoding.ASCII.GetString(bytes).Should().Be("2345");
        (await _objects.GetAsync(link, "bytes=20-30")).Answer.StatusCode.Should().Be(HttpStatusCode.RequestedRangeNotSatisfiable);
    }

    [Fact]
    public async Task A_stranger_is_told_that_there_is_no_such_object()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var stranger = await sandbox.NewAgentAsync("stranger");
        var stored = await _objects.UploadAsync(provider, "mine"u8.ToArray());
        var pending = await _objects.UploadLinkAsync(provider);

        foreach (var objectKey in new[] { stored.ObjectKey, pending.ObjectKey, "obj_000000000000000000000", "../relayer.db", "" })
        {
            var answer = await _objects.AskDownloadAsync(stranger.Key, objectKey);
            answer.Status.Should().Be(HttpStatusCode.NotFound);
            answer.Code.Should().Be(ErrorCodes.ObjectNotFound);
            answer.Message.Should().Be($"There is no object \"{objectKey}\" for this key.");
        }

        (await _objects.AskDownloadAsync(null, stored.ObjectKey)).Code.Should().Be(ErrorCodes.Unauthorized);
        (await _objects.AskDownloadAsync(sandbox.Relayer.OperatorKey, stored.ObjectKey)).Code.Should().Be(ErrorCodes.Forbidden);
        (await sandbox.Api.PostAsync(null, "objects/upload-url", """{"fileName":"a"}""")).Code.Should().Be(ErrorCodes.Unauthorized);
        (await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "objects/upload-url", """{"fileName":"a"}""")).Code.Should().Be(ErrorCodes.Forbidden);
        (await _objects.AskDownloadAsync(provider.Key, pending.ObjectKey)).Code.Should().Be(ErrorCodes.InvalidState);
    }

    private static string Query(string link, string name) =>
        link[(link.IndexOf(name + "=", StringComparison.Ordinal) + name.Length + 1)..].Split('&')[0];

    // The last of 43 characters carries four bits of 256 and two that mean nothing: its neighbour decodes to the same bytes.
    private static string Neighbour(string signature)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        return signature[..^1] + alphabet[alphabet.IndexOf(signature[^1], StringComparison.Ordinal) ^ 1];
    }
}
