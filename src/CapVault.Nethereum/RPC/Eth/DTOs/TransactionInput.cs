using System.Text.Json.Serialization;
using Nethereum.Hex.HexTypes;

namespace Nethereum.RPC.Eth.DTOs;

/// <summary>A call to simulate. Amounts and fees in wei.</summary>
public class CallInput
{
    public CallInput()
    {
    }

    public CallInput(string data, string addressTo)
    {
        Data = data;
        To = addressTo;
    }

    [JsonPropertyName("from")]
    public string From { get; set; }

    [JsonPropertyName("to")]
    public string To { get; set; }

    [JsonPropertyName("gas")]
    public HexBigInteger Gas { get; set; }

    [JsonPropertyName("gasPrice")]
    public HexBigInteger GasPrice { get; set; }

    [JsonPropertyName("value")]
    public HexBigInteger Value { get; set; }

    [JsonPropertyName("data")]
    public string Data { get; set; }

    [JsonPropertyName("maxFeePerGas")]
    public HexBigInteger MaxFeePerGas { get; set; }

    [JsonPropertyName("maxPriorityFeePerGas")]
    public HexBigInteger MaxPriorityFeePerGas { get; set; }

    [JsonPropertyName("type")]
    public HexBigInteger Type { get; set; }

    [JsonPropertyName("chainId")]
    public HexBigInteger ChainId { get; set; }
}

/// <summary>A transaction to send. Amounts and fees in wei.</summary>
public class TransactionInput : CallInput
{
    public TransactionInput()
    {
    }

    public TransactionInput(string data, string addressTo) : base(data, addressTo)
    {
    }

    [JsonPropertyName("nonce")]
    public HexBigInteger Nonce { get; set; }
}
