using System.Buffers.Binary;
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

    /// <summary>The EOAs that submit.</summary>
    public IReadOnlyList<LaneKey> Lanes { get; } = LaneKey.Derive(options.LaneKey, options.Lanes);

    /// <summary>The key whose signature the paymaster accepts.</summary>
    public EthECKey SponsorKey { get; } = new(options.SponsorKey);

    /// <summary>Hashes orders.</summary>
    public OrderTypedData Orders { get; } = new(deployment.ChainId, deployment.Vault);

    /// <summary>Hashes operations.</summary>
    public UserOperations UserOperations { get; } = new(deployment.ChainId, deployment.EntryPoint);

    /// <summary>Signs for the paymaster.</summary>
    public Sponsorship Sponsorship { get; } = new(deployment.ChainId, deployment.Paymaster);

    /// <summary>
    /// The EOA of an account's operations: always the same, so that all of them travel in the order of one EOA's nonces. What is in its next transaction
    /// comes after what is in this one, mined or not.
    /// </summary>
    public LaneKey LaneOf(byte[] account) => Lanes[(int)(BinaryPrimitives.ReadUInt32BigEndian(account) % (uint)Lanes.Count)];

    /// <summary>Whether we send from this EOA.</summary>
    public bool IsLane(byte[] eoa) => Lanes.Any(lane => lane.Eoa.AsSpan().SequenceEqual(eoa));
}
