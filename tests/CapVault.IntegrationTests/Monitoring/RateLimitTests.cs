using System.Globalization;
using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that lets an agent, and an address, send ten requests at once and one a second.</summary>
public sealed class TightSandbox() : Sandbox(["AgentRequestsPerSecond=1", "AnonymousRequestsPerSecond=1"]);

/// <summary>How many requests a caller may send, and what it is told.</summary>
public sealed class RateLimitTests(TightSandbox sandbox) : IClassFixture<TightSandbox>
{
    private const int Limit = 10;

    [Fact]
    public async Task A_caller_is_told_where_it_stands_and_refused_when_it_has_spent_its_share()
    {
        var (greedy, other) = (await sandbox.NewAgentAsync("greedy"), await sandbox.NewAgentAsync("other"));

        var first = await sandbox.Api.GetAsync(greedy.Key, "orders");
        var refused = await SpendAsync(greedy.Key, "orders");

        Header(first, "Limit").Should().Be(Limit);
        Header(first, "Remaining").Should().Be(Limit - 1);
        (Header(first, "Reset") - DateTimeOffset.Parse(first.Headers.Date!.Value.ToString("O"), CultureInfo.InvariantCulture).ToUnixTimeSeconds()).Should().BeInRange(-1, 3, "it is full again in a second");
        refused.Status.Should().Be(HttpStatusCode.TooManyRequests);
        refused.Code.Should().Be(ErrorCodes.RateLimited);
        refused.Message.Should().Contain("10 requests at once or 1 a second").And.Contain("Retry-After");
        refused.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(1));
        Header(refused, "Remaining").Should().Be(0);
        refused.Headers.Contains("X-Request-ID").Should().BeTrue();
        (await sandbox.Api.GetAsync(other.Key, "orders")).Status.Should().Be(HttpStatusCode.OK, "it is another's share");
        (await sandbox.Setup.ListAgentsAsync(new())).Items.Should().NotBeEmpty("the operator has more");
        using var compat = new RawApi(sandbox.Relayer.Url, "/backend/v1");
        var inCroosWords = await compat.GetAsync(greedy.Key, "orders");
        inCroosWords.Status.Should().Be(HttpStatusCode.TooManyRequests);
        inCroosWords.Json.GetProperty("reason").GetString().Should().Be("429");
    }

    [Fact]
    public async Task The_SDK_waits_as_it_is_asked_to_and_gets_its_answers()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        await SpendAsync(agent.Key, "orders");
        var started = TimeProvider.System.GetTimestamp();

        for (var call = 0; call < 3; call++)
        {
            (await agent.Client.ListOrdersAsync(new())).Items.Should().BeEmpty();
        }

        TimeProvider.System.GetElapsedTime(started).Should().BeGreaterThan(TimeSpan.FromSeconds(2), "one comes back each second");
    }

    [Fact]
    public async Task Nobody_spends_anothers_share_with_its_keys_public_part()
    {
        var victim = await sandbox.NewAgentAsync("victim");
        var forged = victim.Key[..^43] + new string('x', 43);

        await SpendAsync(forged, "orders");

        var spared = await sandbox.Api.GetAsync(victim.Key, "orders");
        spared.Status.Should().Be(HttpStatusCode.OK);
        Header(spared, "Remaining").Should().Be(Limit - 1);
    }

    [Fact]
    public async Task Who_has_no_good_key_has_the_share_of_its_address()
    {
        var refused = await SpendAsync(key: null, "public/services");
        refused.Status.Should().Be(HttpStatusCode.TooManyRequests);
        refused.Message.Should().Contain("This address");

        // Guessed keys, tickets and sign-ins are of the same share.
        (await SpendAsync("croo_sk_000000000000000000_" + new string('x', 43), "orders")).Status.Should().Be(HttpStatusCode.TooManyRequests);
        (await sandbox.Api.PostAsync(key: null, "auth/login", """{"message":"x","signature":"0x00"}""")).Status.Should().Be(HttpStatusCode.TooManyRequests);
        var guess = () => RawStream.ConnectAsync(sandbox.Relayer.Url, key: null, ticket: "tkt_guessed");
        (await guess.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.TooManyRequests);
        using var root = new RawApi(sandbox.Relayer.Url, "");
        (await root.GetAsync(key: null, "health/live")).Status.Should().Be(HttpStatusCode.OK, "a probe that is refused would be a restart");
    }

    [Fact]
    public async Task A_header_that_anybody_can_write_buys_no_other_share_unless_a_trusted_proxy_wrote_it()
    {
        (await SpendForAsync(sandbox.Relayer.Url, address => $"203.0.113.{address}")).Should().Be(HttpStatusCode.TooManyRequests);

        await using var behind = await RelayerServer.StartAsync(sandbox.Chain, "AnonymousRequestsPerSecond=1", "TrustedProxies=127.0.0.1, 10.0.0.0/8");
        (await SpendForAsync(behind.Url, address => $"203.0.113.{address}")).Should().Be(HttpStatusCode.OK, "they are many");
        (await SpendForAsync(behind.Url, _ => "198.51.100.1")).Should().Be(HttpStatusCode.TooManyRequests, "they are one");
        (await SpendForAsync(behind.Url, address => $"2001:db8:1:2::{address}")).Should().Be(HttpStatusCode.TooManyRequests, "who has one address of IPv6 has all beside it");
    }

    [Theory]
    [InlineData("10.0.0.0.1")]
    [InlineData("proxy")]
    [InlineData("10.0.0.0/99")]
    public async Task A_proxy_that_is_none_stops_the_start(string proxy)
    {
        var start = () => RelayerServer.StartAsync(sandbox.Chain, $"TrustedProxies={proxy}");

        (await start.Should().ThrowAsync<Exception>()).WithMessage("*TrustedProxies*10.0.0.0/8*");
    }

    private static async Task<HttpStatusCode> SpendForAsync(string url, Func<int, string> address)
    {
        using var http = new HttpClient();
        var status = HttpStatusCode.OK;
        for (var call = 0; call < Limit + 5; call++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{url}/api/v1/public/tags"));
            request.Headers.Add("X-Forwarded-For", address(call));
            using var answer = await http.SendAsync(request);
            status = answer.StatusCode;
        }

        return status;
    }

    private static long Header(RawAnswer answer, string name) => long.Parse(answer.Headers.GetValues("X-RateLimit-" + name).Single(), CultureInfo.InvariantCulture);

    private async Task<RawAnswer> SpendAsync(string? key, string path)
    {
        RawAnswer answer;
        var calls = 0;
        do
        {
            answer = await sandbox.Api.GetAsync(key, path);
        }
        while (answer.Status != HttpStatusCode.TooManyRequests && ++calls < 3 * Limit);
        return answer;
    }
}
