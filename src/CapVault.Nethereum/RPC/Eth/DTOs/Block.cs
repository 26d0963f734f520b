using System.Text.Json.Serialization;
using Nethereum.Hex.HexTypes;

namespace Nethereum.RPC.Eth.DTOs;

/// <summary>A block's header.</summary>
public class Block
{
    [JsonPropertyName("number")]
    public HexBigInteger Number { get; set; }

    [JsonPropertyName("hash")]
    public string BlockHash { get; set; }

    [JsonPropertyName("parentHash")]
    public string ParentHash { get; set; }

    [JsonPropertyName("logsBloom")]
    public string LogsBloom { get; set; }

    [JsonPropertyName("stateRoot")]
    public string StateRoot { get; set; }

    [JsonPropertyName("miner")]
    public string Miner { get; set; }

    [JsonPropertyName("gasLimit")]
    public HexBigInteger GasLimit { get; set; }

    [JsonPropertyName("gasUsed")]
    public HexBigInteger GasUsed { get; set; }

    /// <summary>Unix seconds.</summary>
    [JsonPropertyName("timestamp")]
    public HexBigInteger Timestamp { get; set; }

    /// <summary>Wei per gas (EIP-1559).</summary>
    [JsonPropertyName("baseFeePerGas")]
    public HexBigInteger BaseFeePerGas { get; set; }
}

/// <summary>A block with the hashes of its transactions.</summary>
public class BlockWithTransactionHashes : Block
{
    [JsonPropertyName("transactions")]
    public string[] TransactionHashes { get; set; }
}
