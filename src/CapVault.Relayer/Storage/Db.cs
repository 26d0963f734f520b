using System.Data;
using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CapVault.Relayer.Storage;

/// <summary>The database: SQLite for one process, PostgreSQL for any number of them. Both take the same SQL; what differs is in the dialect.</summary>
public abstract class Db : IAsyncDisposable
{
    private readonly Histogram<double> _commits;
    private readonly Counter<long> _failures;
    private int _queued;

    /// <summary>Of either engine.</summary>
    protected Db()
    {
        _commits = Meter.CreateHistogram(
            "capvault_db_commit_seconds",
            unit: null,
            "From the beginning of a transaction to the end of its commit, which several may share.",
            tags: null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5] });
        _failures = Meter.CreateCounter<long>("capvault_db_commit_failures_total", description: "Transactions that could not be committed: the disk is full or fails, the server is away.");
    }

    /// <summary>What the database reports about itself.</summary>
    public Meter Meter { get; } = new("CapVault.Relayer.Storage");

    /// <summary>Writes that are asked for and not committed yet.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>Why the last transaction could not be committed; null where it was.</summary>
    public string? WriteFailure { get; private set; }

    /// <summary>Whether other processes may work with it too: what happens here may have been caused elsewhere.</summary>
    public abstract bool IsShared { get; }

    /// <summary>SQL: the database's time, unix milliseconds. One clock for all processes; what ends by it ends for all at once.</summary>
    public abstract string Now { get; }

    /// <summary>The migrations that opening it has applied.</summary>
    public IReadOnlyList<string> Migrated { get; private protected init; } = [];

    /// <summary>Opens or creates the database that the options name and brings its schema up to date.</summary>
    /// <exception cref="InvalidOperationException">It cannot be used: another process has it open, it is too old, its schema is newer or altered.</exception>
    public static async Task<Db> OpenAsync(RelayerOptions options, CancellationToken cancellationToken) => options.Database.Length == 0
        ? await SqliteDb.OpenAsync(options.DataDirectory, cancellationToken)
        : await PostgresDb.OpenAsync(options.Database, cancellationToken);

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction and returns after its commit. Work that throws leaves nothing behind. It may run more than
    /// once, where the database asks for it: it must have no effect but in the transaction. Cancelling is possible only until it starts: after that
    /// the outcome is reported as it is.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken)
    {
        // The caller's trace, which a task that writes for all knows nothing of.
        var trace = Activity.Current;
        Interlocked.Increment(ref _queued);
        try
        {
            return await RunAsync(
                tx =>
                {
                    Activity.Current = trace;
                    return work(tx);
                },
                cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _queued);
        }
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Func<Tx, Task> work, CancellationToken cancellationToken) =>
        WriteAsync(
            async tx =>
            {
                await work(tx);
                return true;
            },
            cancellationToken);

    /// <summary>Runs <paramref name="query"/> on what is committed.</summary>
    public abstract Task<T> ReadAsync<T>(Func<IDbConnection, Task<T>> query, CancellationToken cancellationToken);

    /// <summary>Finishes what has begun and closes.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Meter.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    protected abstract Task<T> RunAsync<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken);

    /// <summary>Reports a commit.</summary>
    /// <param name="started">When its transaction began.</param>
    protected void Committed(long started)
    {
        WriteFailure = null;
        _commits.Record(TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Reports that nothing could be committed, through no fault of the work's.</summary>
    protected void CommitFailed(Exception exception)
    {
        WriteFailure = exception.Message;
        _failures.Add(1);
    }
}

/// <summary>The database cannot be used now (a full disk, a server that is away), and what was to be written is not.</summary>
public sealed class DatabaseAwayException(Exception cause) : Exception($"The database does not answer as it should: {cause.Message}", cause);
