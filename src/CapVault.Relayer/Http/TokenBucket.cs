namespace CapVault.Relayer.Http;

/// <summary>Allows a burst, and in the long run so many a second. Not safe for parallel use.</summary>
/// <param name="size">How many at once.</param>
/// <param name="perSecond">How many come back each second.</param>
/// <param name="time">Its clock.</param>
public sealed class TokenBucket(double size, double perSecond, TimeProvider time)
{
    private double _missing;
    private long _at;

    /// <summary>How many may be taken now.</summary>
    public double Left => size - Missing;

    /// <summary>How long until one may be taken.</summary>
    public TimeSpan UntilNext => TimeSpan.FromSeconds(Math.Max(0, 1 - Left) / perSecond);

    /// <summary>How long until it is full: it is then as good as new.</summary>
    public TimeSpan UntilFull => TimeSpan.FromSeconds(Missing / perSecond);

    private double Missing
    {
        get
        {
            var now = time.GetTimestamp();
            _missing = Math.Max(0, _missing - (time.GetElapsedTime(_at, now).TotalSeconds * perSecond));
            _at = now;
            return _missing;
        }
    }

    /// <summary>Takes one, if there is one.</summary>
    public bool TryTake()
    {
        var isThere = Left >= 1;
        _missing += isThere ? 1 : 0;
        return isThere;
    }
}
