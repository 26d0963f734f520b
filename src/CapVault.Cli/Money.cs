using System.Globalization;
using System.Numerics;

namespace CapVault.Cli;

/// <summary>Base units as people read them.</summary>
internal static class Money
{
    private const int UsdcUnit = 1_000_000;

    /// <summary>Two decimals, or as many as there are.</summary>
    public static string Usdc(BigInteger baseUnits)
    {
        var whole = BigInteger.DivRem(BigInteger.Abs(baseUnits), UsdcUnit, out var rest);
        var decimals = ((int)rest).ToString("D6", CultureInfo.InvariantCulture).TrimEnd('0').PadRight(2, '0');
        return $"{(baseUnits.Sign < 0 ? "-" : "")}{whole.ToString("N0", CultureInfo.InvariantCulture)}.{decimals}";
    }
}
