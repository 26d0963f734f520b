using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Events;

/// <summary>Numbers committed events in the order of their rows. Readers see numbered events only, so none can turn up behind them.</summary>
public sealed class Sequencer(Db db, EventLog events, EventFeed feed, ILogger<Sequencer> log) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var isFirst = true;
        while (!stoppingToken.IsCancellationRequested)
        {
            var added = events.Added.Next;
            try
            {
                if (isFirst)
                {
                    var bounds = await events.BoundsAsync(stoppingToken);
                    feed.Forget(bounds.Oldest);
                    feed.Advance(bounds.Head, []);
                    isFirst = false;
                }

                await db.WriteAsync(NumberAsync, stoppingToken);
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

    private async Task NumberAsync(Tx tx)
    {
        var numbered = await tx.ExecuteAsync(
            """
            UPDATE event SET seq = (SELECT seq FROM event_head) + fresh.position
            FROM (SELECT row_id, row_number() OVER (ORDER BY row_id) AS position FROM event WHERE seq IS NULL) AS fresh
            WHERE event.row_id = fresh.row_id
            """);
        if (numbered > 0)
        {
            var head = await tx.SingleAsync<long>("UPDATE event_head SET seq = seq + @numbered RETURNING seq", new { numbered });
            var agents = await tx.QueryAsync<string>(
                """
                SELECT requester_agent_id FROM event WHERE seq > @before AND (all_audience & 1) <> 0 AND requester_agent_id IS NOT NULL
                UNION
                SELECT provider_agent_id FROM event WHERE seq > @before AND (all_audience & 2) <> 0 AND provider_agent_id IS NOT NULL
                """,
                new { before = head - numbered });
            tx.OnCommitted(() => feed.Advance(head, agents));
        }
    }
}
