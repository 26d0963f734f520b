using System.Data;
using Npgsql;

namespace CapVault.Relayer.Storage;

/// <summary>
/// PostgreSQL, for any number of processes. Each piece of work is a transaction of its own (READ COMMITTED; SERIALIZABLE was considered, but the hot
/// pages of indexes conflict at 32 writers without need): what decides from what it reads locks its subject first. Nothing here lives longer in a session
/// than a transaction, so a pooler in transaction mode does not break it.
/// </summary>
public sealed class PostgresDb : Db
{
    /// <summary>PostgreSQL allows 100 connections unless told otherwise, and several processes share them.</summary>
    private const int MaxConnections = 24;

    private const int OldestVersion = 15;

    /// <summary>The database undoes work that it cannot put in an order with other work; each time something else has got on.</summary>
    private const int MaxAttempts = 20;

    private readonly NpgsqlDataSource _source;

    private PostgresDb(NpgsqlDataSource source) => _source = source;

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override string Now => PostgresDialect.Instance.Now;

    /// <summary>Connects and brings the schema up to date.</summary>
    /// <param name="connectionString">As Npgsql takes it.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="InvalidOperationException">It is none, the server cannot be reached or is too old, or the schema is newer or altered.</exception>
    public static async Task<PostgresDb> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        Rows.Prepare();
        var source = NpgsqlDataSource.Create(Settings(connectionString));
        try
        {
            await using var connection = new PostgresConnection(await source.OpenConnectionAsync(cancellationToken));
            await RequireServerAsync(connection, cancellationToken);
            return new PostgresDb(source) { Migrated = await Migrations.ApplyAsync(connection, PostgresDialect.Instance) };
        }
        catch (NpgsqlException exception) when (exception is not PostgresException)
        {
            await source.DisposeAsync();
            var address = Settings(connectionString);
            throw new InvalidOperationException($"Database: found no PostgreSQL at {address.Host} that answers ({exception.Message}). Start it, or correct the setting.", exception);
        }
        catch
        {
            await source.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    protected override async Task<T> RunAsync<T>(Func<Tx, Task<T>> work, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var started = TimeProvider.System.GetTimestamp();
            var isCommitting = false;
            try
            {
                await using var connection = await ConnectAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.ReadCommitted, cancellationToken);
                var tx = new Tx(connection, PostgresDialect.Instance);
                var result = await work(tx);
                await connection.FlushAsync();
                isCommitting = true;
                await transaction.CommitAsync(CancellationToken.None);
                Committed(started);
                tx.RunCommitted();
                return result;
            }
            catch (PostgresException exception) when (IsConflict(exception) && attempt < MaxAttempts)
            {
                // Undone, as if it had not begun: again.
            }
            catch (NpgsqlException exception) when (IsAway(exception))
            {
                // What the server refuses is the work's own affair. Whether a commit has reached it that it does not answer, nobody knows.
                CommitFailed(exception);
                if (isCommitting)
                {
                    throw;
                }

                throw new DatabaseAwayException(exception);
            }
        }
    }

    /// <inheritdoc/>
    public override async Task<T> ReadAsync<T>(Func<IDbConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await ConnectAsync(cancellationToken);
            return await query(connection);
        }
        catch (NpgsqlException exception) when (IsAway(exception))
        {
            throw new DatabaseAwayException(exception);
        }
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync();
        await base.DisposeAsync();
    }

    // Class 57P: it is being shut down, has crashed, or is not up yet.
    private static bool IsAway(NpgsqlException exception) =>
        exception is not PostgresException refusal || refusal.SqlState.StartsWith("57P", StringComparison.Ordinal);

    private static bool IsConflict(PostgresException exception) => exception.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected;

    private static NpgsqlConnectionStringBuilder Settings(string connectionString)
    {
        try
        {
            // Nothing is left in a session, so there is nothing to reset; through a pooler, the session would be another one.
            var settings = new NpgsqlConnectionStringBuilder(connectionString) { NoResetOnClose = true };
            settings.MaxPoolSize = settings.ContainsKey("Maximum Pool Size") ? settings.MaxPoolSize : MaxConnections;
            settings.ApplicationName ??= "capvault";
            return settings;
        }
        catch (ArgumentException exception)
        {
            // Not the text itself: it holds a password.
            throw new InvalidOperationException($"Database: {exception.Message} Expected a PostgreSQL connection string, Host=…;Database=…;Username=…;Password=….", exception);
        }
    }

    private async Task<PostgresConnection> ConnectAsync(CancellationToken cancellationToken) => new(await _source.OpenConnectionAsync(cancellationToken));

    private static async Task RequireServerAsync(PostgresConnection connection, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding')";
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (version, encoding) = (reader.GetInt32(0), reader.GetString(1));
        if (version < OldestVersion)
        {
            throw new InvalidOperationException($"Database: found PostgreSQL {version}, expected {OldestVersion} or newer.");
        }

        if (encoding != "UTF8")
        {
            throw new InvalidOperationException($"Database: found one with encoding {encoding}, expected UTF8. Create it with ENCODING 'UTF8'.");
        }
    }
}
