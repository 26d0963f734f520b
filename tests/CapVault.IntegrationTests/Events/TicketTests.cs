using System.Net;
using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>Tickets for handshakes that cannot carry a key, and what becomes of streams whose key is revoked.</summary>
public sealed class TicketTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_ticket_opens_the_stream_of_who_made_it_once()
    {
        var pair = await sandbox.NewPairAsync();
        var ticket = await NewTicketAsync(pair.Provider.Key);
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, key: null, ticket);
        await using var socket = stream;
        await stream.SendAsync(new { frame = "subscribe", id = "s" });
        await stream.ReceiveAsync("subscribed");

        var negotiation = await pair.NegotiateAsync();

        (await stream.ReceiveAsync("event")).GetProperty("negotiationId").GetString().Should().Be(negotiation.NegotiationId);
        await RefusedAsync(ticket);
    }

    [Fact]
    public async Task Of_two_at_once_one_gets_in()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var ticket = await NewTicketAsync(agent.Key);

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            try
            {
                await using var stream = (await RawStream.ConnectAsync(sandbox.Relayer.Url, key: null, ticket)).Stream;
                return HttpStatusCode.SwitchingProtocols;
            }
            catch (HttpRequestException refused)
            {
                return refused.StatusCode!.Value;
            }
        }));

        outcomes.Where(status => status == HttpStatusCode.SwitchingProtocols).Should().ContainSingle();
        outcomes.Where(status => status != HttpStatusCode.SwitchingProtocols).Should().OnlyContain(status => status == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_ticket_is_good_for_30_seconds()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var ticket = await NewTicketAsync(agent.Key);

        await sandbox.Setup.AdvanceClockAsync(31);

        await RefusedAsync(ticket);
    }

    [Fact]
    public async Task A_ticket_goes_with_its_key()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var ticket = await NewTicketAsync(agent.Key);

        await sandbox.Setup.RotateSdkKeyAsync(agent.AgentId);

        await RefusedAsync(ticket);
    }

    [Theory]
    [InlineData("tkt_0000000000000000000000000000000000000000000")]
    [InlineData("x")]
    [InlineData("%00%ff")]
    public Task What_is_no_ticket_opens_nothing(string ticket) => RefusedAsync(ticket);

    [Fact]
    public async Task A_ticket_is_no_key_and_only_its_hash_is_kept()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var ticket = await NewTicketAsync(agent.Key);

        (await sandbox.Api.GetAsync(ticket, "orders")).Status.Should().Be(HttpStatusCode.Unauthorized);
        (await sandbox.Api.PostAsync(key: null, $"stream/tickets?ticket={ticket}")).Status.Should().Be(HttpStatusCode.Unauthorized);
        var kept = await sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            connection => connection.QueryAsync<byte[]>("SELECT ticket_hash FROM stream_ticket"), CancellationToken.None);
        kept.Should().NotBeEmpty().And.OnlyContain(hash => hash.Length == 32);
    }

    [Fact]
    public async Task When_a_key_is_rotated_its_streams_of_every_kind_end_at_once()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var other = await sandbox.NewAgentAsync("other");
        using var readers = new LogReaders(sandbox.Relayer.Url, agent);
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;
        await using var bystander = await other.ListenAsync();
        await using var sdk = await agent.ListenAsync();
        using var sse = await readers.OpenSseAsync("tail", CancellationToken.None);
        using var lines = new StreamReader(await sse.Content.ReadAsStreamAsync());
        await lines.ReadLineAsync();
        var polling = sandbox.Api.GetAsync(agent.Key, "events?wait=30");
        await Eventually.TrueAsync(() => Task.FromResult(Connections.IsOnline(agent.AgentId)), "the streams are open");
        await Task.Delay(200); // the poll has no sign of its own that it waits

        await sandbox.Setup.RotateSdkKeyAsync(agent.AgentId);

        await stream.ReadToCloseAsync();
        stream.CloseCode.Should().Be(4401);
        (await sdk.Stream.Completion.Invoking(task => task.WaitAsync(Patience)).Should().ThrowAsync<CapApiException>()).Which.HttpStatus.Should().Be(401);
        (await lines.ReadToEndAsync().WaitAsync(Patience)).Should().NotContain("data:");
        var polled = await polling.WaitAsync(Patience);
        polled.Status.Should().Be(HttpStatusCode.Unauthorized);
        polled.Code.Should().Be(ErrorCodes.InvalidApiKey);
        Connections.IsOnline(other.AgentId).Should().BeTrue();
        await Eventually.TrueAsync(() => Task.FromResult(!Connections.IsOnline(agent.AgentId)), "nothing of the key is left");
    }

    [Fact]
    public async Task A_stream_is_for_agents_and_for_operators_who_may_read()
    {
        var unread = await sandbox.Setup.CreateApiKeyAsync(new() { Name = "writes", Scopes = [Scope.Write] });
        var reads = await sandbox.Setup.CreateApiKeyAsync(new() { Name = "reads", Scopes = [Scope.Read] });
        using var owner = await SetupClient.SignInAsync(sandbox.Config, TestKeys.Human);

        await using var stream = (await RawStream.ConnectAsync(sandbox.Relayer.Url, reads.Key)).Stream;
        await using var byTicket = (await RawStream.ConnectAsync(sandbox.Relayer.Url, key: null, await NewTicketAsync(reads.Key))).Stream;

        (await StatusAsync(unread.Key)).Should().Be(HttpStatusCode.Forbidden);
        (await StatusAsync(owner.Session!.Token)).Should().Be(HttpStatusCode.Forbidden, "an Owner is no party to an order, and no operator");
        (await sandbox.Api.PostAsync(owner.Session.Token, "stream/tickets")).Status.Should().Be(HttpStatusCode.Forbidden);
        (await sandbox.Api.GetAsync(owner.Session.Token, "events")).Status.Should().Be(HttpStatusCode.Forbidden);

        async Task<HttpStatusCode?> StatusAsync(string key)
        {
            var connect = () => RawStream.ConnectAsync(sandbox.Relayer.Url, key);
            return (await connect.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode;
        }
    }

    private LiveConnections Connections => sandbox.Relayer.Services.GetRequiredService<LiveConnections>();

    private async Task<string> NewTicketAsync(string key)
    {
        var answer = await sandbox.Api.PostAsync(key, "stream/tickets");
        answer.Status.Should().Be(HttpStatusCode.OK);
        answer.Headers.CacheControl!.NoStore.Should().BeTrue();
        return answer.Data.GetProperty("ticket").GetString()!;
    }

    private async Task RefusedAsync(string ticket)
    {
        var connect = () => RawStream.ConnectAsync(sandbox.Relayer.Url, key: null, ticket);
        (await connect.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.Unauthorized);
    }
}
