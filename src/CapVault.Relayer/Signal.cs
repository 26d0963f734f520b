using System.Collections.Concurrent;
using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer;

/// <summary>Wakes everybody who waits. A wake-up is only a hint to look again: what to do stands in the database.</summary>
public sealed class Signal
{
    private volatile TaskCompletionSource _next = New();

    /// <summary>Completes with the next <see cref="Set"/>. Take it before looking, so that what happens meanwhile is not missed.</summary>
    public Task Next => _next.Task;

    /// <summary>Wakes the waiters.</summary>
    public void Set() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>A signal per order, for requests that hold their answer until a step is proven.</summary>
public sealed class OrderSignals
{
    private readonly ConcurrentDictionary<string, Signal> _signals = new(StringComparer.Ordinal);

    /// <summary>The signal of an order; kept only while somebody waits.</summary>
    public Signal Of(byte[] orderId) => _signals.GetOrAdd(Convert.ToHexString(orderId), _ => new Signal());

    /// <summary>Wakes those whose order has no step on its way any more, whichever process ended it.</summary>
    public async Task WakeSettledAsync(Db db, CancellationToken cancellationToken)
    {
        var waiting = _signals.Keys.Select(Convert.FromHexString).ToList();
        if (waiting.Count == 0)
        {
            return;
        }

        var unsettled = await db.ReadAsync(
            connection => connection.QueryAsync<byte[]>("SELECT DISTINCT order_id FROM operation WHERE order_id IN @waiting AND live = 1", new { waiting }), cancellationToken);
        foreach (var settled in waiting.Select(Convert.ToHexString).Except(unsettled.Select(Convert.ToHexString), StringComparer.Ordinal))
        {
            Set(Convert.FromHexString(settled));
        }
    }

    /// <summary>Wakes those who wait for this order.</summary>
    public void Set(byte[] orderId)
    {
        if (_signals.TryRemove(Convert.ToHexString(orderId), out var signal))
        {
            signal.Set();
        }
    }
}
