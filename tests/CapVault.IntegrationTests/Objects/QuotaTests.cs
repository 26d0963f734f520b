using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

public sealed class SmallObjectsSandbox() : Sandbox(["MaxObjectBytes=1000000", "ObjectQuotaBytes=1500000", "ObjectQuotaCount=5"]);

/// <summary>How much one agent may store.</summary>
public sealed class QuotaTests(SmallObjectsSandbox sandbox) : IClassFixture<SmallObjectsSandbox>, IDisposable
{
    private readonly ObjectApi _objects = new(sandbox);

    public void Dispose() => _objects.Dispose();

    [Fact]
    public async Task An_object_over_the_limit_is_refused_at_every_door()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var link = await _objects.UploadLinkAsync(agent);

        var announced = await _objects.AskUploadAsync(agent, new UploadLinkRequest { FileName = "a", Size = 1_000_001 });
        var withLength = await _objects.PutAsync(link.UploadUrl, new byte[1_000_001]);
        var inChunks = await _objects.SendAsync(HttpMethod.Put, link.UploadUrl, new ChunkedContent(Chunks(1_000_001, count: 1)));

        foreach (var refused in new[] { announced, withLength, inChunks })
        {
            refused.Status.Should().Be(HttpStatusCode.RequestEntityTooLarge);
            refused.Code.Should().Be(ErrorCodes.PayloadTooLarge);
            refused.Detail("maximum").GetInt64().Should().Be(1_000_000);
        }

        Arriving().Should().BeEmpty();
        (await _objects.PutAsync(link.UploadUrl, new byte[1_000_000])).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_body_that_goes_on_and_on_is_cut()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var link = await _objects.UploadLinkAsync(agent);
        var sent = 0;

        try
        {
            (await _objects.SendAsync(HttpMethod.Put, link.UploadUrl, new ChunkedContent(Chunks(50_000, count: 20_000, () => sent += 50_000)))).Code.Should().Be(ErrorCodes.PayloadTooLarge);
        }
        catch (HttpRequestException)
        {
            // The answer got lost with the connection.
        }

        sent.Should().BeLessThan(50_000_000);
        Arriving().Should().BeEmpty();
        (await _objects.PutAsync(link.UploadUrl, [1])).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Bytes_are_counted_per_agent()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        await _objects.UploadAsync(agent, new byte[1_000_000]);
        var link = await _objects.UploadLinkAsync(agent);

        var announced = await _objects.AskUploadAsync(agent, new UploadLinkRequest { FileName = "a", Size = 500_001 });
        var withLength = await _objects.PutAsync(link.UploadUrl, new byte[500_001]);
        var inChunks = await _objects.SendAsync(HttpMethod.Put, link.UploadUrl, new ChunkedContent(Chunks(500_001, count: 1)));

        foreach (var refused in new[] { announced, withLength, inChunks })
        {
            refused.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
            refused.Code.Should().Be(ErrorCodes.QuotaExceeded);
            refused.Detail("used").GetInt64().Should().Be(1_000_000);
            refused.Detail("limit").GetInt64().Should().Be(1_500_000);
        }

        (await _objects.PutAsync(link.UploadUrl, new byte[500_000])).Status.Should().Be(HttpStatusCode.OK);
        await _objects.UploadAsync(await sandbox.NewAgentAsync("another"), new byte[1_000_000]);
    }

    [Fact]
    public async Task What_comes_at_the_same_time_is_counted_together()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var links = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _objects.UploadLinkAsync(agent)));

        var answers = await Task.WhenAll(links.Select(link => _objects.PutAsync(link.UploadUrl, new byte[600_000])));

        answers.Count(answer => answer.Status == HttpStatusCode.OK).Should().BeLessThanOrEqualTo(2);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).Should().OnlyContain(answer => answer.Code == ErrorCodes.QuotaExceeded);
        new DirectoryInfo(Path.Combine(sandbox.Relayer.DataDirectory, "objects")).GetFiles()
            .Where(file => links.Any(link => link.ObjectKey == file.Name)).Sum(file => file.Length).Should().BeLessThanOrEqualTo(1_500_000);
    }

    [Fact]
    public async Task Objects_are_counted_also_before_they_are_uploaded()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        for (var i = 0; i < 5; i++)
        {
            await _objects.UploadLinkAsync(agent);
        }

        var refused = await _objects.AskUploadAsync(agent, new UploadLinkRequest { FileName = "a" });

        refused.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
        refused.Code.Should().Be(ErrorCodes.QuotaExceeded);
        refused.Detail("used").GetInt64().Should().Be(5);
        refused.Detail("limit").GetInt64().Should().Be(5);
        refused.Message.Should().Contain("5 objects");
    }

    private string[] Arriving() => Directory.GetFiles(Path.Combine(sandbox.Relayer.DataDirectory, "objects", "arriving"));

    private static async IAsyncEnumerable<byte[]> Chunks(int length, int count, Action? sent = null)
    {
        for (var i = 0; i < count; i++)
        {
            yield return new byte[length];
            sent?.Invoke();
            await Task.Yield();
        }
    }
}
