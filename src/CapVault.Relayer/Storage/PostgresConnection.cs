using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace CapVault.Relayer.Storage;

/// <summary>A connection whose commands are read in the dialect before they are sent, and which can hold some back to send them with the next.</summary>
internal sealed class PostgresConnection(NpgsqlConnection inner) : DbConnection
{
    private readonly NpgsqlConnection _inner = inner;
    private readonly List<NpgsqlBatchCommand> _posted = [];
    private bool _isPosting;

    [AllowNull]
    public override string ConnectionString
    {
        get => _inner.ConnectionString;
        set => _inner.ConnectionString = value;
    }

    public override string Database => _inner.Database;

    public override string DataSource => _inner.DataSource;

    public override string ServerVersion => _inner.ServerVersion;

    public override ConnectionState State => _inner.State;

    /// <summary>Holds back what <paramref name="execute"/> executes.</summary>
    public async Task PostAsync(Func<Task> execute)
    {
        _isPosting = true;
        try
        {
            await execute();
        }
        finally
        {
            _isPosting = false;
        }
    }

    /// <summary>Sends what is held back.</summary>
    public async Task FlushAsync()
    {
        if (_posted.Count > 0)
        {
            await using var batch = Batch(last: null);
            await batch.ExecuteNonQueryAsync();
        }
    }

    public override void ChangeDatabase(string databaseName) => _inner.ChangeDatabase(databaseName);

    public override void Open() => _inner.Open();

    public override Task OpenAsync(CancellationToken cancellationToken) => _inner.OpenAsync(cancellationToken);

    public override void Close() => _inner.Close();

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) => _inner.BeginTransaction(isolationLevel);

    protected override async ValueTask<DbTransaction> BeginDbTransactionAsync(IsolationLevel isolationLevel, CancellationToken cancellationToken) =>
        await _inner.BeginTransactionAsync(isolationLevel, cancellationToken);

    protected override DbCommand CreateDbCommand() => new Command(this, _inner.CreateCommand());

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private static NpgsqlBatchCommand Moved(NpgsqlCommand command)
    {
        var moved = new NpgsqlBatchCommand(command.CommandText);
        foreach (NpgsqlParameter parameter in command.Parameters)
        {
            moved.Parameters.Add(parameter.Clone());
        }

        return moved;
    }

    private NpgsqlBatch Batch(NpgsqlBatchCommand? last)
    {
        var batch = _inner.CreateBatch();
        foreach (var command in last is null ? _posted : [.. _posted, last])
        {
            batch.BatchCommands.Add(command);
        }

        _posted.Clear();
        return batch;
    }

    private sealed class Command(PostgresConnection connection, NpgsqlCommand inner) : DbCommand
    {
        [AllowNull]
        public override string CommandText
        {
            get => inner.CommandText;
            set => inner.CommandText = PostgresDialect.Query(value ?? "");
        }

        public override int CommandTimeout
        {
            get => inner.CommandTimeout;
            set => inner.CommandTimeout = value;
        }

        public override CommandType CommandType
        {
            get => inner.CommandType;
            set => inner.CommandType = value;
        }

        public override bool DesignTimeVisible { get; set; }

        public override UpdateRowSource UpdatedRowSource
        {
            get => inner.UpdatedRowSource;
            set => inner.UpdatedRowSource = value;
        }

        // Npgsql's own: by its type Dapper knows that lists are given as arrays.
        protected override DbConnection? DbConnection
        {
            get => inner.Connection;
            set => inner.Connection = (NpgsqlConnection?)value;
        }

        protected override DbParameterCollection DbParameterCollection => inner.Parameters;

        // A command runs in the transaction that its connection has open.
        protected override DbTransaction? DbTransaction { get; set; }

        public override void Cancel() => inner.Cancel();

        public override int ExecuteNonQuery() => throw new NotSupportedException("The relayer asks its database asynchronously.");

        public override async Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken)
        {
            WithItsValues();
            if (connection._isPosting)
            {
                connection._posted.Add(Moved(inner));
                return 0;
            }

            if (connection._posted.Count == 0)
            {
                return await inner.ExecuteNonQueryAsync(cancellationToken);
            }

            if (IsScript(inner.CommandText))
            {
                await connection.FlushAsync();
                return await inner.ExecuteNonQueryAsync(cancellationToken);
            }

            var last = Moved(inner);
            await using var batch = connection.Batch(last);
            await batch.ExecuteNonQueryAsync(cancellationToken);
            return last.RecordsAffected;
        }

        public override object? ExecuteScalar() => throw new NotSupportedException("The relayer asks its database asynchronously.");

        public override async Task<object?> ExecuteScalarAsync(CancellationToken cancellationToken)
        {
            await connection.FlushAsync();
            return await WithItsValues().ExecuteScalarAsync(cancellationToken);
        }

        public override void Prepare() => inner.Prepare();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            await base.DisposeAsync();
        }

        protected override DbParameter CreateDbParameter() => inner.CreateParameter();

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => throw new NotSupportedException("The relayer asks its database asynchronously.");

        protected override async Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken)
        {
            WithItsValues();
            // The batch has several results, of which the reader shows the one that has rows.
            return connection._posted.Count == 0
                ? await inner.ExecuteReaderAsync(behavior, cancellationToken)
                : await connection.Batch(Moved(inner)).ExecuteReaderAsync(behavior & CommandBehavior.SequentialAccess, cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }

        // A batch takes one statement at a time.
        private static bool IsScript(string sql) => sql.AsSpan().TrimEnd().TrimEnd(';').Contains(';');

        // Of lists Npgsql knows arrays. No text of this engine holds a NUL; one can come from anywhere, such as another contract's reason to revert.
        private NpgsqlCommand WithItsValues()
        {
            foreach (NpgsqlParameter parameter in inner.Parameters)
            {
                parameter.Value = parameter.Value switch
                {
                    string text when text.Contains('\0', StringComparison.Ordinal) => text.Replace('\0', '\uFFFD'),
                    string or Array => parameter.Value,
                    IEnumerable<string> texts => texts.ToArray(),
                    IEnumerable<byte[]> blobs => blobs.ToArray(),
                    IEnumerable<long> numbers => numbers.ToArray(),
                    _ => parameter.Value,
                };
            }

            return inner;
        }
    }
}
