using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Infrastructure;

namespace Nethereum.RPC.Eth.Filters;

/// <summary>eth_getLogs.</summary>
public interface IEthGetLogs
{
    RpcRequest BuildRequest(NewFilterInput newFilter, object id = null);

    Task<FilterLog[]> SendRequestAsync(NewFilterInput newFilter, object id = null);
}

internal sealed class EthGetLogs(IClient client) : RpcRequestResponseHandler<FilterLog[]>(client, "eth_getLogs"), IEthGetLogs
{
    public RpcRequest BuildRequest(NewFilterInput newFilter, object id = null) => Request(id, newFilter);

    public Task<FilterLog[]> SendRequestAsync(NewFilterInput newFilter, object id = null) => SendAsync(BuildRequest(newFilter, id));
}
