using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Compat;

/// <summary>
/// Where each key's next connection goes on. CROO's client names no position and acknowledges nothing, so the relayer keeps one number per key:
/// up to it, everything has certainly arrived on every connection that is open, or that broke off and may come back.
/// </summary>
public sealed class CompatCursors(Db db, EventLog events, TimeProvider time, IOptions<RelayerOptions> options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, KeyState> _keys = new(StringComparer.Ordinal);

    /// <summary>How often a connection is pinged; the answer is due within the same time.</summary>
    public TimeSpan Heartbeat { get; } = TimeSpan.FromSeconds(options.Value.HeartbeatSeconds);

    /// <summary>A connection that dies is noticed within this time: a ping, its answer, and something for a busy machine.</summary>
    public TimeSpan NoticedAfter => (Heartbeat * 2) + TimeSpan.FromSeconds(10);

    /// <summary>
    /// Opens a connection's cursor: where the key was. The first one of a key goes on where the key that it replaces was, the first one of an agent
    /// begins at the end of the log.
    /// </summary>
    public async Task<CompatCursor> OpenAsync(string agentId, string keyId, CancellationToken cancellationToken)
    {
        var head = (await events.BoundsAsync(cancellationToken)).Head;
        var stored = await db.WriteAsync(
            tx => tx.SingleAsync<long>(
                """
                INSERT INTO compat_cursor (key_id, seq, updated_at)
                VALUES (@keyId, coalesce((
                  SELECT c.seq FROM compat_cursor c JOIN api_key k ON k.key_id = c.key_id
                  WHERE k.agent_id = @agentId AND k.revoked_at IS NOT NULL ORDER BY c.updated_at DESC LIMIT 1), @head), @Now)
                ON CONFLICT (key_id) DO UPDATE SET updated_at = excluded.updated_at RETURNING seq
                """,
                new { agentId, keyId, head, Now }),
            cancellationToken);
        lock (_lock)
        {
            if (!_keys.TryGetValue(keyId, out var key))
            {
                _keys[keyId] = key = new KeyState();
            }

            var cursor = new CompatCursor(keyId, Math.Min(stored, key.Owed), time.GetTimestamp());
            key.Owed = long.MaxValue;
            key.Open.Add(cursor);
            return cursor;
        }
    }

    /// <summary>Says that everything up to <paramref name="seq"/> has arrived on a connection.</summary>
    public Task MoveAsync(CompatCursor cursor, long seq)
    {
        lock (_lock)
        {
            cursor.Received = seq;
            return StoreAsync(cursor.KeyId, _keys[cursor.KeyId]);
        }
    }

    /// <summary>The same at a connection's end.</summary>
    /// <param name="cursor">The connection's.</param>
    /// <param name="seq">Everything up to here has arrived.</param>
    /// <param name="saidGoodbye">Whether the client ended it. If not, it may come back for what it missed, even though others of the key had that.</param>
    public Task CloseAsync(CompatCursor cursor, long seq, bool saidGoodbye)
    {
        lock (_lock)
        {
            cursor.Received = seq;
            var key = _keys[cursor.KeyId];
            key.Open.Remove(cursor);
            if (key.Open.Count == 0 || (!saidGoodbye && !key.Open.Any(other => MayBeItsReturn(other, cursor))))
            {
                key.Owed = Math.Min(key.Owed, seq);
            }

            if (key.Open.Count == 0)
            {
                _keys.Remove(cursor.KeyId);
            }

            return StoreAsync(cursor.KeyId, key);
        }
    }

    // Clients come back before the relayer notices that they were gone; such a connection has started where the dead one was.
    private bool MayBeItsReturn(CompatCursor other, CompatCursor cursor) => other.OpenedAt > cursor.OpenedAt && time.GetElapsedTime(other.OpenedAt) < NoticedAfter;

    // Under the lock, so that positions are stored in their order. Not cancelled with the connection: its end is when this matters.
    private Task StoreAsync(string keyId, KeyState key)
    {
        var seq = key.Open.Select(cursor => cursor.Received).Append(key.Owed).Min();
        return db.WriteAsync(tx => tx.ExecuteAsync("UPDATE compat_cursor SET seq = @seq, updated_at = @Now WHERE key_id = @keyId", new { seq, keyId, Now }), CancellationToken.None);
    }

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    private sealed class KeyState
    {
        public List<CompatCursor> Open { get; } = [];

        /// <summary>Where a connection broke off that no new one has taken up.</summary>
        public long Owed { get; set; } = long.MaxValue;
    }
}

/// <summary>One connection's position in the event log.</summary>
public sealed class CompatCursor(string keyId, long start, long openedAt)
{
    /// <summary>Whose it is.</summary>
    public string KeyId => keyId;

    /// <summary>Events after it are for this connection.</summary>
    public long Start { get; } = start;

    /// <summary>Timestamp of its opening.</summary>
    public long OpenedAt => openedAt;

    /// <summary>Events up to it have certainly arrived.</summary>
    public long Received { get; set; } = start;
}
