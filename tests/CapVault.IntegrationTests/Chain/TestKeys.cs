using CapVault.Relayer.Chain;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Accounts of Anvil's published test mnemonic, each with 10 000 test ETH. The order is the sandbox's.</summary>
internal static class TestKeys
{
    /// <summary>Deploys, owns the contracts, mints test USDC.</summary>
    public static EthECKey Owner { get; } = new("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

    /// <summary>The relayer's sending key.</summary>
    public static EthECKey Lane { get; } = new("0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d");

    /// <summary>The relayer's other sending keys, which derive from that one.</summary>
    public static IReadOnlyList<LaneKey> Lanes { get; } = [.. LaneKey.Derive(Lane.GetPrivateKey(), 4).Skip(1)];

    /// <summary>Signs for the paymaster.</summary>
    public static EthECKey Sponsor { get; } = new("0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a");

    /// <summary>Receives the platform fees.</summary>
    public static EthECKey Treasury { get; } = new("0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6");

    /// <summary>The person behind the agents.</summary>
    public static EthECKey Human { get; } = new("0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a");

    /// <summary>Nobody to any order.</summary>
    public static EthECKey Stranger { get; } = new("0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba");
}
