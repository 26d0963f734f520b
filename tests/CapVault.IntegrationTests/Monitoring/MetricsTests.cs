using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary><c>/metrics</c>: numbers that are true, for whoever may see them.</summary>
public sealed class MetricsTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task After_an_order_the_numbers_tell_of_it()
    {
        var pair = await sandbox.NewPairAsync();
        var before = await Scrape.OfAsync(sandbox.Relayer);
        await pair.CompleteOrderAsync();
        await using var stream = await pair.Requester.ListenAsync();
        await sandbox.QuietAsync();

        var after = await Scrape.OfAsync(sandbox.Relayer);

        double Grown(string name, params (string, string)[] labels) => after.Find(name, labels)!.Value - (before.Find(name, labels) ?? 0);
        Grown("capvault_operations_ended_total", ("kind", "user_op"), ("outcome", "included")).Should().Be(3, "create, pay, deliver");
        Grown("capvault_operation_inclusion_seconds_count", ("kind", "user_op")).Should().Be(3);
        Grown("capvault_operation_inclusion_seconds_sum", ("kind", "user_op")).Should().BeInRange(0.001, 60);
        Grown("capvault_bundle_operations_sum").Should().Be(3);
        Grown("capvault_operation_gas_sum").Should().BeInRange(100_000, 3_000_000);
        Grown("http_server_request_duration_seconds_count", ("http_route", "/api/v1/orders/{id}/pay"), ("http_response_status_code", "200")).Should().BeGreaterThanOrEqualTo(1);
        Grown("capvault_db_commit_seconds_count").Should().BeGreaterThan(3);
        var buckets = after.Buckets("capvault_operation_inclusion_seconds", ("kind", "user_op"));
        buckets.Should().BeInAscendingOrder();
        buckets[^1].Should().Be(after.Find("capvault_operation_inclusion_seconds_count", ("kind", "user_op")));
        after.Find("capvault_streams").Should().Be(1);
    }

    [Fact]
    public async Task What_can_be_read_elsewhere_is_the_same_there()
    {
        await sandbox.PaidOrderAsync();
        await sandbox.QuietAsync();
        var status = await sandbox.Setup.GetStatusAsync();

        var scrape = await Scrape.OfAsync(sandbox.Relayer);

        var lane = TestKeys.Lane.GetPublicAddress();
        scrape.Find("capvault_lane_balance_wei", ("eoa", lane)).Should().BeApproximately((double)(await sandbox.Chain.Web3.Eth.GetBalance.SendRequestAsync(lane)).Value, 1e15);
        scrape.Find("capvault_lane_in_flight", ("eoa", lane)).Should().Be(0);
        scrape.Find("capvault_paymaster_deposit_wei").Should().BeApproximately(double.Parse(status.PaymasterDeposit!, System.Globalization.CultureInfo.InvariantCulture), 1e15);
        scrape.Find("capvault_event_head").Should().BeGreaterThanOrEqualTo(double.Parse(status.EventHead.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture));
        scrape.Find("capvault_follower_block").Should().BeGreaterThanOrEqualTo(status.Block);
        scrape.Find("capvault_node_up").Should().Be(1);
        scrape.Find("capvault_ready").Should().Be(5, "all five checks are in order");
        scrape.Find("capvault_oldest_due_seconds", ("of", "operation")).Should().Be(0);
        scrape.Find("capvault_draining").Should().Be(0);
        scrape.Find("process_resident_memory_bytes").Should().BeGreaterThan(10_000_000);
    }

    [Fact]
    public async Task What_waits_is_counted_and_grows_old()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        await Eventually.TrueAsync(
            async () =>
            {
                var scrape = await Scrape.OfAsync(sandbox.Relayer);
                return scrape.Find("capvault_operations", ("kind", "user_op"), ("state", "BROADCAST")) == 1
                    && scrape.Find("capvault_lane_in_flight") == 1
                    && scrape.Find("capvault_oldest_due_seconds", ("of", "operation")) > 0.5;
            },
            "the payment is counted as on its way");
    }

    [Fact]
    public async Task Without_its_node_it_still_tells_the_rest()
    {
        await using var way = new NodeProxy(sandbox.Chain.RpcUrl);
        await using var relayer = await RelayerServer.StartAsync(sandbox.Chain, $"RpcUrl={way.Url}");
        await way.CutAsync();
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(relayer)).Find("capvault_node_up") == 0, "the node is down");

        var scrape = await Scrape.OfAsync(relayer);

        scrape.Find("capvault_lane_balance_wei").Should().BeNull("what is not known is not told");
        scrape.Find("capvault_paymaster_deposit_wei").Should().BeNull();
        scrape.Find("capvault_ready", ("check", "node")).Should().Be(0);
        scrape.Find("capvault_ready", ("check", "database")).Should().Be(1);
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        var status = await setup.GetStatusAsync();
        status.PaymasterDeposit.Should().BeNull();
        status.Lanes.Should().OnlyContain(lane => lane.Balance == null);
    }

    [Fact]
    public async Task It_is_for_the_operator_alone()
    {
        using var root = new RawApi(sandbox.Relayer.Url, "");
        var agent = await sandbox.NewAgentAsync("agent");
        var reader = await sandbox.Setup.CreateApiKeyAsync(new() { Name = "prometheus", Scopes = [Scope.Read] });

        (await root.GetAsync(key: null, "metrics")).Status.Should().Be(HttpStatusCode.Unauthorized, "a proxy on this machine would let everybody in");
        (await root.GetAsync(agent.Key, "metrics")).Status.Should().Be(HttpStatusCode.Forbidden);
        (await root.GetAsync(reader.Key, "metrics")).Status.Should().Be(HttpStatusCode.OK);
    }
}
