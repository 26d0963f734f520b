using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using Nethereum.ABI;
using Nethereum.ABI.EIP712;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Signer;

namespace CapVault.Contracts;

/// <summary>
/// An Executor's consent to an order, as ERC-1271 signature of its agent account. What is signed is `OrderConsent(bytes32 orderId)`
/// under the account's own domain, never the bare orderId: one key shared by two accounts cannot consent for both.
/// </summary>
public static class OrderConsent
{
    private const string DomainName = "AgentAccount";
    private const string DomainVersion = "1";

    private static readonly byte[] TypeHash = Eip712.TypeHash("OrderConsent(bytes32 orderId)");

    /// <summary>The 32 bytes that the Executor signs.</summary>
    /// <param name="account">Address of the agent account.</param>
    public static byte[] Hash(byte[] orderId, BigInteger chainId, string account) => Eip712.Digest(
        Eip712.DomainSeparator(DomainName, DomainVersion, chainId, account),
        Eip712.StructHash(TypeHash, orderId));

    /// <summary>Types, domain and message of <see cref="Hash"/>, for a wallet that shows what it signs.</summary>
    /// <param name="account">Address of the agent account.</param>
    public static TypedData<Domain> TypedData(byte[] orderId, BigInteger chainId, string account)
    {
        var data = Eip712.Data(DomainName, DomainVersion, chainId, account, typeof(Message));
        data.PrimaryType = nameof(OrderConsent);
        data.SetMessage(new Message { OrderId = orderId });
        return data;
    }

    /// <summary>Signs with the Executor's key and wraps the signature for the account.</summary>
    public static byte[] Sign(Order order, byte[] orderId, BigInteger chainId, string account, EthECKey executor) =>
        Encode(order, Eip712.Sign(executor, Hash(orderId, chainId, account)));

    /// <summary>The account's ERC-1271 signature: abi.encode(order, signature).</summary>
    /// <param name="signature">65 bytes, by the Executor over <see cref="Hash"/>.</param>
    public static byte[] Encode(Order order, byte[] signature) =>
        new ABIEncode().GetABIParamsEncoded(new Erc1271Signature { Order = order, Signature = signature });

    [Struct(nameof(OrderConsent))]
    private sealed class Message
    {
        [Parameter("bytes32", "orderId", 1)]
        public required byte[] OrderId { get; init; }
    }

    private sealed class Erc1271Signature
    {
        [Parameter("tuple", "order", 1)]
        public required Order Order { get; init; }

        [Parameter("bytes", "signature", 2)]
        public required byte[] Signature { get; init; }
    }
}
