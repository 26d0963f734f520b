using System.Text.Json.Serialization;
using Nethereum.Hex.HexTypes;

namespace Nethereum.RPC.Eth.DTOs;

/// <summary>What became of a mined transaction.</summary>
public class TransactionReceipt
{
    [JsonPropertyName("transactionHash")]
    public string TransactionHash { get; set; }

    [JsonPropertyName("transactionIndex")]
    public HexBigInteger TransactionIndex { get; set; }

    [JsonPropertyName("blockHash")]
    public string BlockHash { get; set; }

    [JsonPropertyName("blockNumber")]
    public HexBigInteger BlockNumber { get; set; }

    [JsonPropertyName("from")]
    public string From { get; set; }

    [JsonPropertyName("to")]
    public string To { get; set; }

    [JsonPropertyName("cumulativeGasUsed")]
    public HexBigInteger CumulativeGasUsed { get; set; }

    [JsonPropertyName("gasUsed")]
    public HexBigInteger GasUsed { get; set; }

    [JsonPropertyName("effectiveGasPrice")]
    public HexBigInteger EffectiveGasPrice { get; set; }

    /// <summary>The contract that the transaction created, or null.</summary>
    [JsonPropertyName("contractAddress")]
    public string ContractAddress { get; set; }

    /// <summary>1 = success, 0 = reverted.</summary>
    [JsonPropertyName("status")]
    public HexBigInteger Status { get; set; }

    [JsonPropertyName("logs")]
    public FilterLog[] Logs { get; set; }

    [JsonPropertyName("type")]
    public HexBigInteger Type { get; set; }

    /// <summary>Whether it reverted; null if the node does not say.</summary>
    public bool? HasErrors() => Status is null ? null : Status.Value.IsZero;
}
