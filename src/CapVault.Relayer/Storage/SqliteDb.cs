using System.Data;
using System.Threading.Channels;
using Dapper;
using Microsoft.Data.Sqlite;

namespace CapVault.Relayer.Storage;

/// <summary>
/// SQLite, in a folder of one process. Writes go through one task that commits whatever has queued up while the commit before was being synced: at
/// synchronous=FULL a commit costs milliseconds, and a group of them no more than one.
/// </summary>
public sealed class SqliteDb : Db
{
    /// <summary>So that a burst cannot hold the first caller back for long.</summary>
    private const int MaxGroup = 256;

    private readonly string _connectionString;
    private readonly FileStream _processLock;
    private readonly SqliteConnection _writer;
    private readonly Channel<Work> _queue = Channel.CreateUnbounded<Work>(new() { SingleReader = true });
    private readonly Task _writing;

    private SqliteDb(string connectionString, FileStream processLock, SqliteConnection writer)
    {
        _connectionString = connectionString;
        _processLock = processLock;
        _writer = writer;
        _writing = Task.Run(WriteLoopAsync);
    }

    /// <inheritdoc/>
    public override bool IsShared => false;

    /// <inheritdoc/>
    public override string Now => SqliteDialect.Instance.Now;

    /// <summary>Opens or creates the database in <paramref name="directory"/> and brings its schema up to date.</summary>
    /// <exception cref="InvalidOperationException">Another process has it open, or its schema is newer or altered.</exception>
    public static async Task<SqliteDb> OpenAsync(string directory, CancellationToken cancellationToken)
    {
        CreateDirectory(directory);
        var processLock = ProcessLock.Take(directory);
        var connectionString = new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "relayer.db") }.ToString();
        SqliteConnection? writer = null;
        try
        {
            writer = await Sqlite.OpenWriterAsync(connectionString, cancellationToken);
            var migrated = await Migrations.ApplyAsync(writer, SqliteDialect.Instance);
            // Whoever held them has ended: the process lock says so.
            await writer.ExecuteAsync("UPDATE lease SET until = 0");
            return new SqliteDb(connectionString, processLock, writer) { Migrated = migrated };
        }
        catch
        {
            await CloseAsync(connectionString, processLock, writer);
            throw;
        }
    }

    /// <inheritdoc/>
    protected override async Task<T> RunAsync<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken)
    {
        var item = new Work<T>(work, cancellationToken);
        if (!_queue.Writer.TryWrite(item))
        {
            throw new ObjectDisposedException(nameof(SqliteDb), "The relayer is stopping.");
        }

        return await item.Result;
    }

    /// <inheritdoc/>
    public override async Task<T> ReadAsync<T>(Func<IDbConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        await using var connection = await Sqlite.OpenAsync(_connectionString, cancellationToken);
        return await query(connection);
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _writing;
        await CloseAsync(_connectionString, _processLock, _writer);
        await base.DisposeAsync();
    }

    private static async Task CloseAsync(string connectionString, FileStream processLock, SqliteConnection? writer)
    {
        if (writer is not null)
        {
            await writer.DisposeAsync();
        }

        await using var pool = new SqliteConnection(connectionString);
        SqliteConnection.ClearPool(pool);
        await processLock.DisposeAsync();
    }

    // What agents deliver to each other is nobody else's business on this machine.
    private static void CreateDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    private async Task WriteLoopAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            var group = new List<Work>();
            var started = TimeProvider.System.GetTimestamp();
            try
            {
                await WriteGroupAsync(group);
                Committed(started);
            }
            catch (Exception exception)
            {
                // BEGIN or COMMIT failed (disk full, I/O error), and SQLite has rolled the whole group back.
                CommitFailed(exception);
                await RollBackAsync();
                group.ForEach(work => work.Fail(new DatabaseAwayException(exception)));
            }
        }
    }

    private async Task WriteGroupAsync(List<Work> group)
    {
        var committed = new List<(Work Work, Tx Tx)>();
        while (group.Count < MaxGroup && _queue.Reader.TryRead(out var work))
        {
            group.Add(work);
            if (group.Count == 1)
            {
                await _writer.ExecuteAsync("BEGIN IMMEDIATE");
            }

            var tx = new Tx(_writer, SqliteDialect.Instance);
            if (await work.RunAsync(_writer, tx))
            {
                committed.Add((work, tx));
            }
        }

        await _writer.ExecuteAsync("COMMIT");
        foreach (var (work, tx) in committed)
        {
            // First: who waits for the work finds what its callbacks have set.
            tx.RunCommitted();
            work.Complete();
        }
    }

    private async Task RollBackAsync()
    {
        try
        {
            await _writer.ExecuteAsync("ROLLBACK");
        }
        catch (Exception)
        {
            // No transaction is open: it was rolled back with the failure. Whatever else it is, the next BEGIN will say; the writer must live.
        }
    }

    private abstract class Work
    {
        /// <summary>Runs in a savepoint; false if it failed by itself and is out of the group.</summary>
        public abstract Task<bool> RunAsync(SqliteConnection connection, Tx tx);

        public abstract void Complete();

        public abstract void Fail(Exception exception);
    }

    private sealed class Work<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken) : Work
    {
        private readonly TaskCompletionSource<T> _result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _value;

        public Task<T> Result => _result.Task;

        public override async Task<bool> RunAsync(SqliteConnection connection, Tx tx)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _result.TrySetCanceled(cancellationToken);
                return false;
            }

            await connection.ExecuteAsync("SAVEPOINT work");
            try
            {
                _value = await work(tx);
                await connection.ExecuteAsync("RELEASE work");
                return true;
            }
            catch (Exception exception)
            {
                await connection.ExecuteAsync("ROLLBACK TO work; RELEASE work");
                _result.TrySetException(exception);
                return false;
            }
        }

        public override void Complete() => _result.TrySetResult(_value!);

        public override void Fail(Exception exception) => _result.TrySetException(exception);
    }
}
