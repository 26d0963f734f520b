using System.Globalization;
using System.Net;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What stands on CROO's routes: its published types, field by field.</summary>
public sealed class CompatShapeTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly RawApi _compat = new(sandbox.Relayer.Url, "/backend/v1");

    public void Dispose() => _compat.Dispose();

    [Fact]
    public async Task CR42_A_negotiation_has_every_field_of_the_published_type()
    {
        var pair = await sandbox.NewPairAsync();

        var made = await PostAsync(
            pair.Requester.Key, "orders/negotiate", new { serviceId = pair.Service.ServiceId, requirements = "Bonjour \"le\" monde ☀", metadata = """{"run":7}""" });
        var negotiation = made.GetProperty("negotiation");
        var id = negotiation.GetProperty("negotiationId").GetString()!;

        CompatShapes.Of("Negotiation").Should().HaveCount(14);
        CompatShapes.Missing("Negotiation", negotiation).Should().BeEmpty();
        negotiation.GetProperty("requirements").GetString().Should().Be("Bonjour \"le\" monde ☀");
        negotiation.GetProperty("metadata").GetString().Should().Be("""{"run":7}""");
        negotiation.GetProperty("status").GetString().Should().Be("pending");
        negotiation.GetProperty("requesterAgentId").GetString().Should().Be(pair.Requester.AgentId);
        Time(negotiation, "expiresAt").Should().Be(Time(negotiation, "createdTime").AddSeconds(900));
        foreach (var (key, path, property) in new[] { (pair.Provider.Key, $"orders/negotiate/{id}", "negotiation"), (pair.Requester.Key, "orders/negotiate", "negotiations") })
        {
            var read = (await _compat.GetAsync(key, path)).Json.GetProperty(property);
            (property == "negotiation" ? read : read[0]).GetRawText().Should().Be(negotiation.GetRawText());
        }

        // The same text for our own clients, as a JSON value.
        (await pair.Provider.Client.GetNegotiationAsync(id)).Requirements!.Value.GetString().Should().Be("Bonjour \"le\" monde ☀");
        var rejected = (await PostAsync(pair.Provider.Key, $"orders/negotiate/{id}/reject", new { reason = "no time" })).GetProperty("negotiation");
        CompatShapes.Missing("Negotiation", rejected).Should().BeEmpty();
        rejected.GetProperty("rejectReason").GetString().Should().Be("no time");
    }

    [Theory]
    [InlineData("""{"to":"fr","words":[1,2.50]}""")]
    [InlineData("[1,2]")]
    [InlineData("17")]
    [InlineData("true")]
    public async Task CR42_What_our_clients_ask_for_in_JSON_is_its_text_there(string json)
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.Requester.Client.NegotiateOrderAsync(
            new() { ServiceId = pair.Service.ServiceId, Requirements = JsonSerializer.Deserialize<JsonElement>(json) });

        var read = (await _compat.GetAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}")).Json.GetProperty("negotiation");

        read.GetProperty("requirements").GetString().Should().Be(json);
        read.GetProperty("metadata").GetString().Should().BeEmpty();
    }

    [Fact]
    public async Task CR43_A_completed_order_has_every_field_and_its_transactions_are_on_the_chain()
    {
        var pair = await sandbox.NewPairAsync(price: "2.50");
        var negotiation = (await PostAsync(pair.Requester.Key, "orders/negotiate", new { serviceId = pair.Service.ServiceId })).GetProperty("negotiation");
        var accepted = await PostAsync(pair.Provider.Key, $"orders/negotiate/{Id(negotiation, "negotiationId")}/accept", new { });
        var orderId = Id(accepted.GetProperty("order"), "orderId");
        var paid = await PostAsync(pair.Requester.Key, $"orders/{orderId}/pay", new { });
        var delivered = await PostAsync(pair.Provider.Key, $"orders/{orderId}/deliver", new { deliverableType = "text", deliverableText = "Bonjour" });
        var order = (await _compat.GetAsync(pair.Requester.Key, $"orders/{orderId}")).Json.GetProperty("order");

        CompatShapes.Of("Order").Should().HaveCount(32);
        CompatShapes.Of("Delivery").Should().HaveCount(12);
        CompatShapes.Missing("Negotiation", accepted.GetProperty("negotiation")).Should().BeEmpty();
        foreach (var read in new[] { accepted, paid, delivered })
        {
            CompatShapes.Missing("Order", read.GetProperty("order")).Should().BeEmpty();
        }

        Id(accepted.GetProperty("order"), "status").Should().Be("created");
        Id(paid.GetProperty("order"), "status").Should().Be("paid");
        Id(paid, "txHash").Should().Be(Id(order, "payTxHash"));
        Id(delivered, "txHash").Should().Be(Id(order, "deliverTxHash"));
        CompatShapes.Missing("Delivery", delivered.GetProperty("delivery")).Should().BeEmpty();
        Id(order, "status").Should().Be("completed");
        Id(order, "finalStatus").Should().Be("DONE");
        Id(order, "price").Should().Be("2500000", "base units, as a string");
        Id(order, "feeAmount").Should().Be("250000");
        order.GetProperty("deliveryWindow").GetInt64().Should().Be(1800);
        order.TryGetProperty("pending", out _).Should().BeFalse();
        Time(order, "slaDeadline").Should().Be(Time(order, "paidAt").AddSeconds(1800));
        foreach (var (hash, time) in new[] { ("createTxHash", "createdAt"), ("payTxHash", "paidAt"), ("deliverTxHash", "deliveredAt"), ("clearTxHash", "deliveredAt") })
        {
            var receipt = await sandbox.Chain.ReceiptAsync(Id(order, hash));
            receipt.Status.Value.Should().Be(1);
            var block = await sandbox.Chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(receipt.BlockNumber);
            Time(order, time).ToUnixTimeSeconds().Should().Be((long)block.Timestamp.Value);
        }

        var listed = (await _compat.GetAsync(pair.Provider.Key, "orders")).Json.GetProperty("orders")[0];
        listed.GetRawText().Should().Be(order.GetRawText());
    }

    [Fact]
    public async Task CR43_A_rejected_order_names_its_transaction_and_its_reason()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        var rejected = (await PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/reject", new { reason = "out of ink" })).GetProperty("order");

        CompatShapes.Missing("Order", rejected).Should().BeEmpty();
        Id(rejected, "status").Should().Be("rejected");
        Id(rejected, "rejectReason").Should().Be("out of ink");
        Id(rejected, "finalStatus").Should().Be("REFUNDED");
        (await sandbox.Chain.ReceiptAsync(Id(rejected, "rejectTxHash"))).Status.Value.Should().Be(1);
    }

    [Theory]
    [InlineData("""{"deliverableType":"schema","deliverableSchema":"{\"b\":1,\"a\":[true]}"}""", """{"b":1,"a":[true]}""", "")]
    [InlineData("""{"deliverableType":"schema","deliverableSchema":"","deliverableText":"{\"b\":1}"}""", """{"b":1}""", "")]
    [InlineData("""{"deliverableType":"text","deliverableSchema":"","deliverableText":"{\"b\":1}"}""", "", """{"b":1}""")]
    public async Task CR44_A_delivery_stands_in_the_field_of_its_type(string body, string schema, string text)
    {
        var pair = await sandbox.NewPairAsync();
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { DeliverableType = schema.Length > 0 ? DeliverableType.Schema : DeliverableType.Text });
        var order = await pair.CreatePaidOrderAsync();

        var delivered = await _compat.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", body);
        var delivery = (await _compat.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}/delivery")).Json.GetProperty("delivery");

        delivered.Status.Should().Be(HttpStatusCode.OK, delivered.Body);
        delivered.Json.GetProperty("delivery").GetRawText().Should().Be(delivery.GetRawText());
        Id(delivery, "deliverableSchema").Should().Be(schema);
        Id(delivery, "deliverableText").Should().Be(text);
        Id(delivery, "status").Should().Be("accepted");
        Id(delivery, "deliveryId").Should().MatchRegex("^dlv_[A-Za-z0-9_-]{21}$");
        Id(delivery, "providerAgentId").Should().Be(pair.Provider.AgentId);
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).HashVerified.Should().BeTrue();
        Id(delivery, "contentHash").Should().Be((await pair.Requester.Client.GetOrderAsync(order.OrderId)).DeliverableHash);
    }

    [Theory]
    [InlineData("""{"deliverableType":"schema","deliverableSchema":"{b:1}"}""", "deliverableSchema")]
    [InlineData("""{"deliverableType":"schema","deliverableSchema":{"b":1}}""", "deliverableSchema")]
    [InlineData("""{"deliverableType":"schema","deliverableText":"no JSON"}""", "deliverableSchema")]
    [InlineData("""{"deliverableType":"schema"}""", "deliverableSchema")]
    [InlineData("""{"deliverableType":"text","deliverableText":""}""", "deliverableText")]
    [InlineData("""{"deliverableType":"file","deliverableText":"x"}""", "deliverableType")]
    [InlineData("""{"deliverableText":"x"}""", "deliverableType")]
    public async Task A_delivery_that_fits_no_type_is_refused(string body, string field)
    {
        var (pair, order) = await sandbox.PaidOrderAsync();

        var answer = await _compat.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", body);

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        Id(answer.Json, "reason").Should().Be("INVALID_PARAMETERS");
        Id(answer.Json.GetProperty("metadata"), "field").Should().Be(field);
    }

    [Fact]
    public async Task What_the_client_sends_beyond_the_known_has_no_effect()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");

        var made = await PostAsync(
            pair.Requester.Key,
            "orders/negotiate",
            new { serviceId = pair.Service.ServiceId, requesterAgentId = pair.Requester.AgentId, price = "1", amount = 1, deliveryWindow = 9, fundAmount = "", fundToken = "" });
        var accepted = await PostAsync(pair.Provider.Key, $"orders/negotiate/{Id(made.GetProperty("negotiation"), "negotiationId")}/accept", new { providerFundAddress = "", price = "1" });

        var order = accepted.GetProperty("order");
        Id(order, "price").Should().Be("1000000");
        order.GetProperty("deliveryWindow").GetInt64().Should().Be(1800);
    }

    [Fact]
    public async Task Accepting_needs_no_body()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.NegotiateAsync();

        var accepted = await _compat.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/accept");

        accepted.Status.Should().Be(HttpStatusCode.OK, accepted.Body);
        Id(accepted.Json.GetProperty("order"), "status").Should().Be("created");
    }

    [Theory]
    [InlineData("requesterAgentId", "agt_000000000000000000000", HttpStatusCode.Forbidden, "FORBIDDEN")]
    [InlineData("fundAmount", "5", HttpStatusCode.BadRequest, "INVALID_PARAMETERS")]
    [InlineData("fundToken", "0x0000000000000000000000000000000000000000", HttpStatusCode.BadRequest, "INVALID_PARAMETERS")]
    public async Task What_cannot_be_done_for_the_caller_is_said(string field, string value, HttpStatusCode status, string reason)
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        var before = await sandbox.CountRowsAsync();

        var answer = await _compat.PostAsync(
            pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}","{{field}}":"{{value}}"}""");

        answer.Status.Should().Be(status);
        Id(answer.Json, "reason").Should().Be(reason);
        Id(answer.Json, "message").Should().Contain(field);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    private async Task<JsonElement> PostAsync(string key, string path, object body)
    {
        var answer = await _compat.PostAsync(key, path, JsonSerializer.Serialize(body));
        answer.Status.Should().Be(HttpStatusCode.OK, answer.Body);
        return answer.Json;
    }

    private static string Id(JsonElement value, string field) => value.GetProperty(field).GetString()!;

    private static DateTimeOffset Time(JsonElement value, string field) =>
        DateTimeOffset.ParseExact(Id(value, field), "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
