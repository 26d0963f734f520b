using System.Numerics;
using CapVault.Contracts;
using Nethereum.Signer;

namespace CapVault.Relayer.Chain;

/// <summary>The one chain that this relayer serves: its contracts, and our keys on it.</summary>
public sealed class ChainContext(Deployment deployment, RelayerOptions options)
{
    /// <summary>EIP-155 chain id.</summary>
    public BigInteger ChainId { get; } = deployment.ChainId;

    /// <summary>CAPVault.</summary>
    public string Vault { get; } = deployment.Vault;

    /// <summary>EntryPoint v0.8.</summary>
    public string EntryPoint { get; } = deployment.EntryPoint;

    /// <summary>AgentAccountFactory.</summary>
    public string AccountFactory { get; } = deployment.AccountFactory;

    /// <summary>CAPPaymaster.</summary>
    public string Paymaster { get; } = deployment.Paymaster;

    /// <summary>USDC.</summary>
    public string Usdc { get; } = deployment.Usdc;

    /// <summary>First block that can hold a log of ours.</summary>
    public long DeployBlock { get; } = (long)deployment.DeployBlock;

    /// <summary>The EOA that submits.</summary>
    public EthECKey LaneKey { get; } = new(options.LaneKey);

    /// <summary>The key whose signature the paymaster accepts.</summary>
    public EthECKey SponsorKey { get; } = new(options.SponsorKey);

    /// <summary>Hashes orders.</summary>
    public OrderTypedData Orders { get; } = new(deployment.ChainId, deployment.Vault);

    /// <summary>Hashes operations.</summary>
    public UserOperations UserOperations { get; } = new(deployment.ChainId, deployment.EntryPoint);

    /// <summary>Signs for the paymaster.</summary>
    public Sponsorship Sponsorship { get; } = new(deployment.ChainId, deployment.Paymaster);
}
