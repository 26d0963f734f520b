using Nethereum.JsonRpc.Client.RpcMessages;

namespace Nethereum.JsonRpc.Client;

/// <summary>What all transports share: ids, results, errors.</summary>
public abstract class ClientBase : IClient
{
    /// <summary>How long a request may take, in all clients.</summary>
    public static TimeSpan ConnectionTimeout { get; set; } = TimeSpan.FromSeconds(120);

    /// <exception cref="RpcResponseException">The node answered with an error.</exception>
    public async Task<T> SendRequestAsync<T>(RpcRequest request, string route = null)
    {
        var response = await SendAsync(new RpcRequestMessage(request.Id, request.Method, request.RawParameters), route);
        HandleRpcError(response, request.Method);
        return DecodeResult<T>(response);
    }

    /// <exception cref="RpcResponseException">The node answered with an error.</exception>
    public Task<T> SendRequestAsync<T>(string method, string route = null, params object[] paramList) =>
        SendRequestAsync<T>(NewRequest(method, paramList), route);

    /// <exception cref="RpcResponseException">The node answered with an error.</exception>
    public async Task SendRequestAsync(RpcRequest request, string route = null)
    {
        var response = await SendAsync(new RpcRequestMessage(request.Id, request.Method, request.RawParameters), route);
        HandleRpcError(response, request.Method);
    }

    /// <exception cref="RpcResponseException">The node answered with an error.</exception>
    public Task SendRequestAsync(string method, string route = null, params object[] paramList) => SendRequestAsync(NewRequest(method, paramList), route);

    /// <summary>Sends all requests in one message and fills in their answers.</summary>
    /// <exception cref="RpcResponseBatchException">A request failed and AcceptPartiallySuccessful is false.</exception>
    public async Task<RpcRequestResponseBatch> SendBatchRequestAsync(RpcRequestResponseBatch rpcRequestResponseBatch)
    {
        var responses = await SendAsync(rpcRequestResponseBatch.GetRpcRequests());
        rpcRequestResponseBatch.UpdateBatchItemResponses(responses);
        return rpcRequestResponseBatch;
    }

    public T DecodeResult<T>(RpcResponseMessage rpcResponseMessage) => RpcJson.Decode<T>(rpcResponseMessage.ResultSystemTextJson);

    public abstract Task<RpcResponseMessage> SendAsync(RpcRequestMessage rpcRequestMessage, string route = null);

    protected abstract Task<RpcResponseMessage[]> SendAsync(RpcRequestMessage[] requests);

    protected void HandleRpcError(RpcResponseMessage response, string reqMsg)
    {
        if (response.HasError)
        {
            throw new RpcResponseException(new RpcError(response.Error.Code, response.Error.Message + ": " + reqMsg, response.Error.Data));
        }
    }

    private static RpcRequest NewRequest(string method, object[] paramList) => new(Guid.NewGuid().ToString(), method, paramList);
}
