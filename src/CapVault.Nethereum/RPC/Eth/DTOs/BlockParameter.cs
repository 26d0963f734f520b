using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Nethereum.Hex.HexTypes;

namespace Nethereum.RPC.Eth.DTOs;

/// <summary>A block by number, or by name.</summary>
[JsonConverter(typeof(BlockParameterJsonConverter))]
public class BlockParameter
{
    private readonly string name;

    /// <summary>The latest block.</summary>
    public BlockParameter() : this("latest")
    {
    }

    public BlockParameter(HexBigInteger blockNumber) => BlockNumber = blockNumber;

    public BlockParameter(ulong blockNumber) : this(new HexBigInteger(new BigInteger(blockNumber)))
    {
    }

    private BlockParameter(string name) => this.name = name;

    /// <summary>Null if the block is named.</summary>
    public HexBigInteger BlockNumber { get; }

    public static BlockParameter CreateLatest() => new("latest");

    public static BlockParameter CreateEarliest() => new("earliest");

    public static BlockParameter CreatePending() => new("pending");

    /// <summary>As JSON-RPC wants it: 0x… or the name.</summary>
    public string GetRPCParam() => BlockNumber?.HexValue ?? name;

    internal sealed class BlockParameterJsonConverter : JsonConverter<BlockParameter>
    {
        public override BlockParameter Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var text = reader.GetString();
            return text.StartsWith("0x", StringComparison.Ordinal) ? new BlockParameter(new HexBigInteger(text)) : new BlockParameter(text);
        }

        public override void Write(Utf8JsonWriter writer, BlockParameter value, JsonSerializerOptions options) => writer.WriteStringValue(value.GetRPCParam());
    }
}
