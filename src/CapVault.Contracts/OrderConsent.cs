using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using Nethereum.ABI;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Signer;

namespace CapVault.Contracts;

/// <summary>
/// An Executor's consent to an order, as ERC-1271 signature of its agent account. What is signed is `OrderConsent(bytes32 orderId)`
/// under the account's own domain, never the bare orderId: one key shared by two accounts cannot consent for both.
/// </summary>
public static class OrderConsent
{
    private static readonly byte[] TypeHash = Eip712.TypeHash("OrderConsent(bytes32 orderId)");

    /// <summary>The 32 bytes that the Executor signs.</summary>
    /// <param name="account">Address of the agent account.</param>
    public static byte[] Hash(byte[] orderId, BigInteger chainId, string account) => Eip712.Digest(
        Eip712.DomainSeparator("AgentAccount", "1", chainId, account),
        Eip712.StructHash(TypeHash, orderId));

    /// <summary>Signs with the Executor's key and wraps the signature for the account.</summary>
    public static byte[] Sign(Order order, byte[] orderId, BigInteger chainId, string account, EthECKey executor) =>
        Encode(order, Eip712.Sign(executor, Hash(orderId, chainId, account)));

    /// <summary>The account's ERC-1271 signature: abi.encode(order, signature).</summary>
    /// <param name="signature">65 bytes, by the Executor over <see cref="Hash"/>.</param>
    public static byte[] Encode(Order order, byte[] signature) =>
        new ABIEncode().GetABIParamsEncoded(new Erc1271Signature { Order = order, Signature = signature });

    private sealed class Erc1271Signature
    {
        [Parameter("tuple", "order", 1)]
        public required Order Order { get; init; }

        [Parameter("bytes", "signature", 2)]
        public required byte[] Signature { get; init; }
    }
}
