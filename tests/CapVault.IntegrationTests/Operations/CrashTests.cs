using System.Net;
using System.Text.Json;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>The relayer is killed, again and again, while orders are on their way: what it acknowledged happens, and happens once.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private const int Workers = 6;
    private const int Kills = 6;

    private readonly int _seed = Random.Shared.Next();
    private SandboxChain _chain = null!;
    private RelayerProcess _relayer = null!;
    private RawApi _api = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _relayer = await RelayerProcess.StartAsync(_chain);
        _api = new RawApi(_relayer.Url);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _relayer.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task No_order_is_lost_or_doubled_by_kills_at_random_moments()
    {
        using var setup = new SetupClient(new Config { BaseUrl = _relayer.Url }, _relayer.OperatorKey);
        var (requester, provider) = (await AgentAsync(setup, "requester"), await AgentAsync(setup, "provider"));
        await setup.FaucetAsync(requester.Wallet, "1000.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        await using var heardByRequester = await requester.ListenAsync(audience: "all");
        await using var heardByProvider = await provider.ListenAsync(audience: "all");

        using var over = new CancellationTokenSource();
        var running = Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var orders = new List<string>();
            while (!over.IsCancellationRequested)
            {
                orders.Add(await CompleteOrderAsync(requester, provider, service, $"{worker}.{orders.Count}"));
            }

            return orders;
        }));
        var random = new Random(_seed);
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(random.Next(100, 2500)); // the random moment, possibly before it is up
            await _relayer.KillAsync();
            _relayer.Launch();
        }

        await _relayer.ReadyAsync();
        await over.CancelAsync();
        var completed = (await running.WaitAsync(TimeSpan.FromMinutes(1))).SelectMany(orders => orders).ToList();

        var because = $"{completed.Count} orders were acknowledged (seed {_seed})";
        completed.Should().OnlyHaveUniqueItems();
        (await OrdersOfAsync<OrderCreatedEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await OrdersOfAsync<OrderPaidEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await OrdersOfAsync<OrderDeliveredEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await OrdersOfAsync<OrderClearedEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await _chain.UsdcOfAsync(requester.Wallet)).Should().Be(1_000_000_000 - (completed.Count * 1_000_000), because);
        (await _chain.UsdcOfAsync(provider.Wallet)).Should().Be(completed.Count * 900_000, because);
        var book = await AllOrdersAsync(requester);
        book.Select(order => order.ChainOrderId).Should().BeEquivalentTo(completed, because);
        book.Should().OnlyContain(order => order.Status == OrderStatus.Completed && order.LastFailure == null, because);
        await NothingIsLeftAsync(setup);
        foreach (var listener in new[] { heardByRequester, heardByProvider })
        {
            await HeardEverythingOnceAsync(listener, book, because);
        }
    }

    // As an agent would that repeats until it is answered; returns the on-chain id.
    private async Task<string> CompleteOrderAsync(Party requester, Party provider, Service service, string number)
    {
        var negotiation = await AnsweredAsync(
            requester, "orders/negotiate", JsonSerializer.Serialize(new { serviceId = service.ServiceId, requirements = new { number } }), _ => true);
        var accepted = await AnsweredAsync(
            provider, $"orders/negotiate/{negotiation.GetProperty("negotiationId").GetString()}/accept?wait=5", null, data => data.GetProperty("order").TryGetProperty("createTxHash", out _));
        var orderId = accepted.GetProperty("order").GetProperty("orderId").GetString()!;
        await AnsweredAsync(requester, $"orders/{orderId}/pay?wait=5", null, data => data.TryGetProperty("payTxHash", out _));
        var delivered = await AnsweredAsync(
            provider, $"orders/{orderId}/deliver?wait=5", $$"""{"deliverableType":"text","deliverableText":"number {{number}}"}""", data => data.TryGetProperty("clearTxHash", out _));
        return delivered.GetProperty("chainOrderId").GetString()!;
    }

    private async Task<JsonElement> AnsweredAsync(Party party, string path, string? body, Func<JsonElement, bool> isDone)
    {
        JsonElement? answered = null;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    var answer = await _api.PostAsync(party.Key, path, body);
                    if (answer.Status == HttpStatusCode.ServiceUnavailable)
                    {
                        return false;
                    }

                    ((int)answer.Status).Should().BeInRange(200, 299, $"{path} answered {answer.Body} (seed {_seed})");
                    answered = answer.Data;
                    return isDone(answered.Value);
                }
                catch (HttpRequestException)
                {
                    return false; // just killed, or not up yet
                }
            },
            () => $"{path} is done (seed {_seed}); it answered {answered}, and the relayer said:\n{_relayer.Output}");
        return answered!.Value;
    }

    private async Task<IEnumerable<string>> OrdersOfAsync<T>(Func<T, byte[]> orderId)
        where T : IEventDTO, new() =>
        (await _chain.VaultLogsAsync()).DecodeAllEvents<T>().Select(log => orderId(log.Event).ToHex(prefix: true));

    private static async Task<List<Sdk.Order>> AllOrdersAsync(Party party)
    {
        var orders = new List<Sdk.Order>();
        string? cursor = null;
        do
        {
            var page = await party.Client.ListOrdersAsync(new() { Limit = 100, Cursor = cursor });
            orders.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return orders;
    }

    private async Task NothingIsLeftAsync(SetupClient setup)
    {
        IReadOnlyDictionary<string, long> states = new Dictionary<string, long>(StringComparer.Ordinal);
        await Eventually.TrueAsync(
            async () =>
            {
                states = (await setup.GetStatusAsync()).Operations;
                return states.Keys.All(state => state is "INCLUDED" or "FINAL");
            },
            () => $"every operation is included (seed {_seed}); there are {JsonSerializer.Serialize(states)}, and the relayer said:\n{_relayer.Output}");
    }

    private static async Task HeardEverythingOnceAsync(Listener listener, IReadOnlyList<Sdk.Order> orders, string because)
    {
        foreach (var order in orders)
        {
            await listener.HearAsync(EventType.OrderCompleted, order.OrderId);
        }

        foreach (var order in orders)
        {
            listener.Heard.Where(e => e.NegotiationId == order.NegotiationId).Select(e => e.Type).Should().Equal(
                [EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted], because);
        }

        listener.Heard.Select(e => e.EventId).Should().OnlyHaveUniqueItems(because);
        listener.Heard.Select(e => e.Seq).Should().BeInAscendingOrder(because);
    }

    private async Task<Party> AgentAsync(SetupClient setup, string name)
    {
        var created = await setup.CreateSpenderAsync(name);
        return new Party(created.Agent, created.SdkKey, new AgentClient(new Config { BaseUrl = _relayer.Url }, created.SdkKey));
    }
}
