using System.Net;
using System.Text.Json;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that says soon when something is not in order.</summary>
public sealed class WatchfulSandbox() : Sandbox(["ReadyLagSeconds=1", "StaleHeadSeconds=2", "ReadyDueSeconds=1"]);

/// <summary>What <c>/health</c> tells whoever decides about traffic and restarts.</summary>
public sealed class HealthTests(WatchfulSandbox sandbox) : IClassFixture<WatchfulSandbox>, IDisposable
{
    private readonly RawApi _root = new(sandbox.Relayer.Url, "");

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task It_is_ready_when_everything_is_in_order()
    {
        await ReadyAsync();

        var ready = await _root.GetAsync(key: null, "health/ready");

        ready.Data.GetProperty("status").GetString().Should().Be("ready");
        ready.Data.GetProperty("checks").EnumerateArray().Select(check => check.GetProperty("name").GetString()).Should().Equal("draining", "database", "node", "lag", "due");
        (await _root.GetAsync(key: null, "health/live")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_node_that_is_away_is_named_and_forgiven_when_it_is_back()
    {
        await using var way = new NodeProxy(sandbox.Chain.RpcUrl);
        await using var relayer = await RelayerServer.StartAsync(sandbox.Chain, $"RpcUrl={way.Url}");
        using var api = new RawApi(relayer.Url, "");
        await Eventually.TrueAsync(async () => (await api.GetAsync(key: null, "health/ready")).Status == HttpStatusCode.OK, "it is ready");

        await way.CutAsync();
        await Eventually.TrueAsync(async () => ProblemsOf(await api.GetAsync(key: null, "health/ready")).ContainsKey("node"), "it is not ready");
        var refusal = await api.GetAsync(key: null, "health/ready");
        var live = await api.GetAsync(key: null, "health/live");
        way.Mend();

        refusal.Code.Should().Be(ErrorCodes.RelayerUnavailable);
        refusal.Headers.RetryAfter.Should().NotBeNull();
        refusal.Message.Should().Contain("node: it does not answer").And.NotContain(new Uri(way.Url).Authority);
        live.Status.Should().Be(HttpStatusCode.OK, "a restart would not bring the node back");
        await Eventually.TrueAsync(async () => (await api.GetAsync(key: null, "health/ready")).Status == HttpStatusCode.OK, "it is ready again");
    }

    [Fact]
    public async Task A_chain_that_stands_still_is_named()
    {
        await ReadyAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        await NamedAsync("node", "its newest block is the same for");
        mining.Resume();

        await ReadyAsync();
    }

    [Fact]
    public async Task A_node_that_goes_back_and_stays_there_is_named()
    {
        await ReadyAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var before = await sandbox.Chain.Node.RequestAsync<string>("evm_snapshot");
        await sandbox.Chain.Node.RequestAsync<object>("anvil_mine", "0x3", "0x1");
        var head = (long)(await sandbox.Chain.Web3.Eth.Blocks.GetBlockNumber.SendRequestAsync()).Value;
        await Eventually.TrueAsync(async () => (await sandbox.Setup.GetStatusAsync()).Block == head, "it has applied what is about to go");

        await sandbox.Chain.Node.RequestAsync<bool>("evm_revert", before);

        await NamedAsync("lag", $"at block {head} of {head - 3}");
        mining.Resume();
        await ReadyAsync();
    }

    [Fact]
    public async Task After_a_start_it_is_not_ready_before_it_has_read_what_it_missed()
    {
        await using var relayer = await RelayerServer.StartAsync(sandbox.Chain, "ReadyLagSeconds=3600");
        using var api = new RawApi(relayer.Url, "");
        await relayer.StopAsync();
        await sandbox.Chain.Node.RequestAsync<object>("anvil_mine", "0x60", "0x0");
        var head = (long)(await sandbox.Chain.Web3.Eth.Blocks.GetBlockNumber.SendRequestAsync()).Value;

        await relayer.StartAsync();
        await Eventually.TrueAsync(async () => (await api.GetAsync(key: null, "health/ready")).Status == HttpStatusCode.OK, "it is ready");

        (await api.GetAsync(key: null, "health/ready")).Data.GetProperty("block").GetInt64().Should().BeGreaterThanOrEqualTo(head);
    }

    [Fact]
    public async Task A_database_that_cannot_be_read_is_named()
    {
        await ReadyAsync();
        var db = sandbox.Relayer.Services.GetRequiredService<Db>();
        await db.WriteAsync(tx => tx.ExecuteAsync("ALTER TABLE operation RENAME COLUMN created_at TO lost_at"), CancellationToken.None);
        try
        {
            await NamedAsync("database", "it cannot be read");
        }
        finally
        {
            await db.WriteAsync(tx => tx.ExecuteAsync("ALTER TABLE operation RENAME COLUMN lost_at TO created_at"), CancellationToken.None);
        }

        await ReadyAsync();
    }

    [Fact]
    public async Task An_operation_that_waits_for_too_long_is_named()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await ReadyAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");

        await NamedAsync("due", "an operation has been waiting for");
        (await sandbox.Setup.GetStatusAsync()).Checks.Should().Contain(check => check.Name == "due" && !check.Ok);
        mining.Resume();

        await ReadyAsync();
    }

    private static Dictionary<string, string> ProblemsOf(RawAnswer answer) => answer.Status == HttpStatusCode.OK
        ? []
        : answer.Detail("checks").Deserialize<List<ReadinessCheck>>(CapJson.Options)!.Where(check => !check.Ok).ToDictionary(check => check.Name, check => check.Problem!, StringComparer.Ordinal);

    private Task ReadyAsync() => Eventually.TrueAsync(async () => (await _root.GetAsync(key: null, "health/ready")).Status == HttpStatusCode.OK, "it is ready");

    private async Task NamedAsync(string check, string problem)
    {
        await Eventually.TrueAsync(async () => ProblemsOf(await _root.GetAsync(key: null, "health/ready")).GetValueOrDefault(check)?.Contains(problem, StringComparison.Ordinal) == true, $"{check} is not in order");
        (await _root.GetAsync(key: null, "health/ready")).Status.Should().Be(HttpStatusCode.ServiceUnavailable);
    }
}
