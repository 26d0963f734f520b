using System.Text.Json;

namespace Nethereum.JsonRpc.Client;

/// <summary>The error object of a JSON-RPC response.</summary>
public class RpcError
{
    public RpcError(int code, string message, object data = null)
    {
        Code = code;
        Message = message;
        Data = data is JsonElement { ValueKind: JsonValueKind.String } text ? text.GetString() : data;
    }

    public int Code { get; }

    public string Message { get; }

    /// <summary>Whatever the node adds; on a revert usually the revert data. Read it with <see cref="GetDataAsString"/>.</summary>
    public object Data { get; }

    /// <summary>The data if it is text, otherwise its JSON; null if there is none.</summary>
    public string GetDataAsString() => Data?.ToString();
}
