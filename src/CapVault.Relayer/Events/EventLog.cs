using System.Globalization;
using System.Text.Json;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;

namespace CapVault.Relayer.Events;

/// <summary>Who gets to see an event.</summary>
[Flags]
public enum Audience
{
    /// <summary>Nobody by default.</summary>
    None = 0,

    /// <summary>The agent that buys.</summary>
    Requester = 1,

    /// <summary>The agent that sells.</summary>
    Provider = 2,

    /// <summary>Who runs the relayer.</summary>
    Operator = 4,

    /// <summary>Both parties.</summary>
    Parties = Requester | Provider,
}

/// <summary>
/// The one append-only log behind every stream. Writers insert rows without a number, in the transaction that changes something;
/// <see cref="Sequencer"/> numbers what is committed. A counter row inside the writers' transactions would hold them all up (275
/// against 9 346 transactions a second were measured), and a database sequence has gaps that a reader could skip over.
/// </summary>
public sealed class EventLog(Db db, TimeProvider time)
{
    /// <summary>Fires after a commit that added unnumbered rows.</summary>
    public Signal Added { get; } = new();

    /// <summary>Fires after rows were numbered: readers may look.</summary>
    public Signal Numbered { get; } = new();

    /// <summary>
    /// Appends an event. The same <see cref="CapEvent.EventId"/> twice is one event: what is replayed after a crash does not repeat itself.
    /// </summary>
    /// <param name="tx">The transaction that changes what the event tells.</param>
    /// <param name="capEvent">The event; its number and cursor are set later.</param>
    /// <param name="audience">Who sees it when the vocabulary says otherwise for this case; null for the vocabulary's audience.</param>
    /// <param name="orderId">The order it belongs to.</param>
    /// <param name="blockHash">The block that caused it.</param>
    public async Task AddAsync(Tx tx, CapEvent capEvent, Audience? audience = null, byte[]? orderId = null, byte[]? blockHash = null)
    {
        var kind = EventKinds.Of(capEvent.Type);
        var body = JsonSerializer.SerializeToNode(capEvent, CapJson.Options)!.AsObject();
        body.Remove("seq");
        body.Remove("cursor");
        var defaultAudience = audience ?? kind.Default;
        await tx.ExecuteAsync(
            """
            INSERT INTO event (event_id, type, default_audience, all_audience, requester_agent_id, provider_agent_id, order_id, block_hash, body, created_at)
            VALUES (@EventId, @Type, @defaultAudience, @allAudience, @RequesterAgentId, @ProviderAgentId, @orderId, @blockHash, @body, @now)
            ON CONFLICT (event_id) DO NOTHING
            """,
            new
            {
                capEvent.EventId,
                Type = capEvent.Type.Value,
                defaultAudience = (int)defaultAudience,
                allAudience = (int)(defaultAudience | kind.All),
                capEvent.RequesterAgentId,
                capEvent.ProviderAgentId,
                orderId,
                blockHash,
                body = body.ToJsonString(CapJson.Options),
                now = time.GetUtcNow().ToUnixTimeMilliseconds(),
            });
        tx.OnCommitted(Added.Set);
    }

    /// <summary>Where the log begins and ends.</summary>
    public Task<LogBounds> BoundsAsync(CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QuerySingleAsync<LogBounds>("SELECT epoch, seq AS head, coalesce((SELECT min(seq) FROM event), seq + 1) - 1 AS oldest FROM event_head"),
        cancellationToken);

    /// <summary>Events after <paramref name="after"/> that <paramref name="reader"/> may see, oldest first.</summary>
    public Task<List<EventRow>> ReadAsync(EventReader reader, long after, int limit, CancellationToken cancellationToken)
    {
        var audience = reader.All ? "all_audience" : "default_audience";
        var visible = reader.AgentId is null
            ? ""
            : $"AND ((requester_agent_id = @AgentId AND {audience} & 1) OR (provider_agent_id = @AgentId AND {audience} & 2))";
        return db.ReadAsync(
            async connection => (await connection.QueryAsync<EventRow>(
                $"SELECT seq, type, body, created_at FROM event WHERE seq > @after {visible} ORDER BY seq LIMIT @limit",
                new { after, limit, reader.AgentId })).AsList(),
            cancellationToken);
    }

    /// <summary>A cursor as clients keep it.</summary>
    public static string Cursor(long epoch, long seq) => string.Create(CultureInfo.InvariantCulture, $"{epoch}:{seq}");

    /// <summary>Takes a cursor apart; null if it is not one.</summary>
    public static (long Epoch, long Seq)? ParseCursor(string cursor) =>
        cursor.Split(':') is [var epoch, var seq]
        && long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var epochNumber)
        && long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var seqNumber)
            ? (epochNumber, seqNumber)
            : null;
}

/// <summary>Who reads the log.</summary>
/// <param name="AgentId">The agent; null for the operator, who sees everything.</param>
/// <param name="All">Whether the agent asked for every event of its own orders.</param>
public sealed record EventReader(string? AgentId, bool All);

/// <summary>Where the log begins and ends.</summary>
public sealed record LogBounds
{
    /// <summary>Cursors of another epoch are void.</summary>
    public long Epoch { get; init; }

    /// <summary>Number of the newest event.</summary>
    public long Head { get; init; }

    /// <summary>Number before the oldest event that is kept.</summary>
    public long Oldest { get; init; }
}

/// <summary>A numbered event.</summary>
public sealed record EventRow
{
    /// <summary>Its number.</summary>
    public long Seq { get; init; }

    /// <summary>What happened.</summary>
    public string Type { get; init; } = "";

    /// <summary>Its JSON without number and cursor.</summary>
    public string Body { get; init; } = "";

    /// <summary>When it was logged, unix milliseconds.</summary>
    public long CreatedAt { get; init; }
}
