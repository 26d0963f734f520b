using System.Net.Http.Headers;
using Nethereum.Contracts;
using Nethereum.Contracts.Services;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Accounts;
using Nethereum.RPC.NonceServices;
using Nethereum.RPC.TransactionManagers;
using Nethereum.RPC.TransactionReceipts;

namespace Nethereum.Web3;

/// <summary>A node, and the account that transactions are sent from.</summary>
public interface IWeb3
{
    IClient Client { get; }

    IEthApiContractService Eth { get; }

    ITransactionManager TransactionManager { get; set; }

    ITransactionReceiptService TransactionReceiptPolling { get; set; }
}

/// <summary>A node, and the account that transactions are sent from.</summary>
public class Web3 : IWeb3
{
    /// <summary>Without account: transactions go through accounts that the node holds.</summary>
    public Web3(IClient client)
    {
        Client = client;
        Eth = new EthApiContractService(client, new NodeTransactionManager(client));
    }

    public Web3(IAccount account, IClient client)
    {
        Client = client;
        account.TransactionManager.Client = client;
        account.NonceService ??= new InMemoryNonceService(account.Address, client);
        account.NonceService.Client = client;
        Eth = new EthApiContractService(client, account.TransactionManager);
    }

    public Web3(string url = "http://localhost:8545/", AuthenticationHeaderValue authenticationHeader = null) : this(new RpcClient(new Uri(url), authenticationHeader))
    {
    }

    public Web3(IAccount account, string url = "http://localhost:8545/", AuthenticationHeaderValue authenticationHeader = null)
        : this(account, new RpcClient(new Uri(url), authenticationHeader))
    {
    }

    public IClient Client { get; }

    public IEthApiContractService Eth { get; }

    public ITransactionManager TransactionManager
    {
        get => Eth.TransactionManager;
        set => Eth.TransactionManager = value;
    }

    public ITransactionReceiptService TransactionReceiptPolling
    {
        get => TransactionManager.TransactionReceiptService;
        set => TransactionManager.TransactionReceiptService = value;
    }
}

/// <summary>Base of the generated services that are made from a Web3.</summary>
public abstract class ContractWeb3ServiceBase : ContractServiceBase
{
    public ContractWeb3ServiceBase(IWeb3 web3, string contractAddress)
    {
        Web3 = web3;
        ContractHandler = web3.Eth.GetContractHandler(contractAddress);
    }

    public IWeb3 Web3 { get; }
}
