using System.Text.Json;
using System.Text.Json.Serialization;
using Nethereum.Hex.HexTypes;

namespace Nethereum.RPC.Eth.DTOs;

/// <summary>A log entry.</summary>
public class FilterLog
{
    /// <summary>Whether a reorganisation took it back.</summary>
    [JsonPropertyName("removed")]
    public bool Removed { get; set; }

    [JsonPropertyName("logIndex")]
    public HexBigInteger LogIndex { get; set; }

    [JsonPropertyName("transactionHash")]
    public string TransactionHash { get; set; }

    [JsonPropertyName("transactionIndex")]
    public HexBigInteger TransactionIndex { get; set; }

    [JsonPropertyName("blockHash")]
    public string BlockHash { get; set; }

    [JsonPropertyName("blockNumber")]
    public HexBigInteger BlockNumber { get; set; }

    [JsonPropertyName("address")]
    public string Address { get; set; }

    [JsonPropertyName("data")]
    public string Data { get; set; }

    /// <summary>Strings: 0x and 64 hexadecimal digits each.</summary>
    [JsonPropertyName("topics")]
    [JsonConverter(typeof(TopicsJsonConverter))]
    public object[] Topics { get; set; }

    internal sealed class TopicsJsonConverter : JsonConverter<object[]>
    {
        public override object[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<string[]>(ref reader, options);

        public override void Write(Utf8JsonWriter writer, object[] value, JsonSerializerOptions options) => JsonSerializer.Serialize<object>(writer, value, options);
    }
}

/// <summary>Which logs to fetch.</summary>
public class NewFilterInput
{
    [JsonPropertyName("fromBlock")]
    public BlockParameter FromBlock { get; set; }

    [JsonPropertyName("toBlock")]
    public BlockParameter ToBlock { get; set; }

    /// <summary>Contracts; null is all.</summary>
    [JsonPropertyName("address")]
    public string[] Address { get; set; }

    /// <summary>By place: a topic, an array of alternatives, or null for any.</summary>
    [JsonPropertyName("topics")]
    public object[] Topics { get; set; }
}
