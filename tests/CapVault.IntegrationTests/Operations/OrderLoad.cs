using System.Net;
using System.Text.Json;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>
/// Orders of one pair, made by several workers at once until they are told to stop, whatever happens to the relayers meanwhile. What was acknowledged must
/// have happened, and happened once.
/// </summary>
/// <param name="chain">Where it happens.</param>
/// <param name="relayers">Where the calls go: each goes to the first that answers, beginning anywhere.</param>
/// <param name="seed">Said when it fails.</param>
internal sealed class OrderLoad(SandboxChain chain, IReadOnlyList<RelayerProcess> relayers, int seed) : IDisposable
{
    private const int Workers = 6;

    private readonly List<RawApi> _apis = [.. relayers.Select(relayer => new RawApi(relayer.Url))];
    private int _calls;
    private Party _requester = null!;
    private Party _provider = null!;
    private Service _service = null!;

    /// <summary>Makes the pair. Its clients, and what listens for it, are the last relayer's.</summary>
    public async Task PrepareAsync(SetupClient setup)
    {
        (_requester, _provider) = (await AgentAsync(setup, "requester"), await AgentAsync(setup, "provider"));
        await setup.FaucetAsync(_requester.Wallet, "1000.00");
        _service = await setup.CreateServiceAsync(new() { AgentId = _provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
    }

    /// <summary>Makes orders while <paramref name="disturb"/> runs, and then judges all of them.</summary>
    /// <returns>How many were completed.</returns>
    public async Task<int> RunAsync(SetupClient setup, Func<Task> disturb)
    {
        await using var heardByRequester = await _requester.ListenAsync(audience: "all");
        await using var heardByProvider = await _provider.ListenAsync(audience: "all");
        using var over = new CancellationTokenSource();
        var running = Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var orders = new List<string>();
            while (!over.IsCancellationRequested)
            {
                orders.Add(await CompleteOrderAsync($"{worker}.{orders.Count}"));
            }

            return orders;
        }));
        await disturb();
        await over.CancelAsync();
        var completed = (await running.WaitAsync(TimeSpan.FromMinutes(1))).SelectMany(orders => orders).ToList();
        await JudgeAsync(setup, completed, heardByRequester, heardByProvider);
        return completed.Count;
    }

    public void Dispose() => _apis.ForEach(api => api.Dispose());

    private async Task JudgeAsync(SetupClient setup, List<string> completed, params Listener[] listeners)
    {
        var because = $"{completed.Count} orders were acknowledged (seed {seed})";
        completed.Should().OnlyHaveUniqueItems();
        (await OrdersOfAsync<OrderCreatedEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await OrdersOfAsync<OrderPaidEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await OrdersOfAsync<OrderDeliveredEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await OrdersOfAsync<OrderClearedEventDTO>(e => e.OrderId)).Should().BeEquivalentTo(completed, because);
        (await chain.UsdcOfAsync(_requester.Wallet)).Should().Be(1_000_000_000 - (completed.Count * 1_000_000), because);
        (await chain.UsdcOfAsync(_provider.Wallet)).Should().Be(completed.Count * 900_000, because);
        var book = await AllOrdersAsync(_requester);
        book.Select(order => order.ChainOrderId).Should().BeEquivalentTo(completed, because);
        book.Should().OnlyContain(order => order.Status == OrderStatus.Completed && order.LastFailure == null, because);
        await NothingIsLeftAsync(setup);
        foreach (var listener in listeners)
        {
            await HeardEverythingOnceAsync(listener, book, because);
        }
    }

    // As an agent would that repeats until it is answered; returns the on-chain id.
    private async Task<string> CompleteOrderAsync(string number)
    {
        var negotiation = await AnsweredAsync(
            _requester, "orders/negotiate", JsonSerializer.Serialize(new { serviceId = _service.ServiceId, requirements = new { number } }), _ => true);
        var accepted = await AnsweredAsync(
            _provider, $"orders/negotiate/{negotiation.GetProperty("negotiationId").GetString()}/accept?wait=5", null, data => data.GetProperty("order").TryGetProperty("createTxHash", out _));
        var orderId = accepted.GetProperty("order").GetProperty("orderId").GetString()!;
        await AnsweredAsync(_requester, $"orders/{orderId}/pay?wait=5", null, data => data.TryGetProperty("payTxHash", out _));
        var delivered = await AnsweredAsync(
            _provider, $"orders/{orderId}/deliver?wait=5", $$"""{"deliverableType":"text","deliverableText":"number {{number}}"}""", data => data.TryGetProperty("clearTxHash", out _));
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
                    var answer = await _apis[Interlocked.Increment(ref _calls) % _apis.Count].PostAsync(party.Key, path, body);
                    if (answer.Status == HttpStatusCode.ServiceUnavailable)
                    {
                        return false;
                    }

                    ((int)answer.Status).Should().BeInRange(200, 299, $"{path} answered {answer.Body} (seed {seed})");
                    answered = answer.Data;
                    return isDone(answered.Value);
                }
                catch (HttpRequestException)
                {
                    return false; // just killed, or not up yet: the next call goes to the next relayer
                }
            },
            () => $"{path} is done (seed {seed}); it answered {answered}, and the relayers said:\n{Said}");
        return answered!.Value;
    }

    private async Task<IEnumerable<string>> OrdersOfAsync<T>(Func<T, byte[]> orderId)
        where T : IEventDTO, new() =>
        (await chain.VaultLogsAsync()).DecodeAllEvents<T>().Select(log => orderId(log.Event).ToHex(prefix: true));

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
            () => $"every operation is included (seed {seed}); there are {JsonSerializer.Serialize(states)}, and the relayers said:\n{Said}");
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
        return new Party(created.Agent, created.SdkKey, new AgentClient(new Config { BaseUrl = relayers[^1].Url }, created.SdkKey));
    }

    private string Said => string.Join("\n", relayers.Select(relayer => $"{relayer.Url}:\n{relayer.Output}"));
}
