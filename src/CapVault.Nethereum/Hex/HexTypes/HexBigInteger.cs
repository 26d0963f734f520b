using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Nethereum.Hex.HexConvertors.Extensions;

namespace Nethereum.Hex.HexTypes;

/// <summary>A JSON-RPC quantity: an unsigned integer, written as compact 0x hexadecimal.</summary>
[JsonConverter(typeof(HexBigIntegerJsonConverter))]
public class HexBigInteger : HexRPCType<BigInteger>
{
    public HexBigInteger(string hex) : base(Convertor.Instance, hex)
    {
    }

    public HexBigInteger(BigInteger value) : base(value, Convertor.Instance)
    {
    }

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private sealed class Convertor : IHexConvertor<BigInteger>
    {
        public static readonly Convertor Instance = new();

        public string ConvertToHex(BigInteger value) => value.ToHex(littleEndian: false);

        public BigInteger ConvertFromHex(string value) => value.HexToBigInteger(isHexLittleEndian: false);
    }

    internal sealed class HexBigIntegerJsonConverter : JsonConverter<HexBigInteger>
    {
        public override HexBigInteger Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Number ? new HexBigInteger(new BigInteger(reader.GetUInt64())) : new HexBigInteger(reader.GetString());

        public override void Write(Utf8JsonWriter writer, HexBigInteger value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.HexValue);
    }
}
