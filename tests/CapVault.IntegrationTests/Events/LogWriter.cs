using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>Writes into a running relayer's log, as its features do.</summary>
internal static class LogWriter
{
    /// <summary>Adds events that an agent sees, all in one transaction.</summary>
    public static Task AddEventsAsync(this Sandbox sandbox, string agentId, int count, string prefix = "") => sandbox.AddEventsAsync(
        Enumerable.Range(0, count).Select(i => Event($"evt_{prefix}{agentId}_{i}", EventType.NegotiationCreated) with { ProviderAgentId = agentId }));

    /// <inheritdoc cref="AddEventsAsync(Sandbox, string, int, string)"/>
    public static Task AddEventsAsync(this Sandbox sandbox, IEnumerable<CapEvent> added)
    {
        var events = sandbox.Relayer.Services.GetRequiredService<EventLog>();
        return sandbox.Relayer.Services.GetRequiredService<Db>().WriteAsync(
            async tx =>
            {
                foreach (var e in added)
                {
                    await events.AddAsync(tx, e);
                }
            },
            CancellationToken.None);
    }

    public static CapEvent Event(string eventId, EventType type) => new()
    {
        Seq = 0,
        Cursor = "",
        EventId = eventId,
        Type = type,
        OccurredAt = DateTimeOffset.UnixEpoch,
    };

    /// <summary>What the log's table has, read without the relayer's own query.</summary>
    public static Task<List<(long Seq, string EventId)>> LogAsync(this Sandbox sandbox, string condition, object parameters) =>
        sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            async connection => (await connection.QueryAsync<(long, string)>($"SELECT seq, event_id FROM event WHERE {condition} ORDER BY seq", parameters)).AsList(),
            CancellationToken.None);

    /// <summary>The log's end as a cursor.</summary>
    public static async Task<string> HeadAsync(this Sandbox sandbox)
    {
        var bounds = await sandbox.Relayer.Services.GetRequiredService<EventLog>().BoundsAsync(CancellationToken.None);
        return EventLog.Cursor(bounds.Epoch, bounds.Head);
    }
}
