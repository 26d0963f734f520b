using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Rpc;

/// <summary>Reads JSON-RPC's hexadecimal values strictly.</summary>
internal static class RpcFields
{
    /// <summary>The bits of a gas limit or a fee.</summary>
    public const int Short = 128;

    /// <summary>A number, <c>0x</c> and hex digits, that fits into so many bits.</summary>
    public static BigInteger Quantity(JsonElement value, string field, int bits)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 2 and <= 66 } text && text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && BigInteger.TryParse("0" + text[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) && number.GetBitLength() <= bits)
        {
            return number;
        }

        throw RpcException.Invalid(field, RpcException.Text(value), $"0x and the hex digits of a number of at most {bits} bits");
    }

    /// <summary>Bytes, <c>0x</c> and pairs of hex digits.</summary>
    public static byte[] Bytes(JsonElement value, string field, int maximum)
    {
        if (value.ValueKind != JsonValueKind.String || value.GetString() is not { } text || !text.StartsWith("0x", StringComparison.Ordinal) || text.Length % 2 != 0 || !IsHex(text))
        {
            throw RpcException.Invalid(field, RpcException.Text(value), "0x and pairs of hex digits");
        }

        return text.Length <= 2 + (2 * maximum) ? text.HexToByteArray() : throw RpcException.Invalid(field, $"{(text.Length - 2) / 2} bytes", $"at most {maximum} bytes");
    }

    /// <summary>An address, however its letters are written.</summary>
    public static byte[] Address(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { Length: 42 } text && text.StartsWith("0x", StringComparison.Ordinal) && IsHex(text)
            ? text.HexToByteArray()
            : throw RpcException.Invalid(field, RpcException.Text(value), "an address: 0x and 40 hex digits");

    /// <summary>A hash.</summary>
    public static byte[] Hash(JsonElement value, string field) =>
        value.ValueKind == JsonValueKind.String && value.GetString() is { Length: 66 } text && text.StartsWith("0x", StringComparison.Ordinal) && IsHex(text)
            ? text.HexToByteArray()
            : throw RpcException.Invalid(field, RpcException.Text(value), "a hash: 0x and 64 hex digits");

    /// <summary>A number as JSON-RPC writes it.</summary>
    public static string Hex(BigInteger number) => number.IsZero ? "0x0" : "0x" + number.ToString("x", CultureInfo.InvariantCulture).TrimStart('0');

    private static bool IsHex(string text) => !text.AsSpan(2).ContainsAnyExcept(HexDigits);

    private static readonly System.Buffers.SearchValues<char> HexDigits = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");
}
