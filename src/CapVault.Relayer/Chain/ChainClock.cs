namespace CapVault.Relayer.Chain;

/// <summary>
/// Time as the chain will see it: the newest header's timestamp plus what has passed since it was seen. On-chain deadlines are
/// decided by it, never by this machine's clock, which may be off.
/// </summary>
public sealed class ChainClock(TimeProvider time)
{
    private readonly Lock _gate = new();
    private long _headTime;
    private long _seenAt;

    /// <summary>Unix seconds.</summary>
    public long Now
    {
        get
        {
            lock (_gate)
            {
                return _headTime + (long)time.GetElapsedTime(_seenAt).TotalSeconds;
            }
        }
    }

    /// <summary>The newest header's own timestamp, unix seconds: the next block's is not before it.</summary>
    public long HeadTime
    {
        get
        {
            lock (_gate)
            {
                return _headTime;
            }
        }
    }

    /// <summary>Takes note of a new head.</summary>
    public void Observe(long headTime)
    {
        lock (_gate)
        {
            // Several blocks may share a second: what passed since its first still counts.
            if (headTime != _headTime)
            {
                _headTime = headTime;
                _seenAt = time.GetTimestamp();
            }
        }
    }
}
