using Nethereum.JsonRpc.Client.RpcMessages;

namespace Nethereum.JsonRpc.Client;

/// <summary>One request of a batch and, after sending, its answer.</summary>
public interface IRpcRequestResponseBatchItem
{
    bool HasError { get; }

    object RawResponse { get; }

    RpcError RpcError { get; }

    RpcRequestMessage RpcRequestMessage { get; }

    void DecodeResponse(RpcResponseMessage rpcResponse);
}

/// <summary>One request of a batch and, after sending, its answer.</summary>
public class RpcRequestResponseBatchItem<TRequestHandler, TResponse> : IRpcRequestResponseBatchItem where TRequestHandler : IRpcRequestHandler
{
    public RpcRequestResponseBatchItem(TRequestHandler requestHandler, RpcRequest rpcRequest)
    {
        RequestHandler = requestHandler;
        RpcRequestMessage = new RpcRequestMessage(rpcRequest.Id, rpcRequest.Method, rpcRequest.RawParameters);
    }

    public TRequestHandler RequestHandler { get; }

    public RpcRequestMessage RpcRequestMessage { get; }

    public TResponse Response { get; private set; }

    public object RawResponse => Response;

    public bool HasError { get; private set; }

    public RpcError RpcError { get; private set; }

    public void DecodeResponse(RpcResponseMessage rpcResponse)
    {
        HasError = rpcResponse.HasError;
        RpcError = rpcResponse.Error;
        if (!HasError)
        {
            Response = RpcJson.Decode<TResponse>(rpcResponse.ResultSystemTextJson);
        }
    }
}

/// <summary>Requests that travel together; their ids must differ.</summary>
public class RpcRequestResponseBatch
{
    /// <summary>Whether errors stay in their items instead of being thrown.</summary>
    public bool AcceptPartiallySuccessful { get; set; }

    public List<IRpcRequestResponseBatchItem> BatchItems { get; set; } = [];

    public RpcRequestMessage[] GetRpcRequests() => [.. BatchItems.Select(item => item.RpcRequestMessage)];

    /// <summary>Gives each answer to the request with its id.</summary>
    /// <exception cref="RpcResponseBatchException">A request failed and AcceptPartiallySuccessful is false.</exception>
    public void UpdateBatchItemResponses(IEnumerable<RpcResponseMessage> responses)
    {
        var items = BatchItems.ToDictionary(item => item.RpcRequestMessage.Id.ToString(), StringComparer.Ordinal);
        foreach (var response in responses)
        {
            items[response.Id.ToString()].DecodeResponse(response);
        }

        var errors = BatchItems.Where(item => item.HasError).Select(item => item.RpcError).ToArray();
        if (errors.Length > 0 && !AcceptPartiallySuccessful)
        {
            throw new RpcResponseBatchException(errors);
        }
    }
}
