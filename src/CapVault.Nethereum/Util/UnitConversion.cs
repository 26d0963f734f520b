using System.Numerics;

namespace Nethereum.Util;

/// <summary>Base units to decimal amounts and back.</summary>
public class UnitConversion
{
    public static UnitConversion Convert { get; } = new();

    /// <summary>value / 10^decimalPlacesToUnit.</summary>
    /// <exception cref="OverflowException">The amount does not fit a decimal.</exception>
    public decimal FromWei(BigInteger value, int decimalPlacesToUnit)
    {
        var whole = BigInteger.DivRem(value, BigInteger.Pow(10, decimalPlacesToUnit), out var rest);
        return (decimal)whole + ((decimal)rest / (decimal)BigInteger.Pow(10, decimalPlacesToUnit));
    }

    /// <summary>amount * 10^decimalPlacesFromUnit; digits below one base unit are cut off.</summary>
    public BigInteger ToWei(decimal amount, int decimalPlacesFromUnit)
    {
        var whole = decimal.Truncate(amount);
        var scale = BigInteger.Pow(10, decimalPlacesFromUnit);
        // 28 decimal places is the most that a decimal carries, so the fraction scaled by 10^28 is exact.
        var fraction = new BigInteger((amount - whole) * 1e28m);
        return (new BigInteger(whole) * scale) + (fraction * scale / BigInteger.Pow(10, 28));
    }
}
