namespace Nethereum.JsonRpc.Client;

/// <summary>A JSON-RPC method with its parameters.</summary>
public class RpcRequest
{
    public RpcRequest(object id, string method, params object[] parameterList)
    {
        Id = id;
        Method = method;
        RawParameters = parameterList;
    }

    public object Id { get; set; }

    public string Method { get; }

    public object[] RawParameters { get; }
}
