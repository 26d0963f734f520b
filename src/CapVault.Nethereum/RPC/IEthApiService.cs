using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth;
using Nethereum.RPC.Eth.Services;
using Nethereum.RPC.TransactionManagers;

namespace Nethereum.RPC;

/// <summary>Something that sends through a client.</summary>
public interface IRpcClientWrapper
{
    IClient Client { get; }
}

/// <summary>The eth_ methods.</summary>
public interface IEthApiService : IRpcClientWrapper
{
    IEthChainId ChainId { get; }

    IEthApiBlockService Blocks { get; }

    IEthApiFilterService Filters { get; }

    IEthGetBalance GetBalance { get; }

    IEthGetCode GetCode { get; }

    ITransactionManager TransactionManager { get; set; }

    IEthApiTransactionsService Transactions { get; }
}
