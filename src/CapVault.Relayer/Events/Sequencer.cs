using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Events;

/// <summary>Numbers committed events in the order of their rows. Readers see numbered events only, so none can turn up behind them.</summary>
public sealed class Sequencer(Db db, EventLog events, ILogger<Sequencer> log) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var added = events.Added.Next;
            try
            {
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
            await tx.ExecuteAsync("UPDATE event_head SET seq = seq + @numbered", new { numbered });
            tx.OnCommitted(events.Numbered.Set);
        }
    }
}
