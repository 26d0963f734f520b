using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Events;

/// <summary>Tells other processes which agents are connected here.</summary>
public sealed class Presence
{
    private readonly Db _db;
    private readonly LiveConnections _connections;
    private readonly Lease _lease;
    private readonly string _instance;
    private HashSet<string> _told = new(StringComparer.Ordinal);

    /// <summary>Of this process.</summary>
    public Presence(Db db, Leases leases, LiveConnections connections)
    {
        (_db, _connections) = (db, connections);
        _instance = LiveConnections.InstanceOf(leases);
        _lease = leases.Of(_instance);
    }

    /// <summary>Tells what has changed.</summary>
    public async Task TellAsync(CancellationToken cancellationToken)
    {
        await _lease.HoldAsync(cancellationToken);
        var online = _connections.OnlineAgents();
        var (come, gone) = (online.Except(_told, StringComparer.Ordinal).ToList(), _told.Except(online, StringComparer.Ordinal).ToList());
        if (come.Count > 0 || gone.Count > 0)
        {
            await _db.WriteAsync(
                async tx =>
                {
                    // Of processes that have ended, whichever way.
                    await tx.ExecuteAsync($"DELETE FROM presence WHERE instance NOT IN (SELECT name FROM lease WHERE until > {tx.Now})");
                    await tx.ExecuteAsync("DELETE FROM presence WHERE instance = @_instance AND agent_id IN @gone", new { _instance, gone });
                    await tx.ExecuteAsync(
                        "INSERT INTO presence (agent_id, instance) SELECT agent_id, @_instance FROM agent WHERE agent_id IN @come ON CONFLICT DO NOTHING", new { _instance, come });
                },
                cancellationToken);
            _told = online;
        }
    }

    /// <summary>Says that nobody is connected here any more.</summary>
    public Task LeaveAsync(CancellationToken cancellationToken) => _lease.ReleaseAsync(cancellationToken);
}
