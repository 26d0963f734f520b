using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Whatever is wrong is named, and leaves nothing behind.</summary>
public sealed class BadInputTests(WorldSandbox sandbox) : IClassFixture<WorldSandbox>
{
    private readonly World _world = sandbox.World;

    /// <summary>Who, where, what, and the answer: status, code, field.</summary>
    public static readonly TheoryData<string, string, string, int, string, string?> Bodies = new()
    {
        { "requester", "orders/negotiate", """{"serviceId":"{service}","salt":"1"}""", 400, ErrorCodes.ValidationError, "salt" },
        { "requester", "orders/negotiate", """{"serviceId":"{service}","serviceId":"{service}"}""", 400, ErrorCodes.ValidationError, "serviceId" },
        { "requester", "orders/negotiate", """{"serviceId":7}""", 400, ErrorCodes.ValidationError, "serviceId" },
        { "requester", "orders/negotiate", """{"serviceId":null}""", 400, ErrorCodes.ValidationError, "serviceId" },
        { "requester", "orders/negotiate", """{}""", 400, ErrorCodes.MissingRequiredField, "serviceId" },
        { "requester", "orders/negotiate", """{"serviceId":"svc_000000000000000000000"}""", 404, ErrorCodes.ServiceNotFound, null },
        { "requester", "orders/negotiate", """{"serviceId":"{service}","requirements":{"a":1,"a":2}}""", 400, ErrorCodes.ValidationError, "requirements" },
        { "requester", "orders/negotiate", """{"serviceId":"{service}","requirements":1e400}""", 400, ErrorCodes.ValidationError, "requirements" },
        { "requester", "orders/negotiate", """{"serviceId":"{service}","requirements":"\ud800"}""", 400, ErrorCodes.ValidationError, "requirements" },
        { "requester", "orders/negotiate", """{"serviceId":"{service}","metadata":"\ud800"}""", 400, ErrorCodes.ValidationError, "metadata" },
        { "requester", "orders/negotiate", """["serviceId"]""", 400, ErrorCodes.ValidationError, "body" },
        { "requester", "orders/negotiate", """null""", 400, ErrorCodes.ValidationError, "body" },
        { "requester", "orders/negotiate", """{"serviceId":""", 400, ErrorCodes.ValidationError, "serviceId" },
        { "requester", "orders/negotiate", "", 400, ErrorCodes.ValidationError, "body" },
        { "provider", "orders/negotiate", """{"serviceId":"{service}"}""", 400, ErrorCodes.ValidationError, "serviceId" },
        { "provider", "orders/negotiate/{negotiationId}/accept", """{"revision":"1"}""", 400, ErrorCodes.ValidationError, "revision" },
        { "provider", "orders/negotiate/{negotiationId}/accept", """{"revision":2}""", 409, ErrorCodes.StaleRevision, null },
        { "provider", "orders/negotiate/{negotiationId}/accept?wait=31", """{}""", 400, ErrorCodes.ValidationError, "wait" },
        { "provider", "orders/negotiate/{negotiationId}/accept?wait=soon", """{}""", 400, ErrorCodes.ValidationError, "wait" },
        { "provider", "orders/negotiate/{negotiationId}/reject", """{}""", 400, ErrorCodes.MissingRequiredField, "reason" },
        { "provider", "orders/negotiate/{negotiationId}/reject", """{"reason":""}""", 400, ErrorCodes.ValidationError, "reason" },
        { "provider", "orders/negotiate/{negotiationId}/reject", """{"reason":"\u0000"}""", 400, ErrorCodes.ValidationError, "reason" },
        { "requester", "orders/{id}/pay?wait=-1", "", 400, ErrorCodes.ValidationError, "wait" },
        { "provider", "orders/{id}/deliver", """{}""", 400, ErrorCodes.MissingRequiredField, "deliverableType" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"text"}""", 400, ErrorCodes.MissingRequiredField, "deliverableText" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"text","deliverableText":""}""", 400, ErrorCodes.MissingRequiredField, "deliverableText" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"schema","deliverableText":"x"}""", 400, ErrorCodes.ValidationError, "deliverableText" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"schema"}""", 400, ErrorCodes.MissingRequiredField, "deliverableSchema" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"file","deliverableText":"x"}""", 400, ErrorCodes.ValidationError, "deliverableType" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"schema","deliverableSchema":{"a":1,"a":1}}""", 400, ErrorCodes.ValidationError, "deliverableSchema" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"text","deliverableText":"\udc00"}""", 400, ErrorCodes.ValidationError, "deliverableText" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"schema","deliverableSchema":["\ud800"]}""", 400, ErrorCodes.ValidationError, "deliverableSchema" },
        { "provider", "orders/{id}/deliver", """{"deliverableType":"text","deliverableText":"x","hash":"0x"}""", 400, ErrorCodes.ValidationError, "hash" },
        { "provider", "orders/{id}/reject", """{"reason":7}""", 400, ErrorCodes.ValidationError, "reason" },
        { "operator", "agents", """{"name":"x"}""", 400, ErrorCodes.MissingRequiredField, "owner" },
        { "operator", "agents", """{"name":"","owner":"{address}"}""", 400, ErrorCodes.ValidationError, "name" },
        { "operator", "agents", """{"name":"x","owner":"0x0000000000000000000000000000000000000000"}""", 400, ErrorCodes.ValidationError, "owner" },
        { "operator", "agents", """{"name":"x","owner":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A66"}""", 400, ErrorCodes.ValidationError, "owner" },
        { "operator", "agents", """{"name":"x","owner":"someone.eth"}""", 400, ErrorCodes.ValidationError, "owner" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"1.00","slaMinutes":4}""", 400, ErrorCodes.ValidationError, "slaMinutes" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"1.00","slaMinutes":30.5}""", 400, ErrorCodes.ValidationError, "slaMinutes" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":1.00,"slaMinutes":30}""", 400, ErrorCodes.ValidationError, "price" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"1,00","slaMinutes":30}""", 400, ErrorCodes.InvalidAmountFormat, "price" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"1.0000001","slaMinutes":30}""", 400, ErrorCodes.InvalidAmountFormat, "price" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"0.00","slaMinutes":30}""", 400, ErrorCodes.InvalidAmount, "price" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"-1","slaMinutes":30}""", 400, ErrorCodes.InvalidAmountFormat, "price" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"999999999999","slaMinutes":30}""", 400, ErrorCodes.InvalidAmount, "price" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"1.00","slaMinutes":30,"negotiationTtlSeconds":59}""", 400, ErrorCodes.ValidationError, "negotiationTtlSeconds" },
        { "operator", "services", """{"agentId":"{agent}","name":"x","price":"1.00","slaMinutes":30,"deliverableType":"song"}""", 400, ErrorCodes.ValidationError, "deliverableType" },
        { "operator", "services", """{"agentId":"agt_000000000000000000000","name":"x","price":"1.00","slaMinutes":30}""", 404, ErrorCodes.AgentNotFound, null },
        { "operator", "sandbox/faucet", """{"address":"0x1","amount":"1.00"}""", 400, ErrorCodes.ValidationError, "address" },
        { "operator", "sandbox/faucet", """{"address":"{address}","amount":"1000000.01"}""", 400, ErrorCodes.InvalidAmount, "amount" },
        { "operator", "sandbox/clock/advance", """{"seconds":0}""", 400, ErrorCodes.ValidationError, "seconds" },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_bad_body_is_refused_and_the_field_named(string who, string path, string body, int status, string code, string? field)
    {
        var before = await BeforeAsync();

        var answer = await sandbox.Api.PostAsync(KeyOf(who), _world.Fill(path), _world.Fill(body));

        ((int)answer.Status).Should().Be(status, answer.Body);
        answer.Code.Should().Be(code);
        if (field is not null)
        {
            answer.Detail("field").GetString().Should().Be(field);
            answer.Message.Should().StartWith($"{field}: found ").And.MatchRegex("expected|Leave it out");
        }

        await NothingHappenedAsync(before);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData(null)]
    public async Task Another_content_type_is_refused(string? contentType)
    {
        var before = await BeforeAsync();
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(_world.Fill("""{"serviceId":"{service}"}""")));
        content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);

        var answer = await sandbox.Api.SendAsync(HttpMethod.Post, KeyOf("requester"), "orders/negotiate", content);

        answer.Status.Should().Be(HttpStatusCode.UnsupportedMediaType);
        answer.Code.Should().Be(ErrorCodes.UnsupportedMediaType);
        answer.Message.Should().Contain("application/json");
        await NothingHappenedAsync(before);
    }

    [Theory]
    [InlineData("requester", "orders/negotiate", "{\"serviceId\":\"{service}\",\"requirements\":\"|\"}")]
    [InlineData("requester", "orders/negotiate", "{\"serviceId\":\"{service}\",\"metadata\":{\"a|\":1}}")]
    [InlineData("requester", "orders/negotiate", "{\"serviceId\":\"|\"}")]
    [InlineData("requester", "orders/negotiate", "{\"|\":1}")]
    [InlineData("provider", "orders/{id}/deliver", "{\"deliverableType\":\"text\",\"deliverableText\":\"|\"}")]
    [InlineData("provider", "orders/{id}/deliver", "{\"deliverableType\":\"schema\",\"deliverableSchema\":[\"|\"]}")]
    public async Task Bytes_that_are_not_UTF8_are_refused(string who, string path, string body)
    {
        var before = await BeforeAsync();
        var bytes = Encoding.UTF8.GetBytes(_world.Fill(body));
        bytes[Array.IndexOf(bytes, (byte)'|')] = 0xFF;

        var answer = await sandbox.Api.SendAsync(HttpMethod.Post, KeyOf(who), _world.Fill(path), RawApi.Json(bytes));

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        await NothingHappenedAsync(before);
    }

    [Theory]
    [InlineData("requester", "orders/negotiate", "requirements", 64)]
    [InlineData("requester", "orders/negotiate", "metadata", 16)]
    [InlineData("provider", "orders/{id}/deliver", "deliverableText", 1024)]
    [InlineData("provider", "orders/{id}/deliver", "deliverableSchema", 1024)]
    public async Task What_is_too_long_is_refused_and_named(string who, string path, string field, int kibibytes)
    {
        var before = await BeforeAsync();
        var value = new string('x', (kibibytes * 1024) + 1);
        var rest = path.EndsWith("deliver", StringComparison.Ordinal)
            ? $"\"deliverableType\":\"{(field == "deliverableText" ? "text" : "schema")}\""
            : "\"serviceId\":\"{service}\"";

        var answer = await sandbox.Api.PostAsync(KeyOf(who), _world.Fill(path), _world.Fill($$"""{{{rest}},"{{field}}":"{{value}}"}"""));

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body[..Math.Min(500, answer.Body.Length)]);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be(field);
        answer.Body.Length.Should().BeLessThan(1000, "what came is not thrown back");
        await NothingHappenedAsync(before);
    }

    [Fact]
    public async Task JSON_that_is_too_deep_is_refused()
    {
        var before = await BeforeAsync();
        var deep = new string('[', 200) + new string(']', 200);

        var answer = await sandbox.Api.PostAsync(KeyOf("requester"), "orders/negotiate", _world.Fill($$"""{"serviceId":"{service}","requirements":{{deep}}}"""));

        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        await NothingHappenedAsync(before);
    }

    [Theory]
    [InlineData("orders?limit=0", "limit")]
    [InlineData("orders?limit=101", "limit")]
    [InlineData("orders?limit=ten", "limit")]
    [InlineData("orders?cursor=!!", "cursor")]
    [InlineData("orders?cursor=eA", "cursor")]
    [InlineData("orders/negotiate?cursor=LTE6eA", "cursor")]
    [InlineData("orders?role=arbiter", "role")]
    [InlineData("orders?status=lost", "status")]
    [InlineData("orders/negotiate?status=paid", "status")]
    [InlineData("orders/{id}?wait=1.5", "wait")]
    public async Task A_bad_query_is_refused_and_the_parameter_named(string path, string parameter)
    {
        var answer = await sandbox.Api.GetAsync(KeyOf("requester"), _world.Fill(path));

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be(parameter);
    }

    [Theory]
    [InlineData("orders/ord_")]
    [InlineData("orders/0x")]
    [InlineData("orders/0xzz")]
    [InlineData("orders/%F0%9F%A4%96")]
    [InlineData("orders/'%20OR%201=1%20--")]
    [InlineData("orders/negotiate/..%2F..%2Fagents")]
    public async Task A_bad_id_is_not_found(string path)
    {
        var answer = await sandbox.Api.GetAsync(KeyOf("requester"), path);

        answer.Status.Should().Be(HttpStatusCode.NotFound, answer.Body);
        answer.Code.Should().EndWith("NOT_FOUND");
    }

    [Fact]
    public async Task Pages_follow_each_other_without_gap_or_overlap()
    {
        var pair = await sandbox.NewPairAsync();
        var made = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            made.Add((await pair.NegotiateAsync()).NegotiationId);
        }

        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await pair.Requester.Client.ListNegotiationsAsync(new() { Limit = 3, Cursor = cursor });
            page.Items.Count.Should().BeLessThanOrEqualTo(3);
            seen.AddRange(page.Items.Select(negotiation => negotiation.NegotiationId));
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        seen.Should().BeEquivalentTo(made);
    }

    private string? KeyOf(string who) => _world.KeyOf(Enum.Parse<Who>(who, ignoreCase: true));

    private async Task<(Dictionary<string, long> Rows, string Order)> BeforeAsync() => (await sandbox.CountRowsAsync(), await OrderAsync());

    private async Task NothingHappenedAsync((Dictionary<string, long> Rows, string Order) before)
    {
        (await sandbox.CountRowsAsync()).Should().Equal(before.Rows, "no row was written and no operation made");
        (await OrderAsync()).Should().Be(before.Order);
    }

    private async Task<string> OrderAsync() => (await sandbox.Api.GetAsync(_world.Pair.Requester.Key, $"orders/{_world.Order.OrderId}")).Data.ToString();
}
