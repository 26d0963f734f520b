using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.Bench.Relay;

/// <summary>
/// 100 accounts of the reference kind with money, and <see cref="KeysPerAccount"/> nonce lanes each, all used before: a lane's first use costs
/// 20 000 gas more, which is not what is compared.
/// </summary>
internal sealed class AccountPool
{
    public const int Accounts = 100;
    public const int KeysPerAccount = 16;

    private AccountPool(EthECKey owner, IReadOnlyList<string> addresses)
    {
        Owner = owner;
        Addresses = addresses;
    }

    /// <summary>Owns all of them.</summary>
    public EthECKey Owner { get; }

    public IReadOnlyList<string> Addresses { get; }

    public static async Task<AccountPool> CreateAsync(Node node, Deployment deployment, string artifacts, CancellationToken cancellationToken)
    {
        var owner = EthECKey.GenerateKey();
        await node.ImpersonateAsync(owner.GetPublicAddress());
        var factory = await DeployFactoryAsync(node, deployment, artifacts, owner.GetPublicAddress(), cancellationToken);
        // The factory answers only to the EntryPoint's helper.
        var creator = Address(await node.CallAsync(factory, new SenderCreatorFunction().GetCallData()));
        await node.ImpersonateAsync(creator);
        await node.ImpersonateAsync(deployment.Owner);

        var addresses = new List<string>();
        for (var salt = 0; salt < Accounts; salt++)
        {
            await node.SendAsync(creator, factory, new CreateAccountFunction { Owner = owner.GetPublicAddress(), Salt = salt }.GetCallData());
            addresses.Add(Address(await node.CallAsync(factory, new GetAddressFunction { Owner = owner.GetPublicAddress(), Salt = salt }.GetCallData())));
        }

        var last = "";
        foreach (var address in addresses)
        {
            await node.SendAsync(deployment.Owner, deployment.Usdc, new MintFunction { To = address, Amount = 1_000_000_000 }.GetCallData());
            last = await node.SendAsync(owner.GetPublicAddress(), address, UseLanes(deployment.EntryPoint));
        }

        await node.MinedAsync(last, cancellationToken);
        return new AccountPool(owner, addresses);
    }

    private static async Task<string> DeployFactoryAsync(Node node, Deployment deployment, string artifacts, string from, CancellationToken cancellationToken)
    {
        byte[] code = [.. ReferenceContracts.Bytecode(Path.Combine(artifacts, "SimpleAccountFactory.json")), .. new ABIEncode().GetABIEncoded(new ABIValue("address", deployment.EntryPoint))];
        return (await node.MinedAsync(await node.SendAsync(from, to: null, code), cancellationToken)).ContractAddress;
    }

    private static byte[] UseLanes(string entryPoint) => new ExecuteBatchFunction
    {
        Calls = [.. Enumerable.Range(0, KeysPerAccount).Select(key => new BatchedCall { Target = entryPoint, Data = new IncrementNonceFunction { Key = key }.GetCallData() })],
    }.GetCallData();

    private static string Address(string word) => "0x" + word[^40..];
}
