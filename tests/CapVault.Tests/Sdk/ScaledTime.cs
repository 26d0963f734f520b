using System.Collections.Concurrent;

namespace CapVault.Tests.Sdk;

/// <summary>Real time, only that delays pass faster by a factor; remembers them. What guards against a dead server keeps its length, so that a
/// busy machine is not taken for one.</summary>
internal sealed class ScaledTime(double factor) : TimeProvider
{
    private static readonly TimeSpan[] Guards = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(60)];

    private readonly ConcurrentQueue<TimeSpan> _delays = new();

    /// <summary>What was waited for, in order.</summary>
    public IReadOnlyList<TimeSpan> Delays => [.. _delays];

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime < TimeSpan.Zero || Guards.Contains(dueTime))
        {
            return base.CreateTimer(callback, state, dueTime, period);
        }

        _delays.Enqueue(dueTime);
        return base.CreateTimer(callback, state, dueTime / factor, period);
    }
}
