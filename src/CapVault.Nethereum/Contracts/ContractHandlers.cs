using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts.CQS;
using Nethereum.Contracts.Services;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Eth.Transactions;
using Nethereum.RPC.TransactionManagers;

namespace Nethereum.Contracts.ContractHandlers;

/// <summary>Sends calls of one function.</summary>
public interface IContractTransactionHandler<TContractMessage> where TContractMessage : FunctionMessage, new()
{
    /// <exception cref="SmartContractCustomErrorRevertException">The call would revert.</exception>
    Task<HexBigInteger> EstimateGasAsync(string contractAddress, TContractMessage functionMessage = null);

    Task<string> SendRequestAsync(string contractAddress, TContractMessage functionMessage = null);

    Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(string contractAddress, TContractMessage functionMessage = null, CancellationTokenSource tokenSource = null);

    Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(string contractAddress, TContractMessage functionMessage, CancellationToken cancellationToken);
}

/// <summary>Asks one view function.</summary>
public interface IContractQueryHandler<TFunctionMessage> where TFunctionMessage : FunctionMessage, new()
{
    Task<TFunctionOutput> QueryAsync<TFunctionOutput>(string contractAddress, TFunctionMessage functionMessage = null, BlockParameter block = null);

    Task<TFunctionOutput> QueryDeserializingToObjectAsync<TFunctionOutput>(TFunctionMessage functionMessage, string contractAddress, BlockParameter block = null)
        where TFunctionOutput : IFunctionOutputDTO, new();

    Task<byte[]> QueryRawAsBytesAsync(string contractAddress, TFunctionMessage functionMessage = null, BlockParameter block = null);
}

/// <summary>Deploys one contract.</summary>
public interface IContractDeploymentTransactionHandler<TContractDeploymentMessage> where TContractDeploymentMessage : ContractDeploymentMessage, new()
{
    Task<string> SendRequestAsync(TContractDeploymentMessage contractDeploymentMessage = null);

    Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(TContractDeploymentMessage contractDeploymentMessage = null, CancellationTokenSource tokenSource = null);

    Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(TContractDeploymentMessage contractDeploymentMessage, CancellationToken cancellationToken);
}

/// <summary>Calls the functions of one contract, from one account.</summary>
public class ContractHandler
{
    public ContractHandler(string contractAddress, IEthApiContractService ethApiContractService, string addressFrom = null)
    {
        ContractAddress = contractAddress;
        EthApiContractService = ethApiContractService;
        AddressFrom = addressFrom;
    }

    /// <summary>Sender of messages that name none.</summary>
    public string AddressFrom { get; set; }

    public string ContractAddress { get; }

    public IEthApiContractService EthApiContractService { get; set; }

    public Event<TEventType> GetEvent<TEventType>() where TEventType : IEventDTO, new() => EthApiContractService.GetEvent<TEventType>(ContractAddress);

    /// <summary>Estimates, signs and sends; returns the transaction hash.</summary>
    /// <exception cref="SmartContractCustomErrorRevertException">The estimate reverted.</exception>
    public Task<string> SendRequestAsync<TEthereumContractFunctionMessage>(TEthereumContractFunctionMessage transactionMessage = null)
        where TEthereumContractFunctionMessage : FunctionMessage, new() =>
        EthApiContractService.GetContractTransactionHandler<TEthereumContractFunctionMessage>().SendRequestAsync(ContractAddress, WithSender(transactionMessage));

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync<TEthereumContractFunctionMessage>(
        TEthereumContractFunctionMessage transactionMessage = null, CancellationTokenSource tokenSource = null)
        where TEthereumContractFunctionMessage : FunctionMessage, new() =>
        SendRequestAndWaitForReceiptAsync(transactionMessage, tokenSource?.Token ?? CancellationToken.None);

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync<TEthereumContractFunctionMessage>(
        TEthereumContractFunctionMessage transactionMessage, CancellationToken cancellationToken)
        where TEthereumContractFunctionMessage : FunctionMessage, new() =>
        EthApiContractService.GetContractTransactionHandler<TEthereumContractFunctionMessage>()
            .SendRequestAndWaitForReceiptAsync(ContractAddress, WithSender(transactionMessage), cancellationToken);

    public Task<HexBigInteger> EstimateGasAsync<TEthereumContractFunctionMessage>(TEthereumContractFunctionMessage transactionMessage = null)
        where TEthereumContractFunctionMessage : FunctionMessage, new() =>
        EthApiContractService.GetContractTransactionHandler<TEthereumContractFunctionMessage>().EstimateGasAsync(ContractAddress, WithSender(transactionMessage));

    /// <summary>The one result of a view function.</summary>
    public Task<TReturn> QueryAsync<TEthereumContractFunctionMessage, TReturn>(
        TEthereumContractFunctionMessage ethereumContractFunctionMessage = null, BlockParameter blockParameter = null)
        where TEthereumContractFunctionMessage : FunctionMessage, new() =>
        EthApiContractService.GetContractQueryHandler<TEthereumContractFunctionMessage>()
            .QueryAsync<TReturn>(ContractAddress, WithSender(ethereumContractFunctionMessage), blockParameter);

