using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.Bench.Relay;

/// <summary>A paymaster for bundlers that bring none. What it signs may be bundled from any address.</summary>
internal sealed class VerifyingPaymaster
{
    private const long Gas = 60_000;
    private const ulong ValidUntil = uint.MaxValue;

    private static readonly BigInteger Deposit = BigInteger.Pow(10, 21);

    private readonly EthECKey _signer;
    private readonly Sponsorship _sponsorship;

    private VerifyingPaymaster(BigInteger chainId, string address, EthECKey signer) => (_sponsorship, _signer) = (new Sponsorship(chainId, address), signer);

    /// <param name="node">The chain.</param>
    /// <param name="chainId">Its id.</param>
    /// <param name="entryPoint">Gets the deposit.</param>
    /// <param name="artifact">Foundry's, of tests/contracts/mocks/VerifyingPaymaster.sol.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public static async Task<VerifyingPaymaster> DeployAsync(Node node, BigInteger chainId, string entryPoint, string artifact, CancellationToken cancellationToken)
    {
        var signer = EthECKey.GenerateKey();
        await node.ImpersonateAsync(signer.GetPublicAddress());
        byte[] code = [.. ReferenceContracts.Bytecode(artifact), .. new ABIEncode().GetABIEncoded(new ABIValue("address", signer.GetPublicAddress()))];
        var address = (await node.MinedAsync(await node.SendAsync(signer.GetPublicAddress(), to: null, code), cancellationToken)).ContractAddress;
        await node.MinedAsync(await node.SendAsync(signer.GetPublicAddress(), entryPoint, new DepositToFunction { Account = address }.GetCallData(), Deposit), cancellationToken);
        return new VerifyingPaymaster(chainId, address, signer);
    }

    /// <summary>paymasterAndData.</summary>
    public byte[] Sponsor(PackedUserOperation operation)
    {
        var digest = _sponsorship.RequestHash(operation, Gas, 0, 0, ValidUntil);
        return _sponsorship.PaymasterAndData(Gas, 0, 0, ValidUntil, UserOperations.Sign(digest, _signer));
    }
}
