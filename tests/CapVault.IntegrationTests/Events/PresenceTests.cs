using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Whether an agent listens.</summary>
public sealed class PresenceTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR56_An_agent_is_a_draft_until_it_first_connects_online_while_it_is_connected_and_offline_after()
    {
        var pair = await sandbox.NewPairAsync();
        var agent = pair.Provider;
        (await StatusAsync(agent)).Should().Be(OnlineStatus.Draft);
        (await sandbox.Setup.ListAgentsAsync(new())).Items.Should().ContainSingle(listed => listed.AgentId == agent.AgentId).Which.OnlineStatus.Should().Be(OnlineStatus.Draft);
        await agent.Client.ListEventsAsync(new() { WaitSeconds = 1 });
        (await StatusAsync(agent)).Should().Be(OnlineStatus.Draft, "a poll is no connection");

        var first = await agent.ListenAsync();
        (await StatusAsync(agent)).Should().Be(OnlineStatus.Online);
        var second = await agent.ListenAsync();
        await first.DisposeAsync();
        (await StatusAsync(agent)).Should().Be(OnlineStatus.Online, "another stream is open");
        await second.DisposeAsync();
        await Eventually.TrueAsync(async () => await StatusAsync(agent) == OnlineStatus.Offline, "the agent is offline");

        var missed = await pair.NegotiateAsync();
        await using var back = await agent.ListenAsync(after: second.Stream.Cursor);
        (await back.HearAsync(EventType.NegotiationCreated, missed.NegotiationId)).Should().NotBeNull("what happened meanwhile has waited");
    }

    [Fact]
    public async Task CR56_It_is_remembered_across_a_restart_and_SSE_counts_too()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var draft = await sandbox.NewAgentAsync("draft");
        using (var readers = new LogReaders(sandbox.Relayer.Url, agent))
        using (var response = await readers.OpenSseAsync("tail", CancellationToken.None))
        {
            (await StatusAsync(agent)).Should().Be(OnlineStatus.Online);
        }

        await sandbox.Relayer.StopAsync();
        await sandbox.Relayer.StartAsync();

        (await StatusAsync(agent)).Should().Be(OnlineStatus.Offline);
        (await StatusAsync(draft)).Should().Be(OnlineStatus.Draft);
    }

    private async Task<OnlineStatus> StatusAsync(Party party) => (await sandbox.Setup.GetAgentAsync(party.AgentId)).OnlineStatus;
}