    /// <summary>The results of a view function as an object.</summary>
    public Task<TEthereumFunctionReturn> QueryDeserializingToObjectAsync<TEthereumContractFunctionMessage, TEthereumFunctionReturn>(
        TEthereumContractFunctionMessage ethereumContractFunctionMessage = null, BlockParameter blockParameter = null)
        where TEthereumContractFunctionMessage : FunctionMessage, new()
        where TEthereumFunctionReturn : IFunctionOutputDTO, new() =>
        EthApiContractService.GetContractQueryHandler<TEthereumContractFunctionMessage>()
            .QueryDeserializingToObjectAsync<TEthereumFunctionReturn>(WithSender(ethereumContractFunctionMessage), ContractAddress, blockParameter);

    private T WithSender<T>(T message) where T : FunctionMessage, new()
    {
        message ??= new T();
        message.FromAddress ??= AddressFrom;
        return message;
    }
}

internal sealed class ContractTransactionHandler<TContractMessage>(ITransactionManager manager) : IContractTransactionHandler<TContractMessage>
    where TContractMessage : FunctionMessage, new()
{
    public Task<HexBigInteger> EstimateGasAsync(string contractAddress, TContractMessage functionMessage = null) =>
        Sending.EstimateAsync(manager, (functionMessage ?? new TContractMessage()).CreateTransactionInput(contractAddress));

    public Task<string> SendRequestAsync(string contractAddress, TContractMessage functionMessage = null) =>
        Sending.SendAsync(manager, (functionMessage ?? new TContractMessage()).CreateTransactionInput(contractAddress));

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(string contractAddress, TContractMessage functionMessage = null, CancellationTokenSource tokenSource = null) =>
        SendRequestAndWaitForReceiptAsync(contractAddress, functionMessage, tokenSource?.Token ?? CancellationToken.None);

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(string contractAddress, TContractMessage functionMessage, CancellationToken cancellationToken) =>
        manager.TransactionReceiptService.SendRequestAndWaitForReceiptAsync(() => SendRequestAsync(contractAddress, functionMessage), cancellationToken);
}

internal sealed class ContractDeploymentTransactionHandler<TContractDeploymentMessage>(ITransactionManager manager)
    : IContractDeploymentTransactionHandler<TContractDeploymentMessage> where TContractDeploymentMessage : ContractDeploymentMessage, new()
{
    public Task<string> SendRequestAsync(TContractDeploymentMessage contractDeploymentMessage = null) =>
        Sending.SendAsync(manager, (contractDeploymentMessage ?? new TContractDeploymentMessage()).CreateTransactionInput());

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(TContractDeploymentMessage contractDeploymentMessage = null, CancellationTokenSource tokenSource = null) =>
        SendRequestAndWaitForReceiptAsync(contractDeploymentMessage, tokenSource?.Token ?? CancellationToken.None);

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(TContractDeploymentMessage contractDeploymentMessage, CancellationToken cancellationToken) =>
        manager.TransactionReceiptService.SendRequestAndWaitForReceiptAsync(() => SendRequestAsync(contractDeploymentMessage), cancellationToken);
}

internal sealed class ContractQueryHandler<TFunctionMessage>(IClient client, string defaultAddressFrom) : IContractQueryHandler<TFunctionMessage>
    where TFunctionMessage : FunctionMessage, new()
{
    public async Task<TFunctionOutput> QueryAsync<TFunctionOutput>(string contractAddress, TFunctionMessage functionMessage = null, BlockParameter block = null) =>
        CallData.DecodeResult<TFunctionOutput>(
            FunctionAttribute.GetAttribute(typeof(TFunctionMessage)).ReturnType,
            await QueryRawAsBytesAsync(contractAddress, functionMessage, block));

    public async Task<TFunctionOutput> QueryDeserializingToObjectAsync<TFunctionOutput>(TFunctionMessage functionMessage, string contractAddress, BlockParameter block = null)
        where TFunctionOutput : IFunctionOutputDTO, new() =>
        CallData.DecodeResults<TFunctionOutput>(await QueryRawAsBytesAsync(contractAddress, functionMessage, block));

    public async Task<byte[]> QueryRawAsBytesAsync(string contractAddress, TFunctionMessage functionMessage = null, BlockParameter block = null)
    {
        functionMessage ??= new TFunctionMessage();
        functionMessage.FromAddress ??= defaultAddressFrom;
        try
        {
            var output = await new EthCall(client).SendRequestAsync(functionMessage.CreateCallInput(contractAddress), block ?? BlockParameter.CreateLatest());
            return output.HexToByteArray();
        }
        catch (RpcResponseException e)
        {
            CallData.ThrowIfReverted(e);
            throw;
        }
    }
}

internal static class Sending
{
    public static async Task<string> SendAsync(ITransactionManager manager, TransactionInput transaction)
    {
        transaction.From ??= manager.Account?.Address;
        transaction.Gas ??= await EstimateAsync(manager, transaction);
        return await manager.SendTransactionAsync(transaction);
    }

    public static async Task<HexBigInteger> EstimateAsync(ITransactionManager manager, TransactionInput transaction)
    {
        transaction.From ??= manager.Account?.Address;
        try
        {
            return await manager.EstimateGasAsync(transaction);
        }
        catch (RpcResponseException e)
        {
            CallData.ThrowIfReverted(e);
            throw;
        }
    }
}
