using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts.ContractHandlers;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC;
using Nethereum.RPC.Eth;
using Nethereum.RPC.Eth.Services;
using Nethereum.RPC.TransactionManagers;

namespace Nethereum.Contracts.Services;

/// <summary>The eth_ methods, and contracts on top of them.</summary>
public interface IEthApiContractService : IEthApiService
{
    Event<TEventType> GetEvent<TEventType>() where TEventType : new();

    Event<TEventType> GetEvent<TEventType>(string contractAddress) where TEventType : new();

    ContractHandler GetContractHandler(string contractAddress);

    IContractDeploymentTransactionHandler<TContractDeploymentMessage> GetContractDeploymentHandler<TContractDeploymentMessage>()
        where TContractDeploymentMessage : ContractDeploymentMessage, new();

    IContractQueryHandler<TContractFunctionMessage> GetContractQueryHandler<TContractFunctionMessage>()
        where TContractFunctionMessage : FunctionMessage, new();

    IContractTransactionHandler<TContractFunctionMessage> GetContractTransactionHandler<TContractFunctionMessage>()
        where TContractFunctionMessage : FunctionMessage, new();
}

internal sealed class EthApiContractService(IClient client, ITransactionManager transactionManager) : IEthApiContractService
{
    public IClient Client { get; } = client;

    public IEthChainId ChainId { get; } = new EthChainId(client);

    public IEthApiBlockService Blocks { get; } = new EthApiBlockService(client);

    public IEthApiFilterService Filters { get; } = new EthApiFilterService(client);

    public IEthGetBalance GetBalance { get; } = new EthGetBalance(client);

    public IEthGetCode GetCode { get; } = new EthGetCode(client);

    public ITransactionManager TransactionManager { get; set; } = transactionManager;

    public IEthApiTransactionsService Transactions { get; } = new EthApiTransactionsService(client);

    private string Sender => TransactionManager.Account?.Address;

    public Event<TEventType> GetEvent<TEventType>() where TEventType : new() => GetEvent<TEventType>(contractAddress: null);

    public Event<TEventType> GetEvent<TEventType>(string contractAddress) where TEventType : new() => new(Client, contractAddress);

    public ContractHandler GetContractHandler(string contractAddress) => new(contractAddress, this, Sender);

    public IContractDeploymentTransactionHandler<TContractDeploymentMessage> GetContractDeploymentHandler<TContractDeploymentMessage>()
        where TContractDeploymentMessage : ContractDeploymentMessage, new() =>
        new ContractDeploymentTransactionHandler<TContractDeploymentMessage>(TransactionManager);

    public IContractQueryHandler<TContractFunctionMessage> GetContractQueryHandler<TContractFunctionMessage>()
        where TContractFunctionMessage : FunctionMessage, new() => new ContractQueryHandler<TContractFunctionMessage>(Client, Sender);

    public IContractTransactionHandler<TContractFunctionMessage> GetContractTransactionHandler<TContractFunctionMessage>()
        where TContractFunctionMessage : FunctionMessage, new() => new ContractTransactionHandler<TContractFunctionMessage>(TransactionManager);
}
