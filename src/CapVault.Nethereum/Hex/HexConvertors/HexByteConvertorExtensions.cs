namespace Nethereum.Hex.HexConvertors.Extensions;

/// <summary>Bytes to hexadecimal text and back.</summary>
public static class HexByteConvertorExtensions
{
    /// <summary>Lower-case hexadecimal, two digits per byte.</summary>
    public static string ToHex(this byte[] value, bool prefix = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        var hex = System.Convert.ToHexStringLower(value);
        return prefix ? "0x" + hex : hex;
    }

    public static bool HasHexPrefix(this string value) => value.StartsWith("0x", StringComparison.Ordinal);

    /// <summary>Whether the text, with or without 0x, has hexadecimal digits only. The empty text and null are not.</summary>
    public static bool IsHex(this string value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return false;
        }

        foreach (var digit in value.RemoveHexPrefix())
        {
            if (!char.IsAsciiHexDigit(digit))
            {
                return false;
            }
        }

        return true;
    }

    public static string RemoveHexPrefix(this string value) => value.HasHexPrefix() ? value[2..] : value;

    public static string EnsureHexPrefix(this string value) => value is null || value.HasHexPrefix() ? value : "0x" + value;

    /// <summary>Compares without regard to 0x and letter case.</summary>
    public static bool IsTheSameHex(this string first, string second) =>
        string.Equals(first.EnsureHexPrefix(), second.EnsureHexPrefix(), StringComparison.OrdinalIgnoreCase);

    /// <summary>Bytes of the text, with or without 0x; an odd first digit is a byte of its own.</summary>
    /// <exception cref="FormatException">A character is not a hexadecimal digit.</exception>
    public static byte[] HexToByteArray(this string value)
    {
        if (string.IsNullOrEmpty(value))
        {
            return [];
        }

        var digits = value.RemoveHexPrefix();
        try
        {
            return System.Convert.FromHexString(digits.Length % 2 == 0 ? digits : "0" + digits);
        }
        catch (FormatException e)
        {
            throw new FormatException($"Found '{value}', expected hexadecimal digits with or without 0x.", e);
        }
    }
}
