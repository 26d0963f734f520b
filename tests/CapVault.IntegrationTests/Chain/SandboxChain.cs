using System.IO.Compression;
using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.CAPVault;
using CapVault.Contracts.SandboxToken;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;

namespace CapVault.IntegrationTests;

/// <summary>
/// A chain of our own with every contract on it. Forge deploys once per test run, onto a chain whose state then starts all others: a
/// deployment takes seconds, loading its state a fraction of one.
/// </summary>
internal sealed class SandboxChain : IAsyncDisposable
{
    private static readonly Lazy<Task<Blueprint>> Deployed = new(DeployAsync);

    private SandboxChain(AnvilNode node, Blueprint blueprint)
    {
        Node = node;
        DeploymentFile = blueprint.DeploymentFile;
        Deployment = Deployment.Read(blueprint.DeploymentFile);
        Web3 = new Web3(node.Rpc);
        Vault = new CAPVaultService(Web3, Deployment.Vault);
        Usdc = new SandboxTokenService(Web3, Deployment.Usdc);
    }

    public AnvilNode Node { get; }

    public string RpcUrl => Node.RpcUrl;

    public Deployment Deployment { get; }

    public string DeploymentFile { get; }

    /// <summary>Reads only; <see cref="As"/> sends.</summary>
    public Web3 Web3 { get; }

    /// <summary>Reads only.</summary>
    public CAPVaultService Vault { get; }

    /// <summary>Reads only.</summary>
    public SandboxTokenService Usdc { get; }

    /// <summary>Starts a chain with a block each 0.2 s.</summary>
    public static async Task<SandboxChain> StartAsync()
    {
        var blueprint = await Deployed.Value;
        return new SandboxChain(await AnvilNode.StartAsync("--block-time", "0.2", "--load-state", blueprint.StateFile), blueprint);
    }

    /// <summary>Waits until this test run has deployed.</summary>
    public static Task DeployedAsync() => Deployed.Value;

    /// <summary>The chain in somebody's hands.</summary>
    public Web3 As(EthECKey key)
    {
        var web3 = new Web3(new Account(key, Deployment.ChainId), Node.Rpc);
        web3.TransactionReceiptPolling.SetPollingRetryIntervalInMilliseconds(20);
        return web3;
    }

    /// <summary>The vault in somebody's hands.</summary>
    public CAPVaultService VaultAs(EthECKey key) => new(As(key), Deployment.Vault);

    /// <summary>The token in somebody's hands.</summary>
    public SandboxTokenService UsdcAs(EthECKey key) => new(As(key), Deployment.Usdc);

    /// <summary>USDC of an account, in base units.</summary>
    public Task<BigInteger> UsdcOfAsync(string account) => Usdc.BalanceOfQueryAsync(account);

    /// <summary>The number of the newest block.</summary>
    public async Task<long> BlockNumberAsync() => (long)(await Web3.Eth.Blocks.GetBlockNumber.SendRequestAsync()).Value;

    /// <summary>Makes every call of a contract revert, until what this returns is disposed. Its storage stays.</summary>
    public async Task<IAsyncDisposable> BreakAsync(string address)
    {
        const string revert = "0x60006000fd";
        var code = await Web3.Eth.GetCode.SendRequestAsync(address);
        await Node.RequestAsync<object>("anvil_setCode", address, revert);
        return new Repair(() => Node.RequestAsync<object>("anvil_setCode", address, code));
    }

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    private static async Task<Blueprint> DeployAsync()
    {
        var folder = new TemporaryFolder();
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        await using var node = await AnvilNode.StartAsync();
        await DeployScript.RunAsync(node, broadcast: true);
        var deploymentFile = folder.File("31337.json");
        // A copy: a sandbox of the same checkout writes the same file.
        File.Copy(DeployScript.FileOf(31_337), deploymentFile);
        // As a relayer that has run for a while has left them: tests count transactions.
        foreach (var lane in TestKeys.Lanes)
        {
            await node.RequestAsync<object>("anvil_setBalance", lane.Address, "0x56bc75e2d63100000"); // 100 ETH
        }

        var stateFile = folder.File("state.json");
        var state = (await node.RequestAsync<string>("anvil_dumpState")).HexToByteArray();
        await using var unpacked = new GZipStream(new MemoryStream(state), CompressionMode.Decompress);
        await using var file = File.Create(stateFile);
        await unpacked.CopyToAsync(file);
        return new Blueprint(deploymentFile, stateFile);
    }

    private sealed class Repair(Func<Task> repair) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await repair();
    }

    private sealed record Blueprint(string DeploymentFile, string StateFile);
}
