using System.Data;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Events;

/// <summary>Lets old events go. The log stays without gaps: only its beginning is cut off.</summary>
public sealed class EventRetention(Db db, EventFeed feed, IOptions<RelayerOptions> options, TimeProvider time)
{
    /// <summary>Deletes with what else the writer commits: more at once would hold everybody up.</summary>
    private const int Batch = 1000;

    /// <summary>Deletes a batch of what is too old, if there is any.</summary>
    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        var before = time.GetUtcNow().AddDays(-options.Value.EventRetentionDays).ToUnixTimeMilliseconds();
        var last = await db.ReadAsync(connection => LastAsync(connection, before), cancellationToken);
        if (last is { } seq)
        {
            feed.Forget(seq);
            await db.WriteAsync(tx => tx.ExecuteAsync("DELETE FROM event WHERE seq <= @seq", new { seq }), cancellationToken);
        }
    }

    // The oldest alone first: most of the time it is young.
    private static async Task<long?> LastAsync(IDbConnection connection, long before) =>
        await connection.QueryFirstOrDefaultAsync<long?>("SELECT created_at FROM event WHERE seq > 0 ORDER BY seq LIMIT 1") < before
            ? await connection.QuerySingleAsync<long?>(
                "SELECT max(seq) FROM (SELECT seq, created_at FROM event WHERE seq > 0 ORDER BY seq LIMIT @Batch) AS oldest WHERE created_at < @before",
                new { Batch, before })
            : null;
}
