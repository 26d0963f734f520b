namespace Nethereum.JsonRpc.Client;

/// <summary>The node answered with an error.</summary>
public class RpcResponseException(RpcError rpcError) : Exception(rpcError.Message)
{
    public RpcError RpcError { get; } = rpcError;
}

/// <summary>Some requests of a batch were answered with an error.</summary>
public class RpcResponseBatchException(RpcError[] errors) : Exception(string.Join("; ", errors.Select(error => error.Message)))
{
    public RpcError[] Errors { get; } = errors;
}

/// <summary>The request failed without an answer of the node: connection, HTTP status, or a body that is not JSON-RPC.</summary>
public class RpcClientUnknownException : Exception
{
    public RpcClientUnknownException(string message) : base(message)
    {
    }

    public RpcClientUnknownException(string message, Exception innerException) : base(message, innerException)
    {
    }
}

/// <summary>The node did not answer within <see cref="ClientBase.ConnectionTimeout"/>.</summary>
public class RpcClientTimeoutException : Exception
{
    public RpcClientTimeoutException(string message) : base(message)
    {
    }

    public RpcClientTimeoutException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
