using System.Diagnostics;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>CROO's published client, unmodified, against our relayer: only its three addresses are ours.</summary>
public sealed class CompatClientTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task CR46_The_published_client_completes_an_order_as_Provider_and_as_Requester()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00", price: "1.00");
        await UseSchemaAsync(pair);
        await using var provider = await Script.StartAsync(sandbox, "provider.mjs", pair.Provider.Key, pair.Service.ServiceId);
        await provider.SayAsync("listening");

        await using var requester = await Script.StartAsync(sandbox, "requester.mjs", pair.Requester.Key, pair.Service.ServiceId, "say it loud ☀");
        (await requester.EndAsync()).Should().Be(0, requester.Output);

        await provider.SayAsync("delivered ");
        requester.Output.Should().MatchRegex(@"^asked neg_\S+\npaid ord_\S+ 0x[0-9a-f]{64}\nreceived ord_\S+ SAY IT LOUD ☀\n$");
        provider.Output.Should().MatchRegex(@"^listening\naccepted ord_\S+ 0x[0-9a-f]{64}\ndelivered ord_\S+ 0x[0-9a-f]{64}\n$");
        var order = (await pair.Requester.Client.ListOrdersAsync(new())).Items.Should().ContainSingle().Which;
        order.Should().BeEquivalentTo(new { Status = OrderStatus.Completed, Price = "1.00" });
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).HashVerified.Should().BeTrue();
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
    }

    [Fact]
    public async Task CR46_A_request_that_says_nothing_is_declined_to_the_published_client()
    {
        var pair = await sandbox.NewPairAsync();
        await UseSchemaAsync(pair);
        await using var provider = await Script.StartAsync(sandbox, "provider.mjs", pair.Provider.Key, pair.Service.ServiceId);
        await provider.SayAsync("listening");

        await using var requester = await Script.StartAsync(sandbox, "requester.mjs", pair.Requester.Key, pair.Service.ServiceId, "");

        (await requester.EndAsync()).Should().Be(2, requester.Output);
        requester.Output.Should().Contain("order_negotiation_rejected Say what you want.");
    }

    [Fact]
    public async Task CR46_Every_method_of_the_published_client_works()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = Client(pair.Requester);
        await using var provider = Client(pair.Provider);
        await requester.CallAsync("connectWebSocket");
        await provider.CallAsync("connectWebSocket");

        var negotiationId = Text(await requester.CallAsync("negotiateOrder", new { serviceId = pair.Service.ServiceId, requirements = "Translate." }), "negotiationId");
        await provider.HearAsync("order_negotiation_created", negotiationId);
        Text(await provider.CallAsync("getNegotiation", negotiationId), "requirements").Should().Be("Translate.");
        (await provider.CallAsync("listNegotiations", new { role = "provider", status = "pending" }))[0].GetProperty("negotiationId").GetString().Should().Be(negotiationId);
        var orderId = Text((await provider.CallAsync("acceptNegotiation", negotiationId)).GetProperty("order"), "orderId");
        await requester.HearAsync("order_created", orderId);
        var paid = await requester.CallAsync("payOrder", orderId);
        await provider.HearAsync("order_paid", orderId);
        (await requester.CallAsync("listOrders", new { status = "paid", page = 1, pageSize = 50 }))[0].GetProperty("orderId").GetString().Should().Be(orderId);

        var again = await requester.CallAsync("payOrder", orderId);
        Text(again, "txHash").Should().Be(Text(paid, "txHash"), "a second payment is the first one");
        (await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Vault)).Should().BeGreaterThanOrEqualTo(1_000_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(99_000_000);

        var key = (await provider.CallAsync("uploadFile", "Übersetzung.txt", "Bonjour le monde ☀")).GetString()!;
        await provider.CallAsync("deliverOrder", orderId, new { deliverableType = "text", deliverableText = $"Here it is: {key}" });
        await requester.HearAsync("order_completed", orderId);
        var delivery = await requester.CallAsync("getDelivery", orderId);
        Text(delivery, "deliverableText").Should().Be($"Here it is: {key}");
        var url = (await requester.CallAsync("getDownloadURL", key)).GetString()!;
        var file = await requester.CallAsync("download", url);
        file.GetProperty("status").GetInt32().Should().Be(200);
        Text(file, "text").Should().Be("Bonjour le monde ☀");
        (await requester.TryAsync("getDownloadURL", "obj_000000000000000000000")).Is.Should().Equal("isNotFound");
        requester.TypesOf(orderId).Should().Equal("order_created", "order_completed");
        provider.TypesOf(orderId).Should().Equal("order_created", "order_paid");
    }

    [Fact]
    public async Task CR46_Rejections_reach_the_published_client()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = Client(pair.Requester);
        await using var provider = Client(pair.Provider);
        await requester.CallAsync("connectWebSocket");

        var declined = Text(await requester.CallAsync("negotiateOrder", new { serviceId = pair.Service.ServiceId }), "negotiationId");
        await provider.CallAsync("rejectNegotiation", declined, "not today");
        Text(await requester.HearAsync("order_negotiation_rejected", declined), "reason").Should().Be("not today");
        Text(await requester.CallAsync("getNegotiation", declined), "rejectReason").Should().Be("not today");
        var order = await pair.CreatePaidOrderAsync();
        await provider.CallAsync("rejectOrder", order.OrderId, "out of ink");
        Text(await requester.HearAsync("order_rejected", order.OrderId), "reason").Should().Be("out of ink");
        var rejected = await requester.CallAsync("getOrder", order.OrderId);

        Text(rejected, "status").Should().Be("rejected");
        Text(rejected, "rejectReason").Should().Be("out of ink");
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(100_000_000, "it has its money back");
        (await requester.TryAsync("payOrder", order.OrderId)).Result.GetProperty("order").GetProperty("status").GetString().Should().Be("rejected", "it was paid once");
        (await provider.TryAsync("deliverOrder", order.OrderId, new { deliverableType = "text", deliverableText = "late" })).Is.Should().Equal("isInvalidStatus");
    }

    [Fact]
    public async Task CR46_The_published_client_is_told_what_went_wrong()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await using var requester = Client(pair.Requester);
        await using var nobody = new CrooClient(sandbox.Relayer.Url, sandbox.Chain.RpcUrl, "croo_sk_nonsense");

        (await requester.TryAsync("getOrder", "ord_000000000000000000000")).Should().Match<CrooAnswer>(answer => answer.Reason == "ORDER_NOT_FOUND" && answer.Is.Single() == "isNotFound");
        (await nobody.TryAsync("listOrders")).Should().Match<CrooAnswer>(answer => answer.Reason == "SDK_KEY_INVALID" && answer.Is.Single() == "isUnauthorized");
        (await nobody.TryAsync("connectWebSocket")).Error!.Value.GetProperty("message").GetString().Should().Contain("401");
        (await requester.TryAsync("payOrder", order.OrderId)).Is.Should().Equal("isInsufficientBalance");
        (await requester.TryAsync("negotiateOrder", new { serviceId = pair.Service.ServiceId, fundAmount = "1" })).Is.Should().Equal("isInvalidParams");
        (await requester.TryAsync("acceptNegotiationWithFundAddress", order.NegotiationId, pair.Provider.Wallet)).Is.Should().Equal("isInvalidParams");
        (await requester.TryAsync("acceptNegotiation", order.NegotiationId)).Is.Should().Equal("isForbidden");
        (await requester.TryAsync("getDelivery", order.OrderId)).Is.Should().Equal("isInvalidStatus");
    }

    [Fact]
    public async Task CR46_A_service_that_wants_a_value_gets_it_from_CROOs_string()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = Client(pair.Requester);
        var service = await sandbox.Setup.CreateServiceAsync(new()
        {
            AgentId = pair.Provider.AgentId,
            Name = "Translation of a value",
            Price = "1.00",
            SlaMinutes = 30,
            RequirementType = RequirementType.Schema,
            RequirementsSchema = JsonSerializer.Deserialize<JsonElement>("""{"type":"object","required":["to"],"properties":{"to":{"type":"string"}}}"""),
        });

        var made = await requester.CallAsync("negotiateOrder", new { serviceId = service.ServiceId, requirements = """{"to":"fr"}""" });

        Text(made, "requirements").Should().Be("""{"to":"fr"}""");
        (await pair.Provider.Client.GetNegotiationAsync(Text(made, "negotiationId"))).Requirements!.Value.GetProperty("to").GetString().Should().Be("fr");
    }

    private CrooClient Client(Party party) => new(sandbox.Relayer.Url, sandbox.Chain.RpcUrl, party.Key);

    // The example delivers JSON.
    private async Task UseSchemaAsync(Pair pair) =>
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { DeliverableType = DeliverableType.Schema });

    private static string Text(JsonElement value, string field) => value.GetProperty(field).GetString()!;

    /// <summary>An example of tests/compat, run as a reader runs it.</summary>
    private sealed class Script : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly System.Text.StringBuilder _output = new();
        private readonly Task _errors;

        private Script(Process process)
        {
            _process = process;
            _errors = ReadErrorsAsync();
        }

        public string Output => _output.ToString();

        public static Task<Script> StartAsync(Sandbox sandbox, string name, string key, string serviceId, params string[] arguments)
        {
            var start = CrooClient.Node(name, sandbox.Relayer.Url, sandbox.Chain.RpcUrl, key, arguments);
            start.Environment["CROO_TARGET_SERVICE_ID"] = serviceId;
            return Task.FromResult(new Script(Process.Start(start)!));
        }

        /// <summary>Reads on until the script says something that begins so.</summary>
        public async Task SayAsync(string beginning)
        {
            while (await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience) is { } said)
            {
                _output.Append(said).Append('\n');
                if (said.StartsWith(beginning, StringComparison.Ordinal))
                {
                    return;
                }
            }

            throw new InvalidOperationException($"It ended without saying {beginning}: {Output}");
        }

        /// <summary>Reads to the end, and returns the exit code.</summary>
        public async Task<int> EndAsync()
        {
            _output.Append(await _process.StandardOutput.ReadToEndAsync().WaitAsync(Patience));
            await _process.WaitForExitAsync();
            await _errors;
            return _process.ExitCode;
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            await _process.WaitForExitAsync();
            await _errors;
            _process.Dispose();
        }

        private async Task ReadErrorsAsync() => _output.Append(await _process.StandardError.ReadToEndAsync());
    }
}
