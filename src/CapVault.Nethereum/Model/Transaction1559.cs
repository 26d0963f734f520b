using System.Numerics;
using Nethereum.Hex.HexConvertors.Extensions;
using RlpEncoder = Nethereum.RLP.RLP;

namespace Nethereum.Model;

/// <summary>A fee market transaction (EIP-1559, type 2). Amounts and fees in wei.</summary>
public class Transaction1559 : SignedTypeTransaction
{
    private const byte Type = 2;

    public Transaction1559(BigInteger chainId, BigInteger? nonce, BigInteger? maxPriorityFeePerGas, BigInteger? maxFeePerGas, BigInteger? gasLimit, string receiverAddress, BigInteger? amount, string data, List<AccessListItem> accessList)
    {
        ChainId = chainId;
        Nonce = nonce;
        MaxPriorityFeePerGas = maxPriorityFeePerGas;
        MaxFeePerGas = maxFeePerGas;
        GasLimit = gasLimit;
        ReceiverAddress = receiverAddress;
        Amount = amount;
        Data = data;
        AccessList = accessList;
    }

    public Transaction1559(BigInteger chainId, BigInteger nonce, BigInteger maxPriorityFeePerGas, BigInteger maxFeePerGas, BigInteger gasLimit, string receiverAddress, BigInteger amount, string data, List<AccessListItem> accessList, Signature signature)
        : this(chainId, (BigInteger?)nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, receiverAddress, amount, data, accessList) =>
        Signature = signature;

    public BigInteger ChainId { get; }

    public BigInteger? Nonce { get; }

    public BigInteger? MaxPriorityFeePerGas { get; }

    public BigInteger? MaxFeePerGas { get; }

    public BigInteger? GasLimit { get; }

    /// <summary>Null or empty to create a contract.</summary>
    public string ReceiverAddress { get; }

    public BigInteger? Amount { get; }

    /// <summary>Hexadecimal; null is none.</summary>
    public string Data { get; }

    public List<AccessListItem> AccessList { get; }

    public override byte[] GetRLPEncoded()
    {
        var signature = Signature ?? throw new InvalidOperationException("Found a transaction without signature, expected a signed one: sign it before it is encoded.");
        return Envelope([.. Fields(), Bytes(signature.V), Bytes(signature.R), Bytes(signature.S)]);
    }

    public override byte[] GetRLPEncodedRaw() => Envelope(Fields());

    private static byte[] Envelope(byte[][] fields) => [Type, .. RlpEncoder.EncodeList(fields)];

    private byte[][] Fields() =>
    [
        Number(ChainId),
        Number(Nonce),
        Number(MaxPriorityFeePerGas),
        Number(MaxFeePerGas),
        Number(GasLimit),
        RlpEncoder.EncodeElement(ReceiverAddress.HexToByteArray()),
        Number(Amount),
        RlpEncoder.EncodeElement(Data.HexToByteArray()),
        RlpEncoder.EncodeList([.. (AccessList ?? []).Select(Item)]),
    ];

    private static byte[] Item(AccessListItem item) => RlpEncoder.EncodeList(
        RlpEncoder.EncodeElement(item.Address.HexToByteArray()),
        RlpEncoder.EncodeList([.. (item.StorageKeys ?? []).Select(RlpEncoder.EncodeElement)]));

    private static byte[] Number(BigInteger? value) =>
        value is { IsZero: false } number ? RlpEncoder.EncodeElement(number.ToByteArray(isUnsigned: true, isBigEndian: true)) : RlpEncoder.EncodeElement([]);

    /// <summary>A number that is bytes already; RLP numbers have no leading zeros.</summary>
    private static byte[] Bytes(byte[] number) => RlpEncoder.EncodeElement(number.AsSpan().TrimStart((byte)0).ToArray());
}
