using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Infrastructure;

namespace Nethereum.RPC.Eth.Blocks;

/// <summary>eth_blockNumber.</summary>
public interface IEthBlockNumber : IGenericRpcRequestResponseHandlerNoParam<HexBigInteger>;

/// <summary>eth_getBlockByNumber without whole transactions; null if there is no such block.</summary>
public interface IEthGetBlockWithTransactionsHashesByNumber
{
    RpcRequest BuildRequest(BlockParameter blockParameter, object id = null);

    RpcRequest BuildRequest(HexBigInteger number, object id = null);

    RpcRequestResponseBatchItem<EthGetBlockWithTransactionsHashesByNumber, BlockWithTransactionHashes> CreateBatchItem(HexBigInteger number, object id);

    Task<List<BlockWithTransactionHashes>> SendBatchRequestAsync(params HexBigInteger[] numbers);

    Task<BlockWithTransactionHashes> SendRequestAsync(BlockParameter blockParameter, object id = null);

    Task<BlockWithTransactionHashes> SendRequestAsync(HexBigInteger number, object id = null);
}

/// <summary>eth_getBlockByHash without whole transactions; null if there is no such block.</summary>
public interface IEthGetBlockWithTransactionsHashesByHash
{
    RpcRequest BuildRequest(string blockHash, object id = null);

    Task<BlockWithTransactionHashes> SendRequestAsync(string blockHash, object id = null);
}

internal sealed class EthBlockNumber(IClient client) : NoParamHandler<HexBigInteger>(client, "eth_blockNumber"), IEthBlockNumber;

/// <summary>eth_getBlockByNumber without whole transactions.</summary>
public class EthGetBlockWithTransactionsHashesByNumber(IClient client)
    : RpcRequestResponseHandler<BlockWithTransactionHashes>(client, "eth_getBlockByNumber"), IEthGetBlockWithTransactionsHashesByNumber
{
    public RpcRequest BuildRequest(BlockParameter blockParameter, object id = null) => Request(id, blockParameter, false);

    public RpcRequest BuildRequest(HexBigInteger number, object id = null) => BuildRequest(new BlockParameter(number), id);

    public RpcRequestResponseBatchItem<EthGetBlockWithTransactionsHashesByNumber, BlockWithTransactionHashes> CreateBatchItem(HexBigInteger number, object id) =>
        new(this, BuildRequest(number, id));

    public Task<List<BlockWithTransactionHashes>> SendBatchRequestAsync(params HexBigInteger[] numbers) =>
        SendBatchAsync(numbers.Select((number, i) => CreateBatchItem(number, i)));

    public Task<BlockWithTransactionHashes> SendRequestAsync(BlockParameter blockParameter, object id = null) => SendAsync(BuildRequest(blockParameter, id));

    public Task<BlockWithTransactionHashes> SendRequestAsync(HexBigInteger number, object id = null) => SendAsync(BuildRequest(number, id));
}

internal sealed class EthGetBlockWithTransactionsHashesByHash(IClient client)
    : RpcRequestResponseHandler<BlockWithTransactionHashes>(client, "eth_getBlockByHash"), IEthGetBlockWithTransactionsHashesByHash
{
    public RpcRequest BuildRequest(string blockHash, object id = null) => Request(id, blockHash, false);

    public Task<BlockWithTransactionHashes> SendRequestAsync(string blockHash, object id = null) => SendAsync(BuildRequest(blockHash, id));
}
