using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A caller's trace goes on through the operation and its bundle into the block, whoever carries it there.</summary>
public sealed class TraceTests : IAsyncLifetime
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string CallersSpan = "00f067aa0ba902b7";

    private SandboxChain _chain = null!;
    private Collector _collector = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _collector = await Collector.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _collector.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task A_payment_is_one_trace_from_the_request_to_the_block()
    {
        await using var relayer = await RelayerServer.StartAsync(_chain, $"OtlpEndpoint={_collector.Url}");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        var pair = await PairAsync(setup, relayer.Url);
        var order = await pair.CreateOrderAsync();
        var paid = await PayAsync(relayer.Url, pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30&key=croo_sk_secret");
        var shown = await setup.ListOperationsAsync(new() { OrderId = order.OrderId });
        await relayer.StopAsync(); // sends what it still has

        paid.Status.Should().Be(HttpStatusCode.OK);
        var trace = _collector.Spans.Where(span => span.TraceId == TraceId).ToList();
        var request = trace.Should().ContainSingle(span => span.ParentId == CallersSpan).Which;
        var operation = trace.Should().ContainSingle(span => span.ParentId == request.SpanId).Which;
        var bundle = trace.Should().ContainSingle(span => span.ParentId == operation.SpanId).Which;
        var block = trace.Should().ContainSingle(span => span.ParentId == bundle.SpanId).Which;
        trace.Should().HaveCount(4);
        request.Name.Should().Be("POST /api/v1/orders/{id}/pay");
        request.Tags.Should().Contain("http.response.status_code", "200").And.Contain("capvault.caller", pair.Requester.AgentId);
        operation.Name.Should().Be("operation pay");
        operation.Tags["capvault.outcome"].Should().Be("included");
        bundle.Name.Should().Be("bundle");
        bundle.Tags.Should().Contain("capvault.tx_hash", paid.Data.GetProperty("payTxHash").GetString()!).And.Contain("capvault.operations", "1");
        block.Name.Should().Be("block");
        operation.Start.Should().BeLessThanOrEqualTo(bundle.Start);
        bundle.Start.Should().BeLessThanOrEqualTo(block.Start);
        trace.Should().OnlyContain(span => span.Start <= span.End);
        shown.Items.Single(item => item.Step == OrderStep.Pay).TraceId.Should().Be(TraceId);
        _collector.Raw.Should().NotContain("croo_sk_").And.NotContain("ohk_").And.NotContain("?wait");
        _collector.Spans.Should().OnlyContain(span => span.ParentId == "" || _collector.Spans.Any(parent => parent.SpanId == span.ParentId) || span.ParentId == CallersSpan, "no span hangs in the air");
    }

    [Fact]
    public async Task It_goes_on_in_the_process_that_carries_the_operation_on()
    {
        await using var relayer = await RelayerProcess.StartAsync(_chain, $"--CapVault:OtlpEndpoint={_collector.Url}");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        var pair = await PairAsync(setup, relayer.Url);
        var order = await pair.CreateOrderAsync();
        await using var mining = await _chain.Node.StopMiningAsync();
        await PayAsync(relayer.Url, pair.Requester.Key, $"orders/{order.OrderId}/pay");
        await _chain.Node.HasPendingAsync(transactions: 1);

        await relayer.KillAsync();
        mining.Resume();
        await relayer.StartAsync();

        (await pair.Requester.Client.PayOrderAsync(order.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);
        await Eventually.TrueAsync(() => Task.FromResult(_collector.Spans.Any(span => span.TraceId == TraceId && span.Name == "block")), "the block is told of under the caller's trace");
        _collector.Spans.Where(span => span.TraceId == TraceId).Select(span => span.Name).Should().Contain(["operation pay", "bundle", "block"]);
    }

    [Fact]
    public async Task Without_a_collector_nothing_is_kept()
    {
        await using var relayer = await RelayerProcess.StartAsync(_chain);
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        var pair = await PairAsync(setup, relayer.Url);
        var order = await pair.CreateOrderAsync();

        await PayAsync(relayer.Url, pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30");

        (await setup.ListOperationsAsync(new() { OrderId = order.OrderId })).Items.Should().NotBeEmpty().And.OnlyContain(item => item.TraceId == null);
    }

    private static async Task<Pair> PairAsync(SetupClient setup, string url)
    {
        var (requester, provider) = (await AgentAsync("requester"), await AgentAsync("provider"));
        await setup.FaucetAsync(requester.Wallet, "1.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        return new Pair(requester, provider, service);

        async Task<Party> AgentAsync(string name)
        {
            var created = await setup.CreateSpenderAsync(name);
            return new Party(created.Agent, created.SdkKey, new AgentClient(new Config { BaseUrl = url }, created.SdkKey));
        }
    }

    private static async Task<RawAnswer> PayAsync(string url, string key, string path)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{url}/api/v1/{path}"));
        request.Headers.Add("X-SDK-Key", key);
        request.Headers.Add("traceparent", $"00-{TraceId}-{CallersSpan}-01");
        using var answer = await http.SendAsync(request);
        return new RawAnswer(answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer.Headers);
    }
}
