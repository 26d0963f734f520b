using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Compat;

/// <summary>
/// Where each key's next connection goes on. CROO's client names no position and acknowledges nothing, so the relayer keeps, per key, a
/// number up to which everything has certainly arrived: the smallest of its open connections, or that of the last one that ended.
/// </summary>
public sealed class CompatCursors(Db db, EventLog events, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<CompatCursor>> _open = new(StringComparer.Ordinal);

    /// <summary>Opens a connection's cursor: where the key was, or the end of the log for its first one.</summary>
    public async Task<CompatCursor> OpenAsync(string keyId, CancellationToken cancellationToken)
    {
        var head = (await events.BoundsAsync(cancellationToken)).Head;
        var seq = await db.WriteAsync(
            tx => tx.SingleAsync<long>(
                "INSERT INTO compat_cursor (key_id, seq, updated_at) VALUES (@keyId, @head, @Now) ON CONFLICT (key_id) DO UPDATE SET updated_at = excluded.updated_at RETURNING seq",
                new { keyId, head, Now }),
            cancellationToken);
        var cursor = new CompatCursor(keyId, seq);
        lock (_lock)
        {
            if (!_open.TryGetValue(keyId, out var open))
            {
                _open[keyId] = open = [];
            }

            open.Add(cursor);
        }

        return cursor;
    }

    /// <summary>Says that this connection has received everything up to <paramref name="seq"/>.</summary>
    public Task MoveAsync(CompatCursor cursor, long seq) => StoreAsync(cursor, seq, isEnd: false);

    /// <summary>The same, when the connection ends.</summary>
    public Task CloseAsync(CompatCursor cursor, long seq) => StoreAsync(cursor, seq, isEnd: true);

    // Not cancelled by the connection's end: that is when it matters.
    private Task StoreAsync(CompatCursor cursor, long seq, bool isEnd)
    {
        lock (_lock)
        {
            cursor.Received = seq;
            var open = _open[cursor.KeyId];
            if (isEnd)
            {
                open.Remove(cursor);
                if (open.Count == 0)
                {
                    _open.Remove(cursor.KeyId);
                }
            }

            var keySeq = open.Count == 0 ? seq : open.Min(other => other.Received);
            return db.WriteAsync(
                tx => tx.ExecuteAsync("UPDATE compat_cursor SET seq = @keySeq, updated_at = @Now WHERE key_id = @KeyId", new { keySeq, cursor.KeyId, Now }), CancellationToken.None);
        }
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();
}

/// <summary>One connection's position in the event log.</summary>
public sealed class CompatCursor(string keyId, long start)
{
    /// <summary>Whose it is.</summary>
    public string KeyId => keyId;

    /// <summary>Events after it are for this connection.</summary>
    public long Start { get; } = start;

    /// <summary>Events up to it have certainly arrived.</summary>
    public long Received { get; set; } = start;
}
