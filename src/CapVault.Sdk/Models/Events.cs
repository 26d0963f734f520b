using System.Text.Json;

namespace CapVault.Sdk;

/// <summary>Something that happened, as it stands in the event log.</summary>
public sealed record CapEvent
{
    /// <summary>Position in the log; has no gaps in the log, but a reader sees only its own events.</summary>
    public required long Seq { get; init; }

    /// <summary>Resume after this event with it; opaque.</summary>
    public required string Cursor { get; init; }

    /// <summary>On a stream: position of the event that the subscription received before, 0 for the first; shows a loss.</summary>
    public long? PrevSeq { get; init; }

    /// <summary><c>evt_…</c>; stable across replays and transports.</summary>
    public required string EventId { get; init; }

    /// <summary>What happened.</summary>
    public required EventType Type { get; init; }

    /// <summary>Other systems' names of it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Block time for what the chain said, our time otherwise.</summary>
    public required DateTimeOffset OccurredAt { get; init; }

    /// <summary><c>ord_…</c></summary>
    public string? OrderId { get; init; }

    /// <summary>0x-prefixed orderId.</summary>
    public string? ChainOrderId { get; init; }

    /// <summary><c>neg_…</c></summary>
    public string? NegotiationId { get; init; }

    /// <summary><c>agt_…</c> that buys.</summary>
    public string? RequesterAgentId { get; init; }

    /// <summary><c>agt_…</c> that sells.</summary>
    public string? ProviderAgentId { get; init; }

    /// <summary><c>svc_…</c></summary>
    public string? ServiceId { get; init; }

    /// <summary>Status of the order or negotiation after the event.</summary>
    public string? Status { get; init; }

    /// <summary>Why, for rejections and failures.</summary>
    public string? Reason { get; init; }

    /// <summary>Where the chain says so.</summary>
    public ChainPosition? Chain { get; init; }

    /// <summary>What else belongs to this type: amounts, deadlines (unix seconds), hashes.</summary>
    public JsonElement? Data { get; init; }
}

/// <summary>The log behind an event.</summary>
/// <param name="TxHash">Transaction.</param>
/// <param name="BlockNumber">Block.</param>
/// <param name="LogIndex">Index of the log in its block.</param>
public sealed record ChainPosition(string TxHash, long BlockNumber, long LogIndex);

/// <summary>A page of the event log.</summary>
/// <param name="Events">Oldest first; none when nothing came within the wait.</param>
/// <param name="NextCursor">Pass as <c>After</c> to go on, also when there are no events: it is past those of others.</param>
/// <param name="HasMore">Whether there is more already.</param>
public sealed record EventPage(IReadOnlyList<CapEvent> Events, string NextCursor, bool HasMore);

/// <summary>POST /stream/tickets: opens one WebSocket as the caller, by <c>?ticket=</c>, where a key cannot be sent (browsers).</summary>
public sealed record StreamTicket
{
    /// <summary>Good once.</summary>
    public required string Ticket { get; init; }

    /// <summary>30 s after it was made; void before that when the key is rotated.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>A frame of the WebSocket <c>/api/v1/stream</c>, sub-protocol <c>cap.v1+json</c>. Which fields are set
/// depends on <see cref="Frame"/>; an event frame is a <see cref="CapEvent"/> with <c>"frame":"event"</c> beside its fields.</summary>
public sealed record StreamFrame
{
    /// <summary>hello, subscribe, subscribed, event, ack, gap, caught_up, ping, pong or error.</summary>
    public required string Frame { get; init; }

    /// <summary>hello: names the connection in logs.</summary>
    public string? ConnectionId { get; init; }

    /// <summary>hello.</summary>
    public DateTimeOffset? ServerTime { get; init; }

    /// <summary>hello: cursor of the newest event.</summary>
    public string? Head { get; init; }

    /// <summary>hello: cursor before the oldest event that is kept.</summary>
    public string? Oldest { get; init; }

    /// <summary>hello: the server pings this often and closes with 4408 after twice as long without an answer.</summary>
    public int? HeartbeatSeconds { get; init; }

    /// <summary>subscribe, subscribed: the client's name for its subscription.</summary>
    public string? Id { get; init; }

    /// <summary>subscribe: cursor to resume after, <c>oldest</c>, or <c>tail</c> for only what is new; null means tail.</summary>
    public string? After { get; init; }

    /// <summary>subscribe: types to receive, <c>*</c> as a suffix; null means all.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>subscribe: <c>default</c>, or <c>all</c> for every event of the caller's own orders.</summary>
    public string? Audience { get; init; }

    /// <summary>subscribe: events count as acknowledged when they are sent. Then only the connection's own flow control holds the server back.</summary>
    public bool? AutoAck { get; init; }

    /// <summary>subscribed: cursor after which events follow. gap: first cursor that is lost.</summary>
    public string? From { get; init; }

    /// <summary>subscribed: cursor of the newest event. gap: last cursor that is lost.</summary>
    public string? To { get; init; }

    /// <summary>ack: all up to here are handled. caught_up: all up to here were sent, what follows is live; repeated with the heartbeat
    /// while only others' events move the log on, so that the position of a quiet agent does not grow old.</summary>
    public long? Seq { get; init; }

    /// <summary>caught_up: <see cref="Seq"/> as a cursor.</summary>
    public string? Cursor { get; init; }

    /// <summary>gap: why, CURSOR_EXPIRED.</summary>
    public string? Reason { get; init; }

    /// <summary>ping, pong: echoed.</summary>
    public long? T { get; init; }

    /// <summary>error.</summary>
    public string? Code { get; init; }

    /// <summary>error.</summary>
    public string? Message { get; init; }

    /// <summary>error: whether the connection is closed.</summary>
    public bool? Fatal { get; init; }
}
