using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>An agent with its client.</summary>
internal sealed record Party(Agent Agent, string Key, AgentClient Client)
{
    public string AgentId => Agent.AgentId;

    public string Wallet => Agent.WalletAddress;

    /// <summary>Listens to this agent's events from now on.</summary>
    public async Task<Listener> ListenAsync(string? audience = null, string? after = null) =>
        new(await Client.ConnectWebSocketAsync(after, audience));
}
