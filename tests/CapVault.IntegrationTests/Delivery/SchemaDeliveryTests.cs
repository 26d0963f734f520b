using System.Net;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What a service promises is checked before anything is stored or signed.</summary>
public sealed class SchemaDeliveryTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const string Schema = """
        {"type":"object","required":["title","pages"],"properties":{"title":{"type":"string","minLength":1},"pages":{"type":"array","items":{"type":"object","required":["url"],"properties":{"url":{"format":"url"}}}}},"additionalProperties":false}
        """;

    [Theory]
    [InlineData("""{"pages":[]}""", "", "title")]
    [InlineData("""{"title":"x","pages":[{"url":"https://example.org"},{"url":"nowhere"}]}""", "/pages/1/url", "url")]
    [InlineData("""{"title":"x","pages":[],"more":1}""", "/more", "none")]
    [InlineData("\"text\"", "", "object")]
    public async Task CR20_A_value_that_does_not_fit_the_schema_is_refused_and_the_order_stays_paid(string value, string path, string expected)
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Schema, deliverableSchema: Schema);
        var order = await pair.CreatePaidOrderAsync();
        var before = await sandbox.CountRowsAsync();

        var refused = await DeliverAsync(pair, order, $$"""{"deliverableType":"schema","deliverableSchema":{{value}}}""");

        refused.Status.Should().Be(HttpStatusCode.UnprocessableEntity);
        refused.Code.Should().Be(ErrorCodes.DeliverableSchemaMismatch);
        var error = refused.Detail("errors").EnumerateArray().Should().ContainSingle().Which;
        error.GetProperty("path").GetString().Should().Be(path);
        error.GetProperty("message").GetString().Should().Contain(expected);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
        (await sandbox.Chain.StateOfAsync(order.ChainOrderId)).Phase.Should().Be((byte)Phase.Lock);
        (await sandbox.Chain.LogsAsync<OrderDeliveredEventDTO>(order.ChainOrderId)).Should().BeEmpty();
    }

    [Fact]
    public async Task CR20_A_value_that_fits_is_delivered()
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Schema, deliverableSchema: Schema);
        var order = await pair.CreatePaidOrderAsync();

        await DeliverAsync(pair, order, """{"deliverableType":"schema","deliverableSchema":{"title":"Ü","pages":[{"url":"https://example.org"}]}}""");

        await sandbox.Api.GetAsync(pair.Provider.Key, $"orders/{order.OrderId}?wait=30");
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { HashVerified = true, Status = "accepted" });
    }

    [Fact]
    public async Task The_schema_is_that_of_the_version_that_was_negotiated()
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Schema, deliverableSchema: """{"required":["a"]}""");
        var order = await pair.CreatePaidOrderAsync();
        await sandbox.Api.SendAsync(
            HttpMethod.Patch, sandbox.Relayer.OperatorKey, $"services/{pair.Service.ServiceId}", RawApi.Json("""{"deliverableSchema":{"required":["b"]}}"""u8.ToArray()));
        (await sandbox.Setup.GetServiceAsync(pair.Service.ServiceId)).Version.Should().Be(2);

        var refused = await DeliverAsync(pair, order, """{"deliverableType":"schema","deliverableSchema":{"b":1}}""");
        var taken = await DeliverAsync(pair, order, """{"deliverableType":"schema","deliverableSchema":{"a":1}}""");

        refused.Code.Should().Be(ErrorCodes.DeliverableSchemaMismatch);
        taken.Status.Should().Be(HttpStatusCode.Accepted);
    }

    [Theory]
    [InlineData("text", """{"deliverableType":"schema","deliverableSchema":{}}""")]
    [InlineData("schema", """{"deliverableType":"text","deliverableText":"{}"}""")]
    public async Task Another_type_than_the_services_is_refused(string type, string body)
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Parse(type));
        var order = await pair.CreatePaidOrderAsync();
        var before = await sandbox.CountRowsAsync();

        var refused = await DeliverAsync(pair, order, body);

        refused.Status.Should().Be(HttpStatusCode.BadRequest);
        refused.Code.Should().Be(ErrorCodes.ValidationError);
        refused.Detail("field").GetString().Should().Be("deliverableType");
        refused.Message.Should().Contain($"expected {type}");
        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    private Task<RawAnswer> DeliverAsync(Pair pair, Sdk.Order order, string body) => sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{order.OrderId}/deliver", body);
}
