using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using Nethereum.ABI;
using Nethereum.ABI.EIP712;

namespace CapVault.Contracts;

/// <summary>Orders as EIP-712 typed data of one vault: both parties consent to the orderId, which is the digest.</summary>
public sealed class OrderTypedData
{
    private const string Name = "CAPVault";
    private const string Version = "1";

    private static readonly byte[] TypeHash = Eip712.TypeHash(
        "Order(address requester,address provider,address token,address arbiter,address approver,address commissionTo,"
        + "uint120 amount,uint16 feeBps,uint16 commissionBps,uint40 payDeadline,uint32 slaSeconds,uint32 reviewSeconds,"
        + "bytes32 termsHash,uint64 salt)");

    private readonly BigInteger chainId;
    private readonly string vault;
    private readonly byte[] domainSeparator;

    /// <param name="vault">Address of CAPVault.</param>
    public OrderTypedData(BigInteger chainId, string vault)
    {
        this.chainId = chainId;
        this.vault = vault;
        domainSeparator = Eip712.DomainSeparator(Name, Version, chainId, vault);
    }

    /// <summary>32 bytes.</summary>
    public byte[] DomainSeparator => [.. domainSeparator];

    /// <summary>The orderId: 32 bytes that bind chain, vault, parties and price.</summary>
    public byte[] OrderId(Order order) => Eip712.Digest(domainSeparator, StructHash(order));

    /// <summary>EIP-712's hashStruct of the order, independent of chain and vault.</summary>
    public static byte[] StructHash(Order order)
    {
        // Every member is one static word, so the ABI encoding already is EIP-712's encodeData.
        return Eip712.StructHash(TypeHash, new ABIEncode().GetABIParamsEncoded(order));
    }

    /// <summary>Types, domain and message, for a wallet that shows what it signs.</summary>
    public TypedData<Domain> TypedData(Order order)
    {
        var data = Eip712.Data(Name, Version, chainId, vault, typeof(Order));
        data.PrimaryType = nameof(Order);
        data.SetMessage(order);
        return data;
    }
}
