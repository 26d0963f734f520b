using System.Globalization;
using System.Text.Json.Nodes;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>One operation that cannot go does not hold up those that travel with it.</summary>
public sealed class BisectionTests : IAsyncLifetime
{
    private SandboxChain _chain = null!;
    private RpcProxy _way = null!;
    private RelayerServer _relayer = null!;
    private SetupClient _setup = null!;
    private RawApi _api = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _way = await RpcProxy.StartAsync(_chain.RpcUrl);
        _relayer = await RelayerServer.StartAsync(_chain, $"RpcUrl={_way.Url}", "Lanes=1", "InFlight=1");
        _setup = new SetupClient(new Config { BaseUrl = _relayer.Url, OutcomeTimeout = TimeSpan.FromSeconds(30) }, _relayer.OperatorKey);
        _api = new RawApi(_relayer.Url);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        _setup.Dispose();
        await _relayer.DisposeAsync();
        await _way.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whoever_makes_a_bundle_fail_without_being_named_is_found_by_halves(bool byTheNode)
    {
        var (pair, orders) = await QueuedAsync(count: 9);
        var simulations = 0;
        _way.Answering = (request, answer) =>
        {
            if (request["method"]!.ToString() != "eth_simulateV1"
                || !request["params"]![0]!["blockStateCalls"]![0]!["calls"]!.AsArray()[^1]!["input"]!.ToString().Contains(SaltOf(orders[5]), StringComparison.Ordinal))
            {
                return;
            }

            Interlocked.Increment(ref simulations);
            if (byTheNode)
            {
                answer.AsObject().Remove("result");
                answer["error"] = new JsonObject { ["code"] = -32000, ["message"] = "too much of something" };
                return;
            }

            var call = answer["result"]![0]!["calls"]!.AsArray()[^1]!;
            (call["status"], call["returnData"], call["logs"]) = ("0x0", "0x", new JsonArray());
        };

        await FreeAsync(pair.Requester, orders);

        foreach (var order in orders.Where(order => order != orders[5]))
        {
            await IsAsync(OrderStatus.Paid, pair.Requester, order);
        }

        var failed = await IsAsync(OrderStatus.Created, pair.Requester, orders[5]);
        failed.LastFailure!.Code.Should().Be(ErrorCodes.RelayFailed);
        simulations.Should().BeLessThan(30, "it is tried with half as many each time, and not for ever");
        (await pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed, "the lane goes on");
    }

    [Fact]
    public async Task Behind_one_that_is_refused_its_nonce_lane_moves_up()
    {
        var (requester, provider) = (await AgentAsync("requester"), await AgentAsync("provider"));
        await _setup.FaucetAsync(requester.Wallet, "10.00");
        var (dear, cheap) = (await ServiceAsync(provider, "6.00"), await ServiceAsync(provider, "1.00"));
        var (first, second) = await PipelineTests.TwoOrdersOfOneLaneAsync(new Pair(requester, provider, dear), new Pair(requester, provider, cheap));
        await using var mining = await BlockLaneAsync();
        await PayAsync(requester, first);
        var before = await PayAsync(requester, second);
        await _chain.OwnerCallsAsync(requester.Wallet, _chain.Deployment.Usdc, new TransferFunction { To = TestKeys.Human.GetPublicAddress(), Value = 5_000_000 });
        mining.Resume();

        var paid = await IsAsync(OrderStatus.Paid, requester, second);
        paid.LastFailure.Should().BeNull("nobody had to ask again");
        (await _chain.ReceiptAsync(paid.PayTxHash)).OperationsOf(requester.Wallet).Should().ContainSingle().Which.UserOpHash.Should().NotEqual(Convert.FromHexString(before![2..]));
        (await requester.Client.GetOrderAsync(first.OrderId)).LastFailure!.Reason.Should().Contain("ERC20InsufficientBalance");
    }

    // In the calldata of whatever carries it: nobody else has its salt.
    private static string SaltOf(Sdk.Order order) => ulong.Parse(order.Terms.Salt, CultureInfo.InvariantCulture).ToString("x16", CultureInfo.InvariantCulture);

    // Orders of one Requester that are to be paid, while the lane's only place is taken.
    private async Task<(Pair Pair, IReadOnlyList<Sdk.Order> Orders)> QueuedAsync(int count)
    {
        var (requester, provider) = (await AgentAsync("requester"), await AgentAsync("provider"));
        await _setup.FaucetAsync(requester.Wallet, "100.00");
        var pair = new Pair(requester, provider, await ServiceAsync(provider, "1.00"));
        return (pair, await Task.WhenAll(Enumerable.Range(0, count).Select(_ => pair.CreateOrderAsync())));
    }

    private async Task FreeAsync(Party requester, IReadOnlyList<Sdk.Order> orders)
    {
        await using var mining = await BlockLaneAsync();
        foreach (var order in orders)
        {
            await PayAsync(requester, order);
        }
    }

    private async Task<AnvilNode.StoppedMining> BlockLaneAsync()
    {
        var (pair, orders) = await QueuedAsync(count: 1);
        var mining = await _chain.Node.StopMiningAsync();
        await PayAsync(pair.Requester, orders[0]);
        await _chain.Node.HasPendingAsync(transactions: 1);
        return mining;
    }

    private async Task<string?> PayAsync(Party party, Sdk.Order order) =>
        (await _api.PostAsync(party.Key, $"orders/{order.OrderId}/pay")).Data.GetProperty("pending").GetProperty("userOpHash").GetString();

    private static async Task<Sdk.Order> IsAsync(OrderStatus status, Party party, Sdk.Order order)
    {
        var seen = order;
        await Eventually.TrueAsync(async () => (seen = await party.Client.GetOrderAsync(order.OrderId)).Status == status, () => $"the order is {status}; it is {seen.Status}, {seen.LastFailure?.Reason}");
        return seen;
    }

    private async Task<Party> AgentAsync(string name)
    {
        var created = await _setup.CreateSpenderAsync(name);
        return new Party(created.Agent, created.SdkKey, new AgentClient(new Config { BaseUrl = _relayer.Url }, created.SdkKey));
    }

    private Task<Service> ServiceAsync(Party provider, string price) =>
        _setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = price, SlaMinutes = 30 });
}
