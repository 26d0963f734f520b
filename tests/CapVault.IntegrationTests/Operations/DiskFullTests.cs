using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>There is no room left for the relayer's own database.</summary>
public sealed class DiskFullTests
{
    [Fact]
    public async Task While_the_disk_is_full_calls_are_refused_as_a_whole_and_may_be_repeated_later()
    {
        if (RelayerDatabase.IsPostgres)
        {
            return; // its disk is the server's
        }

        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerProcess.StartAsync(chain);
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url, MaxRetries = 0 }, relayer.OperatorKey);
        using var api = new RawApi(relayer.Url);
        var body = $$"""{"name":"late","owner":"{{TestKeys.Human.GetPublicAddress()}}"}""";

        await relayer.LimitFilesAsync(1);
        var refused = await api.PostAsync(relayer.OperatorKey, "agents", body);
        await relayer.LimitFilesAsync(null);

        refused.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        refused.Code.Should().Be(ErrorCodes.RelayerUnavailable);
        refused.Headers.RetryAfter.Should().NotBeNull();
        (await setup.ListAgentsAsync(new())).Items.Should().BeEmpty("the refused one left nothing");
        (await api.PostAsync(relayer.OperatorKey, "agents", body)).Status.Should().Be(HttpStatusCode.Created);
        relayer.IsDown.Should().BeFalse();
    }
}
