using System.Globalization;
using CapVault.Contracts;
using Nethereum.Web3;

namespace CapVault.IntegrationTests;

/// <summary>What only a real run of the script shows; tests/contracts/Deploy has the rest.</summary>
public sealed class DeployScriptTests
{
    // Anything with code may stand for a chain's USDC here: this is the deterministic deployer, which Anvil has.
    private const string Token = "0x4e59b44847b379578588920cA78FbF26c0B4956C";

    [Fact]
    public async Task A_dry_run_shows_the_plan_and_touches_nothing()
    {
        const int chainId = 424_201;
        await using var node = await StartAsync(chainId);

        var plan = await DeployScript.RunAsync(node, broadcast: false, Token);

        plan.Should().Contain("Deploy CAPVault at 0x").And.Contain($"Enable token {Token} with a minimum fee of 1000/10000").And.Contain("Dry run: nothing is sent");
        (await new Web3(node.Rpc).Eth.Blocks.GetBlockNumber.SendRequestAsync()).Value.Should().Be(0);
        File.Exists(DeployScript.FileOf(chainId)).Should().BeFalse();
    }

    [Fact]
    public async Task Two_chains_get_the_same_addresses_and_a_dry_run_afterwards_verifies_them()
    {
        var first = await DeployAsync(424_202);
        var second = await DeployAsync(424_203);
        (second with { ChainId = first.ChainId }).Should().Be(first);
    }

    [Fact]
    public async Task A_vault_that_is_there_already_needs_the_block_since_when()
    {
        const int chainId = 424_204;
        await using var node = await StartAsync(chainId);
        try
        {
            await DeployScript.RunAsync(node, broadcast: true, Token);
            var created = Deployment.Read(DeployScript.FileOf(chainId));
            File.Delete(DeployScript.FileOf(chainId)); // as for whoever comes second

            await FluentActions.Awaiting(() => DeployScript.RunAsync(node, broadcast: true, Token))
                .Should().ThrowAsync<InvalidOperationException>().WithMessage($"*CAPVAULT_DEPLOY_BLOCK is not set: CAPVault {created.Vault} is there already*");
            await FluentActions.Awaiting(() => DeployScript.RunAsync(node, broadcast: true, Token, deployBlock: 9_999_999))
                .Should().ThrowAsync<InvalidOperationException>().WithMessage("*CAPVAULT_DEPLOY_BLOCK: found 9999999, expected at most the newest block*");
            await DeployScript.RunAsync(node, broadcast: true, Token, deployBlock: 1);

            Deployment.Read(DeployScript.FileOf(chainId)).Should().Be(created with { DeployBlock = 1 });
        }
        finally
        {
            File.Delete(DeployScript.FileOf(chainId));
        }
    }

    private static async Task<Deployment> DeployAsync(int chainId)
    {
        await using var node = await StartAsync(chainId);
        try
        {
            await DeployScript.RunAsync(node, broadcast: true, Token);
            var deployment = Deployment.Read(DeployScript.FileOf(chainId));
            (await DeployScript.RunAsync(node, broadcast: false, Token))
                .Should().Contain($"CAPVault {deployment.Vault} is there").And.Contain("Verified").And.NotContain("Deploy CAP");

            await node.RequestAsync<object>("anvil_setCode", deployment.Vault, "0x00");
            await FluentActions.Awaiting(() => DeployScript.RunAsync(node, broadcast: true, Token))
                .Should().ThrowAsync<InvalidOperationException>().WithMessage($"*CAPVault {deployment.Vault}: found other code than what was compiled*");
            return deployment;
        }
        finally
        {
            File.Delete(DeployScript.FileOf(chainId));
        }
    }

    private static Task<AnvilNode> StartAsync(int chainId) => AnvilNode.StartAsync("--chain-id", chainId.ToString(CultureInfo.InvariantCulture));
}
