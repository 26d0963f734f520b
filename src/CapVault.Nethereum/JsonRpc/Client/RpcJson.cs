using System.Text.Json;
using System.Text.Json.Serialization;

namespace Nethereum.JsonRpc.Client;

/// <summary>How RPC parameters and results are written: names as declared, read without regard to case, nulls left out.</summary>
internal static class RpcJson
{
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNameCaseInsensitive = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public static T Decode<T>(JsonElement result) =>
        result.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? default : result.Deserialize<T>(Options);
}
