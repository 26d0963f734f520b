using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Infrastructure;

namespace Nethereum.RPC.Eth.Transactions;

/// <summary>eth_call: the returned bytes as hexadecimal.</summary>
public interface IEthCall
{
    RpcRequest BuildRequest(CallInput callInput, BlockParameter block, object id = null);

    RpcRequestResponseBatchItem<EthCall, string> CreateBatchItem(CallInput callInput, BlockParameter block, object id);

    Task<List<string>> SendBatchRequestAsync(CallInput[] callInputs, BlockParameter block);

    Task<string> SendRequestAsync(CallInput callInput, object id = null);

    Task<string> SendRequestAsync(CallInput callInput, BlockParameter block, object id = null);
}

/// <summary>eth_estimateGas.</summary>
public interface IEthEstimateGas
{
    RpcRequest BuildRequest(CallInput callInput, object id = null);

    Task<HexBigInteger> SendRequestAsync(CallInput callInput, object id = null);
}

/// <summary>eth_getTransactionCount: the next nonce.</summary>
public interface IEthGetTransactionCount
{
    RpcRequest BuildRequest(string address, BlockParameter block, object id = null);

    Task<HexBigInteger> SendRequestAsync(string address, object id = null);

    Task<HexBigInteger> SendRequestAsync(string address, BlockParameter block, object id = null);
}

/// <summary>eth_getTransactionReceipt; null while the transaction is not mined.</summary>
public interface IEthGetTransactionReceipt
{
    RpcRequest BuildRequest(string transactionHash, object id = null);

    RpcRequestResponseBatchItem<EthGetTransactionReceipt, TransactionReceipt> CreateBatchItem(string transactionHash, object id);

    Task<List<TransactionReceipt>> SendBatchRequestAsync(string[] transactionHashes);

    Task<TransactionReceipt> SendRequestAsync(string transactionHash, object id = null);
}

/// <summary>eth_sendRawTransaction: the transaction hash.</summary>
public interface IEthSendRawTransaction
{
    RpcRequest BuildRequest(string signedTransactionData, object id = null);

    RpcRequestResponseBatchItem<EthSendRawTransaction, string> CreateBatchItem(string signedTransactionData, object id = null);

    Task<List<string>> SendBatchRequestAsync(params string[] signedTransactionDatas);

    Task<string> SendRequestAsync(string signedTransactionData, object id = null);
}

/// <summary>eth_call.</summary>
public class EthCall(IClient client) : RpcRequestResponseHandler<string>(client, "eth_call"), IEthCall
{
    public RpcRequest BuildRequest(CallInput callInput, BlockParameter block, object id = null) => Request(id, callInput, block);

    public RpcRequestResponseBatchItem<EthCall, string> CreateBatchItem(CallInput callInput, BlockParameter block, object id) =>
        new(this, BuildRequest(callInput, block, id));

    public Task<List<string>> SendBatchRequestAsync(CallInput[] callInputs, BlockParameter block) =>
        SendBatchAsync(callInputs.Select((callInput, i) => CreateBatchItem(callInput, block, i)));

    public Task<string> SendRequestAsync(CallInput callInput, object id = null) => SendRequestAsync(callInput, BlockParameter.CreateLatest(), id);

    public Task<string> SendRequestAsync(CallInput callInput, BlockParameter block, object id = null) => SendAsync(BuildRequest(callInput, block, id));
}

/// <summary>eth_getTransactionReceipt.</summary>
public class EthGetTransactionReceipt(IClient client)
    : RpcRequestResponseHandler<TransactionReceipt>(client, "eth_getTransactionReceipt"), IEthGetTransactionReceipt
{
    public RpcRequest BuildRequest(string transactionHash, object id = null) => Request(id, transactionHash);

    public RpcRequestResponseBatchItem<EthGetTransactionReceipt, TransactionReceipt> CreateBatchItem(string transactionHash, object id) =>
        new(this, BuildRequest(transactionHash, id));

    public Task<List<TransactionReceipt>> SendBatchRequestAsync(string[] transactionHashes) =>
        SendBatchAsync(transactionHashes.Select((hash, i) => CreateBatchItem(hash, i)));

    public Task<TransactionReceipt> SendRequestAsync(string transactionHash, object id = null) => SendAsync(BuildRequest(transactionHash, id));
}

/// <summary>eth_sendRawTransaction.</summary>
public class EthSendRawTransaction(IClient client) : RpcRequestResponseHandler<string>(client, "eth_sendRawTransaction"), IEthSendRawTransaction
{
    public RpcRequest BuildRequest(string signedTransactionData, object id = null) => Request(id, signedTransactionData.EnsureHexPrefix());

    public RpcRequestResponseBatchItem<EthSendRawTransaction, string> CreateBatchItem(string signedTransactionData, object id = null) =>
        new(this, BuildRequest(signedTransactionData, id));

    public Task<List<string>> SendBatchRequestAsync(params string[] signedTransactionDatas) =>
        SendBatchAsync(signedTransactionDatas.Select((data, i) => CreateBatchItem(data, i)));

    public Task<string> SendRequestAsync(string signedTransactionData, object id = null) => SendAsync(BuildRequest(signedTransactionData, id));
}

internal sealed class EthEstimateGas(IClient client) : RpcRequestResponseHandler<HexBigInteger>(client, "eth_estimateGas"), IEthEstimateGas
{
    public RpcRequest BuildRequest(CallInput callInput, object id = null) => Request(id, callInput);

    public Task<HexBigInteger> SendRequestAsync(CallInput callInput, object id = null) => SendAsync(BuildRequest(callInput, id));
}

internal sealed class EthGetTransactionCount(IClient client) : AccountHandler<HexBigInteger>(client, "eth_getTransactionCount"), IEthGetTransactionCount;
