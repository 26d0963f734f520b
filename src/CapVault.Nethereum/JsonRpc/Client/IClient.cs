using Nethereum.JsonRpc.Client.RpcMessages;

namespace Nethereum.JsonRpc.Client;

/// <summary>Sends JSON-RPC requests.</summary>
public interface IBaseClient
{
    T DecodeResult<T>(RpcResponseMessage rpcResponseMessage);

    Task SendRequestAsync(RpcRequest request, string route = null);

    Task SendRequestAsync(string method, string route = null, params object[] paramList);
}

/// <summary>Sends JSON-RPC requests and decodes their results.</summary>
public interface IClient : IBaseClient
{
    Task<RpcRequestResponseBatch> SendBatchRequestAsync(RpcRequestResponseBatch rpcRequestResponseBatch);

    Task<T> SendRequestAsync<T>(RpcRequest request, string route = null);

    Task<RpcResponseMessage> SendAsync(RpcRequestMessage rpcRequestMessage, string route = null);

    Task<T> SendRequestAsync<T>(string method, string route = null, params object[] paramList);
}

/// <summary>Something that makes the requests of one JSON-RPC method.</summary>
public interface IRpcRequestHandler
{
    IClient Client { get; }

    string MethodName { get; }
}
