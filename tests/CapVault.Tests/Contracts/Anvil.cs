using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using CapVault.Contracts.AgentAccountFactory;
using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Contracts.CAPPaymaster;
using CapVault.Contracts.CAPPaymaster.ContractDefinition;
using CapVault.Contracts.CAPVault;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Contracts.SandboxToken;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;

namespace CapVault.Tests.ContractBindings;

/// <summary>A chain of our own with every contract on it, for the tests of one collection.</summary>
public sealed class Anvil : IAsyncLifetime, IDisposable
{
    public const string EntryPointAddress = "0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108";

    private const string Listening = "Listening on 127.0.0.1:";
    private const string DeterministicDeployer = "0x4e59b44847b379578588920cA78FbF26c0B4956C";
    private const string EntryPointSalt = "0a59dbff790c23c976a548690c27297883cc66b4c67024f9117b0238995e35e9";

    private readonly Process process = new()
    {
        StartInfo = new ProcessStartInfo(Repository.Tool("anvil"), ["--port", "0"]) { RedirectStandardOutput = true, UseShellExecute = false },
    };

    /// <summary>Anvil's first account: it pays, owns the contracts and mints.</summary>
    public EthECKey Owner { get; } = new("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

    public EthECKey Executor { get; } = EthECKey.GenerateKey();

    public EthECKey Sponsor { get; } = EthECKey.GenerateKey();

    public BigInteger ChainId { get; } = 31_337;

    public Web3 Web3 { get; private set; } = null!;

    public SandboxTokenService Usdc { get; private set; } = null!;

    public CAPVaultService Vault { get; private set; } = null!;

    public AgentAccountFactoryService Factory { get; private set; } = null!;

    public CAPPaymasterService Paymaster { get; private set; } = null!;

    public EntryPointService EntryPoint { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        process.Start();
        Web3 = new Web3(new Account(Owner, ChainId), new RpcClient(new Uri($"http://127.0.0.1:{await PortAsync()}")));
        Web3.TransactionReceiptPolling.SetPollingRetryIntervalInMilliseconds(20);
        Usdc = await SandboxTokenService.DeployContractAndGetServiceAsync(
            Web3, new SandboxTokenDeployment { Name = "USD Coin", Symbol = "USDC", Minter = Owner.GetPublicAddress() });
        Vault = await CAPVaultService.DeployContractAndGetServiceAsync(
            Web3, new CAPVaultDeployment { Owner = Owner.GetPublicAddress(), InitialTreasury = Owner.GetPublicAddress() });
        Paymaster = await CAPPaymasterService.DeployContractAndGetServiceAsync(
            Web3, new CAPPaymasterDeployment { Owner = Owner.GetPublicAddress(), Signer = Sponsor.GetPublicAddress() });
        Factory = await AgentAccountFactoryService.DeployContractAndGetServiceAsync(
            Web3, new AgentAccountFactoryDeployment { Vault = Vault.ContractAddress, Paymaster = Paymaster.ContractAddress });
        await Web3.TransactionManager.SendTransactionAndWaitForReceiptAsync(
            new TransactionInput("0x" + EntryPointSalt + new EntryPointDeployment().ByteCode.RemoveHexPrefix(), DeterministicDeployer));
        EntryPoint = new EntryPointService(Web3, EntryPointAddress);
    }

    public Task DisposeAsync()
    {
        process.Kill();
        return Task.CompletedTask;
    }

    public void Dispose() => process.Dispose();

    private async Task<int> PortAsync()
    {
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Listening, StringComparison.Ordinal))
            {
                return int.Parse(line[Listening.Length..], CultureInfo.InvariantCulture);
            }
        }

        throw new InvalidOperationException("anvil ended before it listened.");
    }
}

[CollectionDefinition("anvil")]
public class AnvilCollection : ICollectionFixture<Anvil>;
