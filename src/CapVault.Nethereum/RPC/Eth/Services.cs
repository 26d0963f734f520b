using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.Blocks;
using Nethereum.RPC.Eth.Filters;
using Nethereum.RPC.Eth.Transactions;

namespace Nethereum.RPC.Eth.Services;

/// <summary>The eth_ methods about blocks.</summary>
public interface IEthApiBlockService
{
    IEthBlockNumber GetBlockNumber { get; }

    IEthGetBlockWithTransactionsHashesByHash GetBlockWithTransactionsHashesByHash { get; }

    IEthGetBlockWithTransactionsHashesByNumber GetBlockWithTransactionsHashesByNumber { get; }
}

/// <summary>The eth_ methods about logs.</summary>
public interface IEthApiFilterService
{
    IEthGetLogs GetLogs { get; }
}

/// <summary>The eth_ methods about calls and transactions.</summary>
public interface IEthApiTransactionsService
{
    IEthCall Call { get; }

    IEthEstimateGas EstimateGas { get; }

    IEthGetTransactionCount GetTransactionCount { get; }

    IEthGetTransactionReceipt GetTransactionReceipt { get; }

    IEthSendRawTransaction SendRawTransaction { get; }
}

internal sealed class EthApiBlockService(IClient client) : IEthApiBlockService
{
    public IEthBlockNumber GetBlockNumber { get; } = new EthBlockNumber(client);

    public IEthGetBlockWithTransactionsHashesByHash GetBlockWithTransactionsHashesByHash { get; } = new EthGetBlockWithTransactionsHashesByHash(client);

    public IEthGetBlockWithTransactionsHashesByNumber GetBlockWithTransactionsHashesByNumber { get; } = new EthGetBlockWithTransactionsHashesByNumber(client);
}

internal sealed class EthApiFilterService(IClient client) : IEthApiFilterService
{
    public IEthGetLogs GetLogs { get; } = new EthGetLogs(client);
}

internal sealed class EthApiTransactionsService(IClient client) : IEthApiTransactionsService
{
    public IEthCall Call { get; } = new EthCall(client);

    public IEthEstimateGas EstimateGas { get; } = new EthEstimateGas(client);

    public IEthGetTransactionCount GetTransactionCount { get; } = new EthGetTransactionCount(client);

    public IEthGetTransactionReceipt GetTransactionReceipt { get; } = new EthGetTransactionReceipt(client);

    public IEthSendRawTransaction SendRawTransaction { get; } = new EthSendRawTransaction(client);
}
