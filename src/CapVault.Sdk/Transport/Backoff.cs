namespace CapVault.Sdk.Transport;

/// <summary>How long to wait before trying again: 1, 2, 4, 8, 16, 30, 30 … s, each ±20 % so that clients that lost the same server do not come
/// back in step.</summary>
internal static class Backoff
{
    private const double LongestSeconds = 30;
    private const double Jitter = 0.2;

    /// <param name="failures">Failures in a row, from 1.</param>
    /// <param name="unit">0 ≤ unit &lt; 1, random.</param>
    public static TimeSpan Delay(int failures, double unit)
    {
        var seconds = Math.Min(LongestSeconds, Math.Pow(2, failures - 1));
        return TimeSpan.FromSeconds(seconds * (1 - Jitter + (2 * Jitter * unit)));
    }

    /// <inheritdoc cref="Delay(int, double)"/>
    public static TimeSpan Delay(int failures) => Delay(failures, Random.Shared.NextDouble());
}
