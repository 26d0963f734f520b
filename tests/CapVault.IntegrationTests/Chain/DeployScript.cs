using System.Globalization;
using System.Numerics;

namespace CapVault.IntegrationTests;

/// <summary>The deployment script, run by forge.</summary>
internal static class DeployScript
{
    /// <summary>Runs it with the tests' keys and returns what it prints; without <paramref name="broadcast"/> it is a dry run.</summary>
    /// <param name="usdc">The chain's own token; the sandbox's where it is left out.</param>
    /// <param name="deployBlock">Since when the vault is there; 0 is left out.</param>
    public static Task<string> RunAsync(AnvilNode node, bool broadcast, string usdc = "0x0000000000000000000000000000000000000000", long deployBlock = 0) => Repository.RunAsync(
        Repository.Tool("forge"),
        [
            "script", "contracts/script/Deploy.s.sol", "--rpc-url", node.RpcUrl, "--private-key", TestKeys.Owner.GetPrivateKey(),
            .. broadcast ? (string[])["--broadcast"] : [],
        ],
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CAPVAULT_OWNER"] = TestKeys.Owner.GetPublicAddress(),
            ["CAPVAULT_TREASURY"] = TestKeys.Treasury.GetPublicAddress(),
            ["CAPVAULT_SPONSOR"] = TestKeys.Sponsor.GetPublicAddress(),
            ["CAPVAULT_PAYMASTER_DEPOSIT"] = BigInteger.Pow(10, 19).ToString(CultureInfo.InvariantCulture),
            ["CAPVAULT_USDC"] = usdc,
            ["CAPVAULT_DEPLOY_BLOCK"] = deployBlock.ToString(CultureInfo.InvariantCulture),
        });

    /// <summary>The file that it writes.</summary>
    public static string FileOf(long chainId) => Path.Combine(Repository.Root, "deployments", string.Create(CultureInfo.InvariantCulture, $"{chainId}.json"));
}
