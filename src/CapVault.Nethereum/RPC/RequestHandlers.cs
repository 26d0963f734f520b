using Nethereum.JsonRpc.Client;

namespace Nethereum.RPC.Infrastructure;

/// <summary>One JSON-RPC method without parameters.</summary>
public interface IGenericRpcRequestResponseHandlerNoParam<TResponse>
{
    RpcRequest BuildRequest(object id = null);

    Task<TResponse> SendRequestAsync(object id = null);
}

/// <summary>One JSON-RPC method: what all of them share.</summary>
public abstract class RpcRequestResponseHandler<TResponse>(IClient client, string methodName) : IRpcRequestHandler
{
    // The id only tells the answers of one batch apart; a request that travels alone needs no other.
    private const int DefaultId = 1;

    public IClient Client { get; } = client;

    public string MethodName { get; } = methodName;

    internal RpcRequest Request(object id, params object[] parameters) => new(id ?? DefaultId, MethodName, parameters);

    internal Task<TResponse> SendAsync(RpcRequest request) => Client.SendRequestAsync<TResponse>(request);

    /// <summary>Sends the items as one batch; an answer with an error throws.</summary>
    internal async Task<List<TResponse>> SendBatchAsync<THandler>(IEnumerable<RpcRequestResponseBatchItem<THandler, TResponse>> items)
        where THandler : IRpcRequestHandler
    {
        var batch = new RpcRequestResponseBatch();
        batch.BatchItems.AddRange(items);
        await Client.SendBatchRequestAsync(batch);
        return [.. batch.BatchItems.Select(item => ((RpcRequestResponseBatchItem<THandler, TResponse>)item).Response)];
    }
}

internal class NoParamHandler<TResponse>(IClient client, string methodName)
    : RpcRequestResponseHandler<TResponse>(client, methodName), IGenericRpcRequestResponseHandlerNoParam<TResponse>
{
    public RpcRequest BuildRequest(object id = null) => Request(id);

    public Task<TResponse> SendRequestAsync(object id = null) => SendAsync(BuildRequest(id));
}
