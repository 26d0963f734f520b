using System.Globalization;
using System.Numerics;

namespace Nethereum.Hex.HexConvertors.Extensions;

/// <summary>Unsigned integers to hexadecimal text and back.</summary>
public static class HexBigIntegerConvertorExtensions
{
    /// <summary>0x-prefixed hexadecimal; compact drops leading zeros, as JSON-RPC quantities want it (zero is 0x0).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public static string ToHex(this BigInteger value, bool littleEndian, bool compact = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        if (value.IsZero)
        {
            return "0x0";
        }

        var hex = System.Convert.ToHexStringLower(value.ToByteArray(isUnsigned: true, isBigEndian: !littleEndian));
        return "0x" + (compact ? hex.TrimStart('0') : hex);
    }

    /// <summary>The unsigned number that the hexadecimal text writes; "0x" is zero.</summary>
    public static BigInteger HexToBigInteger(this string hex, bool isHexLittleEndian)
    {
        if (isHexLittleEndian)
        {
            return new BigInteger(hex.HexToByteArray(), isUnsigned: true, isBigEndian: false);
        }

        var digits = hex.RemoveHexPrefix();
        if (digits.Length is > 0 and <= 16 && ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var small))
        {
            return small;
        }

        return new BigInteger(hex.HexToByteArray(), isUnsigned: true, isBigEndian: true);
    }
}
