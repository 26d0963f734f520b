using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using Nethereum.ABI;
using Nethereum.ABI.EIP712;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Signer;

namespace CapVault.Contracts;

/// <summary>
/// A Requester's payment as EIP-3009 authorization of the token: whoever submits it, its price goes to this vault for this order, or nowhere. The nonce is
/// the orderId, the time the order's pay window.
/// </summary>
public static class OrderAuthorization
{
    private static readonly byte[] TypeHash = Eip712.TypeHash(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)");

    /// <summary>The 32 bytes that the Requester signs.</summary>
    /// <param name="orderId">The order's id, which is the nonce.</param>
    /// <param name="chainId">EIP-155 chain id.</param>
    /// <param name="vault">Address of CAPVault, the recipient.</param>
    /// <param name="tokenName">Of the token's EIP-712 domain: "USD Coin", or "USDC" where it is bridged.</param>
    /// <param name="tokenVersion">Of the same: "2".</param>
    public static byte[] Hash(Order order, byte[] orderId, BigInteger chainId, string vault, string tokenName, string tokenVersion) => Eip712.Digest(
        Eip712.DomainSeparator(tokenName, tokenVersion, chainId, order.Token),
        Eip712.StructHash(TypeHash, new ABIEncode().GetABIParamsEncoded(MessageOf(order, orderId, vault))));

    /// <summary>Types, domain and message of <see cref="Hash"/>, for a wallet that shows what it signs.</summary>
    /// <inheritdoc cref="Hash"/>
    public static TypedData<Domain> TypedData(Order order, byte[] orderId, BigInteger chainId, string vault, string tokenName, string tokenVersion)
    {
        var data = Eip712.Data(tokenName, tokenVersion, chainId, order.Token, typeof(ReceiveWithAuthorization));
        data.PrimaryType = nameof(ReceiveWithAuthorization);
        data.SetMessage(MessageOf(order, orderId, vault));
        return data;
    }

    /// <summary>R ‖ S ‖ V by the Requester's key, as payOrderWithAuthorization takes it.</summary>
    /// <inheritdoc cref="Hash"/>
    public static byte[] Sign(Order order, byte[] orderId, BigInteger chainId, string vault, string tokenName, string tokenVersion, EthECKey requester) =>
        Eip712.Sign(requester, Hash(order, orderId, chainId, vault, tokenName, tokenVersion));

    private static ReceiveWithAuthorization MessageOf(Order order, byte[] orderId, string vault) => new()
    {
        From = order.Requester,
        To = vault,
        Value = order.Amount,
        ValidAfter = 0,
        ValidBefore = order.PayDeadline + 1,
        Nonce = orderId,
    };

    [Struct(nameof(ReceiveWithAuthorization))]
    private sealed class ReceiveWithAuthorization
    {
        [Parameter("address", "from", 1)]
        public required string From { get; init; }

        [Parameter("address", "to", 2)]
        public required string To { get; init; }

        [Parameter("uint256", "value", 3)]
        public required BigInteger Value { get; init; }

        [Parameter("uint256", "validAfter", 4)]
        public required BigInteger ValidAfter { get; init; }

        [Parameter("uint256", "validBefore", 5)]
        public required BigInteger ValidBefore { get; init; }

        [Parameter("bytes32", "nonce", 6)]
        public required byte[] Nonce { get; init; }
    }
}
