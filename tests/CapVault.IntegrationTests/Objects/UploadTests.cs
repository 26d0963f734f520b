using System.Net;
using System.Security.Cryptography;
using System.Text;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>Files on their way in.</summary>
public sealed class UploadTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly ObjectApi _objects = new(sandbox);

    public void Dispose() => _objects.Dispose();

    [Fact]
    public async Task CR25_What_was_uploaded_is_recorded_and_comes_back_as_it_was()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var content = RandomNumberGenerator.GetBytes(5 * 1024 * 1024); // more than any other route takes

        var stored = await _objects.UploadAsync(provider, content, "räport 1.pdf");

        stored.Should().BeEquivalentTo(new { Name = "räport 1.pdf", Size = (long)content.Length, ContentType = "application/pdf", Keccak256 = Hash(content) });
        stored.ObjectKey.Should().MatchRegex("^obj_[A-Za-z0-9_-]{21}$");
        var link = await _objects.DownloadLinkAsync(provider, stored.ObjectKey);
        link.Should().BeEquivalentTo(new { stored.Name, stored.Size, stored.ContentType, stored.Keccak256 });
        (await _objects.GetAsync(link.DownloadUrl)).Bytes.Should().Equal(content);
    }

    [Fact]
    public async Task An_upload_link_is_for_one_content_which_may_come_again()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var link = await _objects.UploadLinkAsync(provider);

        var first = await _objects.PutAsync(link.UploadUrl, "one"u8.ToArray());
        var again = await _objects.PutAsync(link.UploadUrl, "one"u8.ToArray());

        again.Status.Should().Be(HttpStatusCode.OK);
        again.Data.GetRawText().Should().Be(first.Data.GetRawText());
        foreach (var other in new[] { "two", "one more", "on", "" })
        {
            var refused = await _objects.PutAsync(link.UploadUrl, Encoding.UTF8.GetBytes(other));
            refused.Status.Should().Be(HttpStatusCode.Conflict);
            refused.Code.Should().Be(ErrorCodes.InvalidState);
        }

        (await _objects.GetAsync((await _objects.DownloadLinkAsync(provider, link.ObjectKey)).DownloadUrl)).Bytes.Should().Equal("one"u8.ToArray());
    }

    [Fact]
    public async Task Of_many_uploads_over_one_link_at_once_one_counts()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var link = await _objects.UploadLinkAsync(provider);
        var contents = Enumerable.Range(0, 8).Select(_ => RandomNumberGenerator.GetBytes(100_000)).ToArray();

        var answers = await Task.WhenAll(contents.Select(content => _objects.PutAsync(link.UploadUrl, content)));

        var won = Array.FindIndex(answers, answer => answer.Status == HttpStatusCode.OK);
        answers.Where((_, i) => i != won).Should().OnlyContain(answer => answer.Status == HttpStatusCode.Conflict && answer.Code == ErrorCodes.InvalidState);
        (await _objects.GetAsync((await _objects.DownloadLinkAsync(provider, link.ObjectKey)).DownloadUrl)).Bytes.Should().Equal(contents[won]);
    }

    [Fact]
    public async Task An_upload_that_breaks_off_leaves_nothing_and_can_be_repeated()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var link = await _objects.UploadLinkAsync(provider);
        var begun = new TaskCompletionSource();
        async IAsyncEnumerable<byte[]> Half()
        {
            yield return new byte[200_000];
            begun.SetResult();
            await Eventually.TrueAsync(() => Task.FromResult(Arriving().Any(file => file.Length > 0)), "the first half arrives");
            throw new IOException("the cable is pulled");
        }

        await _objects.Invoking(api => api.SendAsync(HttpMethod.Put, link.UploadUrl, new ChunkedContent(Half()))).Should().ThrowAsync<HttpRequestException>();

        await begun.Task;
        await Eventually.TrueAsync(() => Task.FromResult(Arriving().Length == 0), "what had arrived is removed");
        File.Exists(Path.Combine(sandbox.Relayer.DataDirectory, "objects", link.ObjectKey)).Should().BeFalse();
        (await _objects.AskDownloadAsync(provider.Key, link.ObjectKey)).Code.Should().Be(ErrorCodes.InvalidState, "nothing is uploaded");
        (await _objects.PutAsync(link.UploadUrl, "whole"u8.ToArray())).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Bytes_that_are_not_those_announced_are_refused()
    {
        var provider = await sandbox.NewAgentAsync("provider");
        var announced = "the right bytes"u8.ToArray();
        var answer = await _objects.AskUploadAsync(provider, new UploadLinkRequest { FileName = "a.txt", Size = announced.Length, Keccak256 = Hash(announced) });
        var url = answer.Data.GetProperty("uploadUrl").GetString()!;

        var wrong = await _objects.PutAsync(url, "the wrong bytes"u8.ToArray());
        var shorter = await _objects.PutAsync(url, "the"u8.ToArray());
        var longer = await _objects.PutAsync(url, "the right bytes and more"u8.ToArray());
        var longerInChunks = await _objects.SendAsync(HttpMethod.Put, url, new ChunkedContent(Chunks("the right bytes"u8.ToArray(), " and more"u8.ToArray())));
        var right = await _objects.PutAsync(url, announced);

        wrong.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
        wrong.Code.Should().Be(ErrorCodes.ContentHashMismatch);
        wrong.Detail("expected").GetString().Should().Be(Hash(announced));
        foreach (var refused in new[] { shorter, longer, longerInChunks })
        {
            refused.Status.Should().Be(HttpStatusCode.BadRequest);
            refused.Code.Should().Be(ErrorCodes.ValidationError);
            refused.Detail("field").GetString().Should().Be("size");
        }

        right.Status.Should().Be(HttpStatusCode.OK);
        Arriving().Should().BeEmpty();
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    [InlineData("a\r\nSet-Cookie: x=1")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    public async Task A_file_name_that_is_a_path_or_breaks_a_header_is_refused(string name)
    {
        var provider = await sandbox.NewAgentAsync("provider");

        var answer = await _objects.AskUploadAsync(provider, new { fileName = name });

        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be("fileName");
    }

    [Theory]
    [InlineData("contentType", "text/html\r\nX: 1")]
    [InlineData("contentType", "html")]
    [InlineData("contentType", "*/*")]
    [InlineData("contentType", "text/*")]
    [InlineData("contentType", "tëxt/html")]
    [InlineData("contentType", "")]
    [InlineData("keccak256", "0x12")]
    [InlineData("keccak256", "1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8")]
    [InlineData("size", -1)]
    [InlineData("path", "/etc")]
    public async Task A_field_that_is_not_what_it_should_be_is_named(string field, object value)
    {
        var provider = await sandbox.NewAgentAsync("provider");

        var answer = await _objects.AskUploadAsync(provider, new Dictionary<string, object>(StringComparer.Ordinal) { ["fileName"] = "a.txt", [field] = value });

        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task No_limit_of_size_is_lifted_elsewhere()
    {
        var provider = await sandbox.NewAgentAsync("provider");

        var answer = await sandbox.Api.PostAsync(provider.Key, "objects/upload-url", $$"""{"fileName":"{{new string('a', 5 * 1024 * 1024)}}"}""");

        answer.Status.Should().Be(HttpStatusCode.RequestEntityTooLarge);
    }

    private static string Hash(byte[] content) => DeliverableHash.Keccak256(content).ToHex(prefix: true);

    private FileInfo[] Arriving() => new DirectoryInfo(Path.Combine(sandbox.Relayer.DataDirectory, "objects", "arriving")).GetFiles();

    private static async IAsyncEnumerable<byte[]> Chunks(params byte[][] chunks)
    {
        foreach (var chunk in chunks)
        {
            yield return chunk;
            await Task.Yield();
        }
    }
}
