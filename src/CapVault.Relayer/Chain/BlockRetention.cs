using System.Data;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Chain;

/// <summary>
/// Lets old blocks go that nothing refers to, as most do: a row for each would be 15 million a year at 2 s. They are needed only to find
/// where a reorg begins.
/// </summary>
public sealed class BlockRetention(Db db, IOptions<RelayerOptions> options, TimeProvider time)
{
    private const int Batch = 1000;

    // What stays is not looked at again until the next start.
    private long _done = -1;

    /// <summary>Deletes the next batch of what is too old, if there is any.</summary>
    /// <param name="tip">Number of the newest block that was applied.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task PruneAsync(long tip, CancellationToken cancellationToken)
    {
        var before = time.GetUtcNow().AddDays(-options.Value.EventRetentionDays).ToUnixTimeSeconds();
        var last = await db.ReadAsync(connection => LastAsync(connection, tip - options.Value.FinalityBlocks, before), cancellationToken);
        if (last is null)
        {
            return;
        }

        await db.WriteAsync(
            tx => tx.ExecuteAsync(
                """
                DELETE FROM block WHERE number > @_done AND number <= @last
                  AND NOT EXISTS (SELECT 1 FROM chain_event e WHERE e.block_hash = block.hash)
                  AND NOT EXISTS (SELECT 1 FROM event e WHERE e.block_hash = block.hash)
                  AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.block_number = block.number AND o.block_hash = block.hash)
                  AND NOT EXISTS (SELECT 1 FROM lane_tx l WHERE l.block_number = block.number AND l.block_hash = block.hash)
                """,
                new { _done, last }),
            cancellationToken);
        _done = last.Value;
    }

    // The oldest alone first: most of the time it is young.
    private async Task<long?> LastAsync(IDbConnection connection, long final, long before) =>
        await connection.QueryFirstOrDefaultAsync<long?>("SELECT block_time FROM block WHERE number > @_done ORDER BY number LIMIT 1", new { _done }) < before
            ? await connection.QuerySingleAsync<long?>(
                """
                SELECT max(number) FROM (SELECT number, block_time FROM block WHERE number > @_done ORDER BY number LIMIT @Batch) AS oldest
                WHERE number < @final AND block_time < @before
                """,
                new { _done, Batch, final, before })
            : null;
}
