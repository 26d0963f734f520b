using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Events;

/// <summary>
/// Numbers committed events in the order of their rows. Readers see numbered events only, so none can turn up behind them. Of several processes whichever
/// comes first does it, so nothing waits for one that was killed.
/// </summary>
public sealed class Sequencer(Db db, EventLog events, EventFeed feed, ILogger<Sequencer> log) : BackgroundService
{
    /// <inheritdoc/>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before anybody reads: a feed that learned its place later would take what is in between for seen.
        var bounds = await events.BoundsAsync(cancellationToken);
        feed.Forget(bounds.Oldest);
        feed.Advance(bounds.Head, []);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var added = events.Added.Next;
            try
            {
                if (await db.WriteAsync(NumberAsync, stoppingToken) > 0)
                {
                    await feed.CatchUpAsync(stoppingToken);
                }

                await added.WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                log.LogError(exception, "Numbering events failed; trying again");
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
    }

    private static async Task<int> NumberAsync(Tx tx)
    {
        await tx.LockAsync("sequencer");
        var numbered = await tx.ExecuteAsync(
            """
            UPDATE event SET seq = (SELECT seq FROM event_head) + fresh.position
            FROM (SELECT row_id, row_number() OVER (ORDER BY row_id) AS position FROM event WHERE seq IS NULL) AS fresh
            WHERE event.row_id = fresh.row_id
            """);
        if (numbered > 0)
        {
            await tx.ExecuteAsync("UPDATE event_head SET seq = seq + @numbered", new { numbered });
        }

        return numbered;
    }
}
