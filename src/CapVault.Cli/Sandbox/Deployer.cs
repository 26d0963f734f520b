using System.Globalization;
using CapVault.Contracts;
using Nethereum.Signer;
using Nethereum.Web3;

namespace CapVault.Cli.Sandbox;

/// <summary>Puts the contracts on the sandbox's chain, with the script that real networks use.</summary>
internal static class Deployer
{
    private const string Script = "contracts/script/Deploy.s.sol";
    private const string PaymasterDeposit = "10000000000000000000"; // 10 test ETH, wei

    /// <summary>Deploys, and checks that there is code where the script says.</summary>
    /// <exception cref="CliException">It failed.</exception>
    public static async Task<Deployment> DeployAsync(Toolchain tools, string rpcUrl, SandboxFolder folder, CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string>(tools.Environment, StringComparer.Ordinal)
        {
            ["CAPVAULT_OWNER"] = EthECKey.GetPublicAddress(AnvilProcess.DeployerKey),
            ["CAPVAULT_TREASURY"] = EthECKey.GetPublicAddress(AnvilProcess.TreasuryKey),
            ["CAPVAULT_SPONSOR"] = EthECKey.GetPublicAddress(AnvilProcess.SponsorKey),
            ["CAPVAULT_PAYMASTER_DEPOSIT"] = PaymasterDeposit,
        };
        var forge = await Tool.RunAsync(
            tools.Forge,
            ["script", Script, "--rpc-url", rpcUrl, "--broadcast", "--private-key", AnvilProcess.DeployerKey],
            tools.Root,
            environment,
            cancellationToken);
        await File.WriteAllTextAsync(folder.DeployLog, forge?.Output, cancellationToken);
        if (forge is not { ExitCode: 0 })
        {
            throw new CliException($"The contracts could not be deployed. Forge's last words:\n{Tool.Tail(forge?.Output ?? "")}", $"Next: see {folder.DeployLog}.");
        }

        var web3 = new Web3(rpcUrl);
        var chainId = await web3.Eth.ChainId.SendRequestAsync().WaitAsync(cancellationToken);
        // A copy of our own: another sandbox of this checkout writes the same file.
        File.Copy(
            Path.Combine(tools.Root, "deployments", chainId.Value.ToString(CultureInfo.InvariantCulture) + ".json"), folder.DeploymentJson, overwrite: true);
        var deployment = Deployment.Read(folder.DeploymentJson);
        foreach (var address in new[] { deployment.EntryPoint, deployment.Vault, deployment.AccountFactory, deployment.Paymaster, deployment.Usdc })
        {
            // Forge writes the file before it sends the transactions.
            if (await web3.Eth.GetCode.SendRequestAsync(address).WaitAsync(cancellationToken) is null or "0x")
            {
                throw new CliException($"Found no code at {address}, expected a contract of {folder.DeploymentJson}.", $"Next: see {folder.DeployLog}.");
            }
        }

        return deployment;
    }
}
