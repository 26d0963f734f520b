using System.Net;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Services: their versions, what they ask for and deliver, and how they are found.</summary>
public sealed class CatalogueTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    /// <summary>One field of each type that CROO's forms know.</summary>
    private const string EveryType = """
        {
          "type": "object",
          "properties": {
            "task": { "type": "string", "minLength": 1 },
            "source": { "type": "string", "format": "uri" },
            "recipient": { "type": "string", "pattern": "^0x[0-9a-fA-F]{40}$" },
            "count": { "type": "number", "minimum": 1 },
            "urgent": { "type": "boolean" },
            "languages": { "type": "array", "items": { "type": "string" } },
            "style": { "type": "object", "properties": { "tone": { "type": "string" } } }
          },
          "required": ["task"],
          "additionalProperties": false
        }
        """;

    [Theory]
    [InlineData(4, false)]
    [InlineData(5, true)]
    public async Task CR57_The_delivery_window_is_5_minutes_at_least(int minutes, bool isAllowed)
    {
        var agent = await sandbox.NewAgentAsync("provider");
        var body = $$"""{"agentId":"{{agent.AgentId}}","name":"x","price":"1.00","slaMinutes":{{minutes}}}""";

        var answer = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "services", body);

        answer.Status.Should().Be(isAllowed ? HttpStatusCode.Created : HttpStatusCode.BadRequest);
        if (!isAllowed)
        {
            answer.Code.Should().Be(ErrorCodes.ValidationError);
            answer.Detail("field").GetString().Should().Be("slaMinutes");
        }
    }

    [Fact]
    public async Task CR57_A_change_of_price_is_for_new_orders_only()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var before = await pair.NegotiateAsync();

        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Price = "2.00", SlaMinutes = 90 });
        var order = (await pair.Provider.Client.AcceptNegotiationAsync(before.NegotiationId)).Order;
        var paid = await pair.Requester.Client.PayOrderAsync(order.OrderId);

        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(99_000_000, "the old price is on chain");
        (paid.Order.SlaDeadline - paid.Order.PaidAt).Should().Be(TimeSpan.FromMinutes(30));
        (await pair.NegotiateAsync()).Should().BeEquivalentTo(new { Price = "2.00", ServiceVersion = 2, DeliveryWindow = 5400 });
    }

    [Fact]
    public async Task CR57_A_service_says_what_it_asks_for_and_what_it_delivers()
    {
        var schema = JsonSerializer.Deserialize<JsonElement>(EveryType);
        var pair = await sandbox.NewPairAsync();

        var made = await sandbox.Setup.UpdateServiceAsync(
            pair.Service.ServiceId,
            new() { RequirementType = RequirementType.Schema, RequirementsSchema = schema, DeliverableType = DeliverableType.Schema, DeliverableSchema = schema });
        var negotiation = await pair.NegotiateAsync(new { task = "translate", recipient = pair.Requester.Wallet, count = 2, urgent = true, languages = new[] { "fr" }, style = new { tone = "dry" } });

        using var discovery = new DiscoveryClient(sandbox.Config);
        foreach (var (requirements, deliverable) in new[]
        {
            (made.RequirementsSchema, made.DeliverableSchema),
            (await discovery.GetServiceAsync(made.ServiceId)) is var seen ? (seen.RequirementsSchema, seen.DeliverableSchema) : default,
        })
        {
            JsonElement.DeepEquals(requirements!.Value, schema).Should().BeTrue();
            JsonElement.DeepEquals(deliverable!.Value, schema).Should().BeTrue();
        }

        // Both sign what a dispute would be judged by.
        var terms = negotiation.TermsDocument.GetProperty("service");
        terms.GetProperty("requirementType").GetString().Should().Be("schema");
        terms.GetProperty("deliverableType").GetString().Should().Be("schema");
        JsonElement.DeepEquals(terms.GetProperty("requirementsSchema"), schema).Should().BeTrue();
        JsonElement.DeepEquals(terms.GetProperty("deliverableSchema"), schema).Should().BeTrue();
        negotiation.Terms.TermsHash.Should().Be($"0x{Convert.ToHexStringLower(DeliverableHash.Keccak256(CanonicalJson.Serialize(negotiation.TermsDocument)))}");
    }

    [Theory]
    [InlineData("""{"requirementType":"schema"}""", "requirementsSchema", ErrorCodes.MissingRequiredField)]
    [InlineData("""{"requirementType":"song"}""", "requirementType", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementsSchema":{"type":"object"}}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementType":"none","requirementsSchema":{"type":"object"}}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementType":"schema","requirementsSchema":[]}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementType":"schema","requirementsSchema":"{}"}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementType":"schema","requirementsSchema":{"type":"song"}}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementType":"schema","requirementsSchema":{"$ref":"https://evil.example/schema"}}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"requirementType":"schema","requirementsSchema":{"pattern":"(a+)+(?=b)"}}""", "requirementsSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"deliverableType":"schema","deliverableSchema":{"$ref":"http://169.254.169.254/"}}""", "deliverableSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"deliverableType":"text","deliverableSchema":{"type":"object"}}""", "deliverableSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"deliverableType":"pdf"}""", "deliverableType", ErrorCodes.ValidationError)]
    [InlineData("""{"deliverableType":"schema","deliverableSchema":{"a":1,"a":2}}""", "deliverableSchema", ErrorCodes.ValidationError)]
    [InlineData("""{"tags":["a b"]}""", "tags", ErrorCodes.ValidationError)]
    [InlineData("""{"price":"1.0000001"}""", "price", ErrorCodes.InvalidAmountFormat)]
    public async Task CR57_What_does_not_go_together_is_refused(string change, string field, string code)
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        var before = await sandbox.CountRowsAsync();

        var answer = await sandbox.Api.SendAsync(
            HttpMethod.Patch, sandbox.Relayer.OperatorKey, $"services/{pair.Service.ServiceId}", RawApi.Json(System.Text.Encoding.UTF8.GetBytes(change)));

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Code.Should().Be(code);
        answer.Detail("field").GetString().Should().Be(field);
        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    [Theory]
    [InlineData("""{"task":1}""", "/task")]
    [InlineData("""{"task":"x","source":"not an address"}""", "/source")]
    [InlineData("""{"task":"x","recipient":"0x12"}""", "/recipient")]
    [InlineData("""{"task":"x","count":0}""", "/count")]
    [InlineData("""{"task":"x","count":"2"}""", "/count")]
    [InlineData("""{"task":"x","urgent":"yes"}""", "/urgent")]
    [InlineData("""{"task":"x","languages":["fr",1]}""", "/languages/1")]
    [InlineData("""{"task":"x","style":{"tone":null}}""", "/style/tone")]
    [InlineData("""{"urgent":true}""", "")]
    [InlineData("""{"task":"x","more":1}""", "/more")]
    [InlineData("""["x"]""", "")]
    [InlineData("null", null)]
    [InlineData(null, null)]
    public async Task CR57_Requirements_that_do_not_fit_are_refused_and_the_place_named(string? requirements, string? path)
    {
        var pair = await sandbox.NewPairAsync();
        await sandbox.Setup.UpdateServiceAsync(
            pair.Service.ServiceId, new() { RequirementType = RequirementType.Schema, RequirementsSchema = JsonSerializer.Deserialize<JsonElement>(EveryType) });
        var body = requirements is null ? $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""" : $$"""{"serviceId":"{{pair.Service.ServiceId}}","requirements":{{requirements}}}""";
        var before = await sandbox.CountRowsAsync();

        var answer = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", body);
        var preFlight = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/validate", body);

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Code.Should().Be(path is null ? ErrorCodes.MissingRequiredField : ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be("requirements");
        if (path is not null)
        {
            answer.Detail("path").GetString().Should().Be(path);
            answer.Message.Should().StartWith($"requirements{path}: ");
        }

        JsonElement.DeepEquals(preFlight.Data.GetProperty("reasons")[0], answer.Json.GetProperty("error")).Should().BeTrue("the pre-flight says what the call says");
        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    [Fact]
    public async Task A_schema_goes_with_its_type()
    {
        var pair = await sandbox.NewPairAsync();
        var schema = JsonSerializer.Deserialize<JsonElement>(EveryType);
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { RequirementType = RequirementType.Schema, RequirementsSchema = schema });

        var renamed = await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Name = "renamed" });
        var freed = await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { RequirementType = RequirementType.Text });
        var same = await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { RequirementType = RequirementType.Text });

        renamed.RequirementsSchema.Should().NotBeNull("a change of something else keeps it");
        freed.Should().BeEquivalentTo(new { RequirementType = RequirementType.Text, RequirementsSchema = (JsonElement?)null, Version = 4 });
        same.Version.Should().Be(4, "a change of nothing is no new version");
    }

    [Fact]
    public async Task Who_wants_no_requirements_gets_none()
    {
        var pair = await sandbox.NewPairAsync();
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { RequirementType = RequirementType.None });

        var negotiate = () => pair.NegotiateAsync(new { task = "x" });

        (await negotiate.Should().ThrowAsync<CapApiException>()).Which.Details["field"].GetString().Should().Be("requirements");
        (await pair.NegotiateAsync()).Status.Should().Be(NegotiationStatus.Pending);
    }

    [Fact]
    public async Task An_agent_reads_its_own_services()
    {
        var pair = await sandbox.NewPairAsync();

        (await sandbox.Api.GetAsync(pair.Provider.Key, "services")).Data.EnumerateArray().Should().ContainSingle()
            .Which.GetProperty("serviceId").GetString().Should().Be(pair.Service.ServiceId);
        (await sandbox.Api.GetAsync(pair.Provider.Key, $"services/{pair.Service.ServiceId}")).Status.Should().Be(HttpStatusCode.OK);
        (await sandbox.Api.GetAsync(pair.Requester.Key, $"services/{pair.Service.ServiceId}")).Code.Should().Be(ErrorCodes.ServiceNotFound);
    }
}
