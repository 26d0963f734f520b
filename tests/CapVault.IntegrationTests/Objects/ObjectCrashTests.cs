using System.Net;
using System.Security.Cryptography;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that dies with an upload in its hands, and what it writes into its log.</summary>
public sealed class ObjectCrashTests : IAsyncLifetime
{
    private SandboxChain _chain = null!;
    private RelayerProcess _relayer = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _relayer = await RelayerProcess.StartAsync(_chain);
    }

    public async Task DisposeAsync()
    {
        await _relayer.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task A_kill_in_the_middle_of_an_upload_leaves_nothing_that_counts()
    {
        using var setup = new SetupClient(new Config { BaseUrl = _relayer.Url }, _relayer.OperatorKey);
        var created = await setup.CreateAgentAsync(new() { Name = "agent", Owner = TestKeys.Human.GetPublicAddress() });
        using var api = new RawApi(_relayer.Url);
        using var http = new HttpClient();
        var kept = await api.PostAsync(created.SdkKey, "objects/upload-url", """{"fileName":"kept.bin"}""");
        var content = RandomNumberGenerator.GetBytes(300_000);
        (await http.PutAsync(Url(kept), new ByteArrayContent(content))).StatusCode.Should().Be(HttpStatusCode.OK);
        var cut = await api.PostAsync(created.SdkKey, "objects/upload-url", """{"fileName":"cut.bin"}""");
        var arriving = Path.Combine(_relayer.DataDirectory, "objects", "arriving");
        async IAsyncEnumerable<byte[]> Half()
        {
            yield return new byte[200_000];
            await Eventually.TrueAsync(() => Task.FromResult(new DirectoryInfo(arriving).GetFiles().Any(file => file.Length > 0)), "the first half arrives");
            await _relayer.KillAsync();
            yield return new byte[200_000];
        }

        await http.Invoking(client => client.PutAsync(Url(cut), new ChunkedContent(Half()))).Should().ThrowAsync<HttpRequestException>();
        Directory.GetFiles(arriving).Should().NotBeEmpty("it had no time to tidy up");
        await _relayer.StartAsync();

        Directory.GetFiles(arriving).Should().BeEmpty();
        (await api.PostAsync(created.SdkKey, "objects/download-url", $$"""{"objectKey":"{{Key(cut)}}"}""")).Code.Should().Be(ErrorCodes.InvalidState);
        (await http.PutAsync(Url(cut), new ByteArrayContent([1]))).StatusCode.Should().Be(HttpStatusCode.OK, "links outlive the process");
        var link = await api.PostAsync(created.SdkKey, "objects/download-url", $$"""{"objectKey":"{{Key(kept)}}"}""");
        var url = link.Data.GetProperty("downloadUrl").GetString()!;
        (await http.GetByteArrayAsync(url)).Should().Equal(content);

        // A file that is gone is our fault and is told in the log, but not the link.
        File.Delete(Path.Combine(_relayer.DataDirectory, "objects", Key(kept)));
        (await http.GetAsync(url)).StatusCode.Should().Be(HttpStatusCode.InternalServerError);
        await Eventually.TrueAsync(() => Task.FromResult(_relayer.Output.Contains(Key(kept), StringComparison.Ordinal)), "the failure is logged");
        _relayer.Output.Should().NotContain("signature=").And.NotContain(created.SdkKey);
    }

    private static string Url(RawAnswer answer) => answer.Data.GetProperty("uploadUrl").GetString()!;

    private static string Key(RawAnswer answer) => answer.Data.GetProperty("objectKey").GetString()!;
}
