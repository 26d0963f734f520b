using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that is about to be replaced.</summary>
public sealed class DrainTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task While_it_drains_it_reads_and_finishes_and_takes_nothing_new()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var listener = await pair.Provider.ListenAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        using var root = new RawApi(sandbox.Relayer.Url, "");
        using var compat = new RawApi(sandbox.Relayer.Url, "/backend/v1");
        try
        {
            var drained = await sandbox.Setup.DrainAsync();
            var refused = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
            var ready = await root.GetAsync(key: null, "health/ready");
            var inCroosWords = await compat.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");

            drained.Should().Be(new DrainResult { Draining = true, Open = 1 });
            refused.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
            refused.Code.Should().Be(ErrorCodes.Maintenance);
            refused.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(5));
            ready.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
            ready.Code.Should().Be(ErrorCodes.Maintenance);
            inCroosWords.Json.GetProperty("reason").GetString().Should().Be("MAINTENANCE");
            (await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}")).Data.GetProperty("status").GetString().Should().Be("paying");
            (await pair.Requester.Client.ListNegotiationsAsync(new())).Items.Should().ContainSingle("the refused one left nothing");

            mining.Resume();
            (await paying).Order.Status.Should().Be(OrderStatus.Paid, "it was promised before");
            await listener.HearAsync(EventType.OrderPaid, order.OrderId);
            (await sandbox.Setup.DrainAsync()).Open.Should().Be(0);
        }
        finally
        {
            await sandbox.Setup.ResumeAsync();
        }

        (await pair.DeliverAsync(order.OrderId)).Status.Should().Be(OrderStatus.Completed, "it takes new work again");
    }

    [Fact]
    public async Task The_SDK_outlives_a_drain()
    {
        var pair = await sandbox.NewPairAsync();
        await sandbox.Setup.DrainAsync();
        var negotiating = pair.NegotiateAsync();
        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(sandbox.Relayer)).Find("http_server_request_duration_seconds_count", ("http_route", "/api/v1/orders/negotiate"), ("http_response_status_code", "503")) >= 1,
            "it has been refused once");

        await sandbox.Setup.ResumeAsync();

        (await negotiating).Status.Should().Be(NegotiationStatus.Pending);
    }

    [Fact]
    public async Task Asked_to_stop_it_finishes_tells_its_streams_and_ends()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerProcess.StartAsync(chain, "--CapVault:DrainSeconds=30");
        var (pair, order) = await PairAsync(relayer);
        using var api = new RawApi(relayer.Url);
        using var root = new RawApi(relayer.Url, "");
        var (stream, _) = await RawStream.ConnectAsync(relayer.Url, pair.Requester.Key);
        await using var socket = stream;
        await using var mining = await chain.Node.StopMiningAsync();
        var paying = api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30");
        await chain.Node.HasPendingAsync(transactions: 1);

        relayer.Terminate();
        await Eventually.TrueAsync(async () => (await root.GetAsync(key: null, "health/ready")).Status == HttpStatusCode.ServiceUnavailable, "it is not ready any more");
        var refused = await api.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
        var read = await api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}");
        mining.Resume();

        (await paying).Data.GetProperty("status").GetString().Should().Be("paid");
        refused.Code.Should().Be(ErrorCodes.Maintenance);
        read.Status.Should().Be(HttpStatusCode.OK);
        await stream.ReadToCloseAsync();
        stream.CloseCode.Should().Be(1012);
        (await relayer.ExitAsync()).Should().Be(0);
        relayer.Output.Should().NotContain("/health/ready").And.NotContain("negotiate", "what is refused on purpose does not fill the log");
    }

    [Fact]
    public async Task What_it_could_not_finish_in_time_the_next_start_does()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerProcess.StartAsync(chain, "--CapVault:DrainSeconds=1");
        var (pair, order) = await PairAsync(relayer);
        using var api = new RawApi(relayer.Url);
        await using var mining = await chain.Node.StopMiningAsync();
        var paying = api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30");
        await chain.Node.HasPendingAsync(transactions: 1);

        relayer.Terminate();

        var answer = await paying;
        answer.Status.Should().Be(HttpStatusCode.Accepted, "a step that is open is a true answer, and nobody is left hanging");
        (await relayer.ExitAsync()).Should().Be(0);
        await relayer.KillAsync();
        mining.Resume();
        await relayer.StartAsync();
        (await pair.Requester.Client.PayOrderAsync(order.OrderId)).Order.PayTxHash.Should().Be(answer.Data.GetProperty("pending").GetProperty("txHash").GetString());
    }

    private static async Task<(Pair Pair, Order Order)> PairAsync(RelayerProcess relayer)
    {
        var config = new Config { BaseUrl = relayer.Url };
        using var setup = new SetupClient(config, relayer.OperatorKey);
        var (requester, provider) = (await AgentAsync("requester"), await AgentAsync("provider"));
        await setup.FaucetAsync(requester.Wallet, "1.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        var pair = new Pair(requester, provider, service);
        return (pair, await pair.CreateOrderAsync());

        async Task<Party> AgentAsync(string name)
        {
            var created = await setup.CreateSpenderAsync(name);
            return new Party(created.Agent, created.SdkKey, new AgentClient(config, created.SdkKey));
        }
    }
}
