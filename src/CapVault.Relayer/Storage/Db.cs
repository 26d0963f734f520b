using System.Data;

namespace CapVault.Relayer.Storage;

/// <summary>The database: SQLite for one process, PostgreSQL for any number of them. Both take the same SQL; what differs is in the dialect.</summary>
public abstract class Db : IAsyncDisposable
{
    /// <summary>Whether other processes may work with it too: what happens here may have been caused elsewhere.</summary>
    public abstract bool IsShared { get; }

    /// <summary>SQL: the database's time, unix milliseconds. One clock for all processes; what ends by it ends for all at once.</summary>
    public abstract string Now { get; }

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
    public abstract Task<T> WriteAsync<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken);

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
    public abstract ValueTask DisposeAsync();
}
