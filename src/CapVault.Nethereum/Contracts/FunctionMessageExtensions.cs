using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Util;

namespace Nethereum.Contracts;

/// <summary>Function calls as bytes, calls and transactions.</summary>
public static class FunctionMessageExtensions
{
    /// <summary>Selector and encoded arguments.</summary>
    public static byte[] GetCallData<TContractMessage>(this TContractMessage contractMessage) where TContractMessage : FunctionMessage, new() =>
        CallData.Encode(contractMessage);

    /// <summary>keccak256 of the call data.</summary>
    public static byte[] GetCallDataHash<TContractMessage>(this TContractMessage contractMessage) where TContractMessage : FunctionMessage, new() =>
        Sha3Keccack.Current.CalculateHash(contractMessage.GetCallData());

    /// <summary>Fills the message from call data. Check the selector beforehand.</summary>
    /// <exception cref="ArgumentException">The data has another selector.</exception>
    /// <exception cref="FormatException">The data is not the encoding of the arguments.</exception>
    public static TContractMessage DecodeInput<TContractMessage>(this TContractMessage contractMessage, string data) where TContractMessage : FunctionMessage, new() =>
        CallData.DecodeArguments(contractMessage, ABITypedRegistry.GetFunctionABI<TContractMessage>().Sha3Signature, data);

    public static CallInput CreateCallInput<TContractMessage>(this TContractMessage contractMessage, string contractAddress) where TContractMessage : FunctionMessage, new() =>
        contractMessage.CreateTransactionInput(contractAddress);

    public static TransactionInput CreateTransactionInput<TContractMessage>(this TContractMessage contractMessage, string contractAddress) where TContractMessage : FunctionMessage, new() =>
        TransactionInputs.Create(contractMessage, contractMessage.GetCallData().ToHex(prefix: true), contractAddress);
}

/// <summary>Deployments as bytes and transactions.</summary>
public static class DeploymentMessageExtensions
{
    /// <summary>Creation code and encoded constructor arguments.</summary>
    public static byte[] GetDeploymentData<TContractMessage>(this TContractMessage contractMessage) where TContractMessage : ContractDeploymentMessage =>
        [.. contractMessage.ByteCode.HexToByteArray(), .. ABI.ParameterList.Of(contractMessage.GetType()).Encode(contractMessage)];

    public static TransactionInput CreateTransactionInput<TContractMessage>(this TContractMessage contractMessage) where TContractMessage : ContractDeploymentMessage, new() =>
        TransactionInputs.Create(contractMessage, contractMessage.GetDeploymentData().ToHex(prefix: true), contractAddress: null);
}

internal static class TransactionInputs
{
    public static TransactionInput Create(CQS.ContractMessageBase message, string data, string contractAddress) => new(data, contractAddress)
    {
        From = message.FromAddress,
        Value = new HexBigInteger(message.AmountToSend),
        Gas = Quantity(message.Gas),
        GasPrice = Quantity(message.GasPrice),
        MaxFeePerGas = Quantity(message.MaxFeePerGas),
        MaxPriorityFeePerGas = Quantity(message.MaxPriorityFeePerGas),
        Nonce = Quantity(message.Nonce),
    };

    private static HexBigInteger Quantity(System.Numerics.BigInteger? value) => value is { } number ? new HexBigInteger(number) : null;
}
