namespace CapVault.Relayer.Storage;

/// <summary>The leases that this process may take. Its name in them is a new one with each start: what it held before is another's until it runs out.</summary>
public sealed class Leases(Db db, TimeProvider time)
{
    /// <summary>This process.</summary>
    public string Owner { get; } = Ids.New("ins_");

    /// <summary>A lease of something that one process at a time does.</summary>
    public Lease Of(string name) => new(db, time, name, Owner);
}

/// <summary>
/// The right to do something that only one process may do at a time. It holds for 10 s from its last renewal, by the database's clock. Whoever takes it over
/// raises its epoch, and every transaction of its holder makes sure, and keeps the row, that the epoch is still its own: one that was thought dead, and goes
/// on, writes nothing. One caller at a time.
/// </summary>
public sealed class Lease
{
    private const int Milliseconds = 10_000;

    private static readonly TimeSpan RenewAfter = TimeSpan.FromSeconds(3);

    private readonly Db _db;
    private readonly TimeProvider _time;
    private readonly string _name;
    private readonly string _owner;
    private static readonly TimeSpan AskAfter = TimeSpan.FromMilliseconds(500);

    private long? _renewedAt;
    private long? _askedAt;

    internal Lease(Db db, TimeProvider time, string name, string owner) => (_db, _time, _name, _owner) = (db, time, name, owner);

    /// <summary>Counts who has held it; a new number says that somebody else may have acted in between. 0 before it was held.</summary>
    public long Epoch { get; private set; }

    /// <summary>Whether this process held it when last asked.</summary>
    public bool IsHeld => _renewedAt is not null;

    /// <summary>Takes the lease if it is free, and renews it where that is due.</summary>
    /// <returns>Whether this process holds it.</returns>
    public async Task<bool> HoldAsync(CancellationToken cancellationToken)
    {
        if (_renewedAt is { } at && _time.GetElapsedTime(at) < RenewAfter)
        {
            return true;
        }

        if (_renewedAt is null && _askedAt is { } asked && _time.GetElapsedTime(asked) < AskAfter)
        {
            return false;
        }

        var renewedAt = _time.GetTimestamp();
        _askedAt = renewedAt;
        var epoch = await _db.WriteAsync(
            tx => tx.FirstOrDefaultAsync<long?>(
                $"""
                INSERT INTO lease (name, owner, epoch, until) VALUES (@_name, @_owner, 1, {tx.Now} + {Milliseconds})
                ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until = excluded.until, epoch = CASE WHEN lease.owner = excluded.owner THEN lease.epoch ELSE lease.epoch + 1 END
                WHERE lease.owner = excluded.owner OR lease.until < {tx.Now}
                RETURNING epoch
                """,
                new { _name, _owner }),
            cancellationToken);
        _renewedAt = epoch is null ? null : renewedAt;
        Epoch = epoch ?? Epoch;
        return epoch is not null;
    }

    /// <summary>The first statement of whatever the holder writes: goes on only if it still holds the lease, and renews it.</summary>
    /// <exception cref="LeaseLostException">Another process has taken it over.</exception>
    public async Task RequireAsync(Tx tx)
    {
        var renewedAt = _time.GetTimestamp();
        if (await tx.ExecuteAsync(
            $"UPDATE lease SET until = {tx.Now} + {Milliseconds} WHERE name = @_name AND owner = @_owner AND epoch = @Epoch", new { _name, _owner, Epoch }) == 0)
        {
            _renewedAt = null;
            throw new LeaseLostException(_name);
        }

        tx.OnCommitted(() => _renewedAt = renewedAt);
    }

    /// <summary>Gives the lease back, so that nobody has to wait until it runs out.</summary>
    public Task ReleaseAsync(CancellationToken cancellationToken)
    {
        _renewedAt = null;
        return _db.WriteAsync(
            tx => tx.ExecuteAsync("UPDATE lease SET until = 0 WHERE name = @_name AND owner = @_owner", new { _name, _owner }), cancellationToken);
    }
}

/// <summary>Another process has taken over what this one was doing.</summary>
public sealed class LeaseLostException(string name) : Exception($"Another process has taken over the lease {name}.");
