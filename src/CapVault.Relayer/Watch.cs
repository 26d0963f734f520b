using CapVault.Relayer.Accounts;
using CapVault.Relayer.Events;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer;

/// <summary>
/// Learns what other processes on this database have committed, and wakes whom it concerns here: readers of the log, lanes, requests that wait for a step,
/// streams of keys that were revoked. By looking, which works over every connection; alone on a database there is nothing to learn.
/// </summary>
public sealed class Watch(
    Db db, EventLog events, EventFeed feed, OperationQueue queue, OrderSignals orders, ApiKeys keys, Presence presence, TimeProvider time, ILogger<Watch> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);

    /// <summary>For what may wait a little, and asks about more.</summary>
    private static readonly TimeSpan LongInterval = TimeSpan.FromMilliseconds(250);

    private long _lookedLonger;
    private Marks _seen = new();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!db.IsShared)
        {
            return;
        }

        using var timer = new PeriodicTimer(Interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                log.LogWarning(exception, "The database cannot be asked what others did; trying again");
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (db.IsShared)
        {
            await presence.LeaveAsync(cancellationToken);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var marks = await db.ReadAsync(
            connection => connection.QuerySingleAsync<Marks>(
                """
                SELECT seq AS head, coalesce((SELECT min(seq) FROM event), seq + 1) - 1 AS oldest, EXISTS (SELECT 1 FROM event WHERE seq IS NULL) AS has_unnumbered,
                  coalesce((SELECT max(operation_id) FROM operation), 0) AS operation
                FROM event_head
                """),
            cancellationToken);
        if (marks.HasUnnumbered)
        {
            events.Added.Set();
        }

        feed.Forget(marks.Oldest);
        await feed.CatchUpAsync(cancellationToken);
        if (marks.Operation > _seen.Operation)
        {
            queue.Wake(await db.ReadAsync(
                async connection => (await connection.QueryAsync<byte[]?>("SELECT DISTINCT eoa FROM operation WHERE operation_id > @Operation AND live = 1", _seen)).AsList(), cancellationToken));
        }

        var isLonger = time.GetElapsedTime(_lookedLonger) >= LongInterval;
        if (isLonger || marks.Head != _seen.Head)
        {
            await orders.WakeSettledAsync(db, cancellationToken);
        }

        if (isLonger)
        {
            queue.Queued.Set(); // what has ended, too
            await keys.CutRevokedAsync(cancellationToken);
            await presence.TellAsync(cancellationToken);
            _lookedLonger = time.GetTimestamp();
        }

        _seen = marks;
    }

    private sealed record Marks
    {
        public long Head { get; init; }

        public long Oldest { get; init; }

        public bool HasUnnumbered { get; init; }

        public long Operation { get; init; }
    }
}
