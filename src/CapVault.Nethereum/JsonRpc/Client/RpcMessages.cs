using System.Text.Json;
using System.Text.Json.Serialization;

namespace Nethereum.JsonRpc.Client.RpcMessages;

/// <summary>A JSON-RPC 2.0 request as it goes over the wire.</summary>
public class RpcRequestMessage
{
    public RpcRequestMessage(object id, string method, params object[] parameterList)
    {
        Id = id;
        Method = method;
        RawParameters = parameterList;
    }

    [JsonPropertyName("id")]
    public object Id { get; set; }

    [JsonPropertyName("jsonrpc")]
    public string JsonRpcVersion { get; set; } = "2.0";

    [JsonPropertyName("method")]
    public string Method { get; set; }

    [JsonPropertyName("params")]
    public object RawParameters { get; set; }
}

/// <summary>A JSON-RPC 2.0 response as it came over the wire.</summary>
public class RpcResponseMessage
{
    [JsonPropertyName("id")]
    public object Id { get; set; }

    [JsonPropertyName("jsonrpc")]
    public string JsonRpcVersion { get; set; }

    [JsonPropertyName("result")]
    public JsonElement ResultSystemTextJson { get; set; }

    [JsonPropertyName("error")]
    public RpcError Error { get; set; }

    [JsonIgnore]
    public bool HasError => Error is not null;
}
