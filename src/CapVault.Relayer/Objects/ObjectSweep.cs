using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer.Objects;

/// <summary>
/// Removes objects whose time is over. Rows first, files after: a crash in between leaves files that no row speaks of, which the next sweep
/// removes; the other way it would leave rows that promise bytes.
/// </summary>
public sealed class ObjectSweep(Db db, ObjectStore store, TimeProvider time)
{
    private const int Batch = 500;

    private static readonly TimeSpan Unnamed = TimeSpan.FromHours(24);
    private static readonly TimeSpan AfterOrder = TimeSpan.FromDays(90);

    // Whether an order is over is what the chain says: one whose delivery is still on its way is not, and neither is one that a reorg took back.
    private const string IsDue = """
        coalesce(o.stored_at, o.created_at) < @unnamedBefore AND NOT EXISTS (
          SELECT 1 FROM delivery_object d LEFT JOIN order_state s ON s.order_id = d.order_id
          WHERE d.object_key = o.object_key AND coalesce(s.cleared_time, s.rejected_time, s.expired_time, @endedBefore) >= @endedBefore)
        """;

    /// <summary>Removes what is due.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var files = store.List().ToList(); // before the rows: a file that comes later has one
        await RemoveRowsAsync(cancellationToken);
        await RemoveFilesAsync(files, cancellationToken);
    }

    private async Task RemoveRowsAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var ages = new { unnamedBefore = (now - Unnamed).ToUnixTimeMilliseconds(), endedBefore = (now - AfterOrder).ToUnixTimeSeconds(), Batch };
        int removed;
        do
        {
            // Looked for beside the writer, which everybody waits for; there only what was found is looked at again.
            var found = (await db.ReadAsync(connection => connection.QueryAsync<string>($"SELECT o.object_key FROM object o WHERE {IsDue} LIMIT @Batch", ages), cancellationToken)).AsList();
            removed = found.Count == 0 ? 0 : await db.WriteAsync(tx => RemoveRowsAsync(tx, found, ages.unnamedBefore, ages.endedBefore), cancellationToken);
        }
        while (removed > 0);
    }

    private static async Task<int> RemoveRowsAsync(Tx tx, List<string> found, long unnamedBefore, long endedBefore)
    {
        await tx.LockAsync(found);
        var due = await tx.QueryAsync<string>($"SELECT o.object_key FROM object o WHERE o.object_key IN @found AND {IsDue}", new { found, unnamedBefore, endedBefore });
        await tx.ExecuteAsync("DELETE FROM delivery_object WHERE object_key IN @due", new { due });
        return await tx.ExecuteAsync("DELETE FROM object WHERE object_key IN @due", new { due });
    }

    private async Task RemoveFilesAsync(List<string> files, CancellationToken cancellationToken)
    {
        foreach (var keys in files.Chunk(Batch))
        {
            var known = await db.ReadAsync(connection => connection.QueryAsync<string>("SELECT object_key FROM object WHERE object_key IN @keys", new { keys }), cancellationToken);
            foreach (var gone in keys.Except(known, StringComparer.Ordinal))
            {
                store.Remove(gone);
            }
        }
    }
}
