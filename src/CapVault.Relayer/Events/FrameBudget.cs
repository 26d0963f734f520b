using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Events;

/// <summary>How many frames a client may send by its own idea: a hundred at once, twenty a second. What answers to something does not count.</summary>
public sealed class FrameBudget(TimeProvider time)
{
    private const double Burst = 100;
    private const double PerSecond = 20;

    private readonly TokenBucket _bucket = new(Burst, PerSecond, time);

    /// <summary>Takes one frame from the budget.</summary>
    /// <exception cref="StreamException">There is nothing left.</exception>
    public void Spend()
    {
        if (!_bucket.TryTake())
        {
            throw new StreamException(CloseCodes.TooFast, ErrorCodes.RateLimited, $"found more than {Burst} frames at once or {PerSecond} a second that answer to nothing; send acks of events and pongs");
        }
    }
}
