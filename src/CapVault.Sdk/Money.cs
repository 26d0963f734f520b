using System.Globalization;
using System.Numerics;

namespace CapVault.Sdk;

/// <summary>USDC between base units, in which everything is counted, and the decimal strings that people read.</summary>
public static class Money
{
    /// <summary>USDC has 6 decimals.</summary>
    public const int Decimals = 6;

    private static readonly BigInteger Unit = BigInteger.Pow(10, Decimals);

    /// <summary>At least two decimals: <c>1.00</c>, <c>0.125</c>.</summary>
    public static string Format(BigInteger amount)
    {
        var (whole, rest) = BigInteger.DivRem(BigInteger.Abs(amount), Unit);
        var fraction = rest.ToString(CultureInfo.InvariantCulture).PadLeft(Decimals, '0').TrimEnd('0').PadRight(2, '0');
        return $"{(amount.Sign < 0 ? "-" : "")}{whole.ToString(CultureInfo.InvariantCulture)}.{fraction}";
    }

    /// <summary>Digits, optionally a point and 1 – 6 digits; no sign, exponent, separator or blank.</summary>
    public static bool TryParse(string text, out BigInteger amount)
    {
        amount = default;
        var parts = text.Split('.');
        if (parts.Length > 2 || text.Length > 50 || parts.Any(part => part.Length == 0 || !part.All(char.IsAsciiDigit)))
        {
            return false;
        }

        var fraction = parts.Length == 2 ? parts[1] : "";
        if (fraction.Length > Decimals)
        {
            return false;
        }

        amount = BigInteger.Parse(parts[0] + fraction.PadRight(Decimals, '0'), CultureInfo.InvariantCulture);
        return true;
    }
}
