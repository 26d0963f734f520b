using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.ABI;
using Nethereum.Signer;

namespace CapVault.Contracts;

/// <summary>The sponsor's signature that makes CAPPaymaster pay for an operation (OpenZeppelin's PaymasterSigner) that one bundler sends.</summary>
public sealed class Sponsorship
{
    private static readonly byte[] TypeHash = Eip712.TypeHash("SponsoredOperation(address bundler,bytes32 request)");

    private static readonly byte[] RequestTypeHash = Eip712.TypeHash(
        "UserOperationRequest(address sender,uint256 nonce,bytes initCode,bytes callData,bytes32 accountGasLimits,"
        + "uint256 preVerificationGas,bytes32 gasFees,uint256 paymasterVerificationGasLimit,uint256 paymasterPostOpGasLimit,"
        + "uint48 validAfter,uint48 validUntil)");

    private readonly string paymaster;
    private readonly byte[] domainSeparator;

    /// <param name="paymaster">Address of CAPPaymaster.</param>
    public Sponsorship(BigInteger chainId, string paymaster)
    {
        this.paymaster = paymaster;
        domainSeparator = Eip712.DomainSeparator("CAPPaymaster", "1", chainId, paymaster);
    }

    /// <summary>Signs and gives the operation's paymasterAndData. All its other fields but the signature must be final.</summary>
    /// <param name="bundler">The EOA that alone may send the operation.</param>
    /// <param name="validAfter">Unix seconds; the operation is valid after it.</param>
    /// <param name="validUntil">Unix seconds; the operation is valid up to it.</param>
    public byte[] Sign(
        PackedUserOperation operation, string bundler, BigInteger verificationGasLimit, BigInteger postOpGasLimit, ulong validAfter, ulong validUntil, EthECKey sponsor) =>
        PaymasterAndData(
            verificationGasLimit, postOpGasLimit, validAfter, validUntil, Eip712.Sign(sponsor, Hash(operation, bundler, verificationGasLimit, postOpGasLimit, validAfter, validUntil)));

    /// <summary>The 32 bytes that the sponsor signs.</summary>
    public byte[] Hash(PackedUserOperation operation, string bundler, BigInteger verificationGasLimit, BigInteger postOpGasLimit, ulong validAfter, ulong validUntil) =>
        Eip712.Digest(domainSeparator, Eip712.StructHash(TypeHash, new ABIEncode().GetABIEncoded(
            new ABIValue("address", bundler),
            new ABIValue("bytes32", RequestHash(operation, verificationGasLimit, postOpGasLimit, validAfter, validUntil)))));

    /// <summary>paymaster ‖ gas limits ‖ validAfter ‖ validUntil ‖ signature.</summary>
    /// <param name="signature">65 bytes; any 65 for an estimate.</param>
    public byte[] PaymasterAndData(BigInteger verificationGasLimit, BigInteger postOpGasLimit, ulong validAfter, ulong validUntil, byte[] signature) =>
        new ABIEncode().GetABIEncodedPacked(
            new ABIValue("address", paymaster),
            new ABIValue("uint128", verificationGasLimit),
            new ABIValue("uint128", postOpGasLimit),
            new ABIValue("uint48", validAfter),
            new ABIValue("uint48", validUntil),
            new ABIValue("bytes", signature));

    /// <summary>OpenZeppelin's digest of the operation, which says nothing of who bundles it: what its own PaymasterSigner has signed.</summary>
    public byte[] RequestHash(PackedUserOperation operation, BigInteger verificationGasLimit, BigInteger postOpGasLimit, ulong validAfter, ulong validUntil) =>
        Eip712.Digest(domainSeparator, Eip712.StructHash(RequestTypeHash, new ABIEncode().GetABIEncoded(
            new ABIValue("address", operation.Sender),
            new ABIValue("uint256", operation.Nonce),
            new ABIValue("bytes32", UserOperations.Keccak(operation.InitCode)),
            new ABIValue("bytes32", UserOperations.Keccak(operation.CallData)),
            new ABIValue("bytes32", operation.AccountGasLimits),
            new ABIValue("uint256", operation.PreVerificationGas),
            new ABIValue("bytes32", operation.GasFees),
            new ABIValue("uint256", verificationGasLimit),
            new ABIValue("uint256", postOpGasLimit),
            new ABIValue("uint48", validAfter),
            new ABIValue("uint48", validUntil))));
}
