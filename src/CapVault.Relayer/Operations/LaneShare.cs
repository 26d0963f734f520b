using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer.Operations;

/// <summary>How many of the lanes this process drives: its part, where others drive lanes too. Who starts first would otherwise have them all.</summary>
public sealed class LaneShare
{
    private const string Prefix = "lanes:";

    private readonly Db _db;
    private readonly int _lanes;
    private readonly string _name;
    private readonly Lease _presence;
    private readonly HashSet<string> _driven = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private int _limit;

    /// <summary>Of a number of lanes; all of them until others are counted.</summary>
    public LaneShare(Db db, Leases leases, int lanes)
    {
        (_db, _lanes, _limit) = (db, lanes, lanes);
        _name = Prefix + leases.Owner;
        _presence = leases.Of(_name);
    }

    /// <summary>Says that this process drives lanes, and counts those that do.</summary>
    public async Task CountAsync(CancellationToken cancellationToken)
    {
        await _presence.HoldAsync(cancellationToken);
        var present = await _db.ReadAsync(
            async connection => (await connection.QueryAsync<string>($"SELECT name FROM lease WHERE name LIKE '{Prefix}%' AND until > {_db.Now} ORDER BY name")).AsList(), cancellationToken);
        var place = present.IndexOf(_name);
        lock (_lock)
        {
            _limit = place < 0 ? 0 : (_lanes / present.Count) + (place < _lanes % present.Count ? 1 : 0);
        }
    }

    /// <summary>Whether this process may drive one more lane, or goes on to drive this one.</summary>
    public bool Admits(string lane)
    {
        lock (_lock)
        {
            return _driven.Contains(lane) ? _driven.Count <= _limit : _driven.Count < _limit;
        }
    }

    /// <summary>Whether this process drives a lane now.</summary>
    public void Set(string lane, bool isDriven)
    {
        lock (_lock)
        {
            _ = isDriven ? _driven.Add(lane) : _driven.Remove(lane);
        }
    }

    /// <summary>Leaves all to others.</summary>
    public Task LeaveAsync(CancellationToken cancellationToken) => _presence.ReleaseAsync(cancellationToken);
}
