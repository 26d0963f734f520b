using System.Net;
using CapVault.Relayer.Objects;
using CapVault.Relayer.Sandbox;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

public sealed class KeptObjectsSandbox() : Sandbox(["SweepIntervalSeconds=86400"]);

/// <summary>How long objects stay. The sweep is run by hand, so that nothing is awaited that does not happen.</summary>
public sealed class SweepTests(KeptObjectsSandbox sandbox) : IClassFixture<KeptObjectsSandbox>, IDisposable
{
    private readonly ObjectApi _objects = new(sandbox);

    private string Folder => Path.Combine(sandbox.Relayer.DataDirectory, "objects");

    public void Dispose() => _objects.Dispose();

    [Fact]
    public async Task What_no_delivery_names_goes_after_a_day()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var stored = await _objects.UploadAsync(agent, [1]);
        var pending = await _objects.UploadLinkAsync(agent);

        await SweepAfterAsync(TimeSpan.FromHours(23.9));
        (await _objects.AskDownloadAsync(agent.Key, stored.ObjectKey)).Status.Should().Be(HttpStatusCode.OK);
        var link = await _objects.DownloadLinkAsync(agent, stored.ObjectKey);
        await SweepAfterAsync(TimeSpan.FromMinutes(10));

        (await _objects.AskDownloadAsync(agent.Key, stored.ObjectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await _objects.AskDownloadAsync(agent.Key, pending.ObjectKey)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await _objects.SendAsync(HttpMethod.Get, link.DownloadUrl)).Code.Should().Be(ErrorCodes.ObjectNotFound, "a link opens nothing that is gone");
        File.Exists(Path.Combine(Folder, stored.ObjectKey)).Should().BeFalse();
    }

    [Fact]
    public async Task What_was_delivered_stays_for_ninety_days_after_the_order()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();
        var file = await pair.Provider.Client.UploadFileAsync("a.txt", new MemoryStream([1]));
        await pair.Provider.Client.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Text, Files = [file] });

        await SweepAfterAsync(TimeSpan.FromDays(89));
        await pair.Requester.Client.DownloadFileAsync(file, new MemoryStream());
        await SweepAfterAsync(TimeSpan.FromDays(2));

        (await _objects.AskDownloadAsync(pair.Requester.Key, file)).Code.Should().Be(ErrorCodes.ObjectNotFound);
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { HashVerified = true }, "the manifest stays");
    }

    [Fact]
    public async Task What_is_on_its_way_stays()
    {
        var pair = await sandbox.NewPairAsync(slaMinutes: 60 * 24 * 3);
        var order = await pair.CreatePaidOrderAsync();
        var file = await pair.Provider.Client.UploadFileAsync("a.txt", new MemoryStream("in time"u8.ToArray()));
        await using (await sandbox.Chain.Node.StopMiningAsync())
        {
            await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", $$"""{"deliverableType":"text","files":["{{file}}"]}""");
            await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
            await SweepAfterAsync(TimeSpan.FromDays(1.5));
        }

        await pair.Provider.Client.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Text, Files = [file] });
        var copy = new MemoryStream();
        await pair.Requester.Client.DownloadFileAsync(file, copy);
        copy.ToArray().Should().Equal("in time"u8.ToArray());
    }

    [Fact]
    public async Task A_file_without_a_row_goes_and_one_whose_row_counts_stays()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var stored = await _objects.UploadAsync(agent, "kept"u8.ToArray());
        var orphan = Path.Combine(Folder, "obj_000000000000000000000"); // as a crash between row and file leaves it
        await File.WriteAllBytesAsync(orphan, [1]);

        await SweepAfterAsync(TimeSpan.Zero);

        File.Exists(orphan).Should().BeFalse();
        (await _objects.GetAsync((await _objects.DownloadLinkAsync(agent, stored.ObjectKey)).DownloadUrl)).Bytes.Should().Equal("kept"u8.ToArray());
    }

    private async Task SweepAfterAsync(TimeSpan later)
    {
        // Not the chain's clock: orders stay as they are.
        sandbox.Relayer.Services.GetRequiredService<SandboxClock>().Advance((long)later.TotalSeconds);
        await sandbox.Relayer.Services.GetRequiredService<ObjectSweep>().RunAsync(CancellationToken.None);
    }
}
