using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Agents of <see cref="TestKeys.Human"/> that may spend: without limits an Executor may not pay anything.</summary>
internal static class Spenders
{
    /// <summary>More than any test spends.</summary>
    public const string Limit = "1000000.00";

    /// <summary>Makes an agent, and sets its limits as its Owner.</summary>
    public static async Task<CreateAgentResult> CreateSpenderAsync(this SetupClient setup, string name, EthECKey? executor = null)
    {
        var created = await setup.CreateAgentAsync(new() { Name = name, Owner = TestKeys.Human.GetPublicAddress(), Executor = executor?.GetPublicAddress() });
        await setup.LiftLimitsAsync(created.Agent);
        return created;
    }

    /// <summary>Lets an agent spend whatever a test wants to.</summary>
    public static Task LiftLimitsAsync(this SetupClient setup, Agent agent) => setup.SetLimitsAsync(agent.AgentId, OwnerOf(agent), Limit, Limit);

    /// <summary>Signs as the agent's Owner.</summary>
    public static OwnerSigner OwnerOf(Agent agent) => new(agent.WalletAddress, TestKeys.Human);
}
