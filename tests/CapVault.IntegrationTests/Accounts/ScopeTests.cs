using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What an operator's key may do.</summary>
public sealed class ScopeTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const string Agent = """{"name":"x","owner":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"}""";

    /// <summary>Which scope each kind of route needs.</summary>
    public static readonly TheoryData<string, string, string?, string> Routes = new()
    {
        { "GET", "agents", null, "read" },
        { "GET", "agents/{a}", null, "read" },
        { "GET", "services", null, "read" },
        { "GET", "services/{s}", null, "read" },
        { "GET", "services/search", null, "read" },
        { "GET", "config", null, "read" },
        { "GET", "fees", null, "read" },
        { "GET", "quote?serviceId={s}", null, "read" },
        { "GET", "events", null, "read" },
        { "POST", "stream/tickets", null, "read" },
        { "POST", "agents", Agent, "write" },
        { "PATCH", "agents/{a}", """{"name":"y"}""", "write" },
        { "POST", "agents/{a}/status", """{"status":"active"}""", "write" },
        { "PATCH", "services/{s}", """{"name":"y"}""", "write" },
        { "POST", "sandbox/faucet", """{"address":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65","amount":"1.00"}""", "write" },
        { "GET", "relayer/status", null, "admin" },
        { "GET", "auth/api-keys", null, "admin" },
        { "POST", "auth/api-keys", """{"name":"x","scopes":["admin"]}""", "admin" },
        { "DELETE", "auth/api-keys/{k}", null, "admin" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_route_takes_the_scope_that_it_needs_and_no_other(string method, string path, string? body, string needed)
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        var spare = await KeyAsync(Scope.Read);
        path = path.Replace("{a}", pair.Provider.AgentId, StringComparison.Ordinal).Replace("{s}", pair.Service.ServiceId, StringComparison.Ordinal)
            .Replace("{k}", spare.ApiKey.KeyId, StringComparison.Ordinal);
        var others = ((Scope[])[Scope.Read, Scope.Write, Scope.Support, Scope.Admin]).Where(scope => scope.Value != needed).ToArray();
        var without = await KeyAsync(others);
        var with = await KeyAsync(Scope.Parse(needed));
        var before = await sandbox.CountRowsAsync();

        var refused = await SendAsync(without.Key, method, path, body);

        refused.Status.Should().Be(HttpStatusCode.Forbidden, refused.Body);
        refused.Code.Should().Be(ErrorCodes.InsufficientScope);
        refused.Detail("found").EnumerateArray().Select(scope => scope.GetString()).Should().Equal(others.Select(scope => scope.Value));
        refused.Detail("needed").EnumerateArray().Select(scope => scope.GetString()).Should().Equal(needed);
        (await sandbox.CountRowsAsync()).Should().Equal(before);

        ((int)(await SendAsync(with.Key, method, path, body)).Status).Should().BeInRange(200, 299);
    }

    [Fact]
    public async Task A_key_gives_away_only_what_it_has()
    {
        var admin = await KeyAsync(Scope.Admin, Scope.Read);
        using var setup = new SetupClient(sandbox.Config, admin.Key);

        var more = () => setup.CreateApiKeyAsync(new() { Name = "more", Scopes = [Scope.Read, Scope.Write] });
        var less = await setup.CreateApiKeyAsync(new() { Name = "less", Scopes = [Scope.Read] });

        (await more.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.InsufficientScope);
        less.ApiKey.Should().BeEquivalentTo(new { Name = "less", Scopes = new[] { Scope.Read } });
        less.Key.Should().StartWith("ohk_test_").And.Contain(less.ApiKey.KeyId);
    }

    [Fact]
    public async Task A_revoked_key_is_dead_at_once_and_its_streams_end()
    {
        var key = await KeyAsync(Scope.Read);
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, key.Key);
        await using var socket = stream;
        (await sandbox.Setup.ListApiKeysAsync(new() { Limit = 100 })).Items.Should().Contain(item => item.KeyId == key.ApiKey.KeyId);

        await sandbox.Setup.RevokeApiKeyAsync(key.ApiKey.KeyId);

        var answer = await sandbox.Api.GetAsync(key.Key, "agents");
        answer.Status.Should().Be(HttpStatusCode.Unauthorized);
        answer.Code.Should().Be(ErrorCodes.InvalidApiKey);
        await stream.ReadToCloseAsync();
        stream.CloseCode.Should().Be(4401);
        (await sandbox.Setup.ListApiKeysAsync(new() { Limit = 100 })).Items.Should().NotContain(item => item.KeyId == key.ApiKey.KeyId);
        var again = () => sandbox.Setup.RevokeApiKeyAsync(key.ApiKey.KeyId);
        (await again.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.ApiKeyNotFound);
    }

    [Fact]
    public async Task An_agents_key_cannot_be_revoked_as_one_of_the_operator()
    {
        var agent = await sandbox.NewAgentAsync("agent");

        var revoke = () => sandbox.Setup.RevokeApiKeyAsync(agent.Key.Split('_')[2]);

        (await revoke.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.ApiKeyNotFound);
        (await agent.Client.ListOrdersAsync(new())).Items.Should().BeEmpty("its key works");
    }

    [Theory]
    [InlineData("""{"name":"x","scopes":[]}""", "scopes")]
    [InlineData("""{"name":"x","scopes":["all"]}""", "scopes")]
    [InlineData("""{"name":"x","scopes":[null]}""", "scopes[0]")]
    [InlineData("""{"name":"x","scopes":"read"}""", "scopes")]
    [InlineData("""{"name":"","scopes":["read"]}""", "name")]
    public async Task A_key_needs_a_name_and_scopes_that_there_are(string body, string field)
    {
        var answer = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "auth/api-keys", body);

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Detail("field").GetString().Should().Be(field);
    }

    private Task<CreateApiKeyResult> KeyAsync(params Scope[] scopes) => sandbox.Setup.CreateApiKeyAsync(new() { Name = string.Join(' ', scopes), Scopes = scopes });

    private Task<RawAnswer> SendAsync(string key, string method, string path, string? body) => sandbox.Api.SendAsync(
        new HttpMethod(method), key, path, body is null ? null : RawApi.Json(System.Text.Encoding.UTF8.GetBytes(body)));
}
