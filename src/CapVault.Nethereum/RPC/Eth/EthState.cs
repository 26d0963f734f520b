using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Infrastructure;

namespace Nethereum.RPC.Eth;

/// <summary>eth_chainId.</summary>
public interface IEthChainId : IGenericRpcRequestResponseHandlerNoParam<HexBigInteger>;

/// <summary>eth_getBalance: wei of an account.</summary>
public interface IEthGetBalance
{
    RpcRequest BuildRequest(string address, BlockParameter block, object id = null);

    Task<HexBigInteger> SendRequestAsync(string address, object id = null);

    Task<HexBigInteger> SendRequestAsync(string address, BlockParameter block, object id = null);
}

/// <summary>eth_getCode: an account's code, 0x if it has none.</summary>
public interface IEthGetCode
{
    RpcRequest BuildRequest(string address, BlockParameter block, object id = null);

    Task<string> SendRequestAsync(string address, object id = null);

    Task<string> SendRequestAsync(string address, BlockParameter block, object id = null);
}

internal sealed class EthChainId(IClient client) : NoParamHandler<HexBigInteger>(client, "eth_chainId"), IEthChainId;

/// <summary>A method of an account and a block.</summary>
internal abstract class AccountHandler<TResponse>(IClient client, string methodName) : RpcRequestResponseHandler<TResponse>(client, methodName)
{
    public RpcRequest BuildRequest(string address, BlockParameter block, object id = null) => Request(id, address, block);

    public Task<TResponse> SendRequestAsync(string address, object id = null) => SendRequestAsync(address, BlockParameter.CreateLatest(), id);

    public Task<TResponse> SendRequestAsync(string address, BlockParameter block, object id = null) => SendAsync(BuildRequest(address, block, id));
}

internal sealed class EthGetBalance(IClient client) : AccountHandler<HexBigInteger>(client, "eth_getBalance"), IEthGetBalance;

internal sealed class EthGetCode(IClient client) : AccountHandler<string>(client, "eth_getCode"), IEthGetCode;
