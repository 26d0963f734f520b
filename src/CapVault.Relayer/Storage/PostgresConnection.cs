using System.Data;
using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Npgsql;

namespace CapVault.Relayer.Storage;

/// <summary>A connection whose commands are read in the dialect before they are sent.</summary>
internal sealed class PostgresConnection(NpgsqlConnection inner) : DbConnection
{
    [AllowNull]
    public override string ConnectionString
    {
        get => inner.ConnectionString;
        set => inner.ConnectionString = value;
    }

    public override string Database => inner.Database;

    public override string DataSource => inner.DataSource;

    public override string ServerVersion => inner.ServerVersion;

    public override ConnectionState State => inner.State;

    public override void ChangeDatabase(string databaseName) => inner.ChangeDatabase(databaseName);

    public override void Open() => inner.Open();

    public override Task OpenAsync(CancellationToken cancellationToken) => inner.OpenAsync(cancellationToken);

    public override void Close() => inner.Close();

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    protected override DbTransaction BeginDbTransaction(IsolationLevel isolationLevel) => inner.BeginTransaction(isolationLevel);

    protected override async ValueTask<DbTransaction> BeginDbTransactionAsync(IsolationLevel isolationLevel, CancellationToken cancellationToken) =>
        await inner.BeginTransactionAsync(isolationLevel, cancellationToken);

    protected override DbCommand CreateDbCommand() => new Command(inner.CreateCommand());

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private sealed class Command(NpgsqlCommand inner) : DbCommand
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

        public override int ExecuteNonQuery() => WithArrays().ExecuteNonQuery();

        public override Task<int> ExecuteNonQueryAsync(CancellationToken cancellationToken) => WithArrays().ExecuteNonQueryAsync(cancellationToken);

        public override object? ExecuteScalar() => WithArrays().ExecuteScalar();

        public override Task<object?> ExecuteScalarAsync(CancellationToken cancellationToken) => WithArrays().ExecuteScalarAsync(cancellationToken);

        public override void Prepare() => inner.Prepare();

        public override ValueTask DisposeAsync() => inner.DisposeAsync();

        protected override DbParameter CreateDbParameter() => inner.CreateParameter();

        protected override DbDataReader ExecuteDbDataReader(CommandBehavior behavior) => WithArrays().ExecuteReader(behavior);

        protected override async Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken) =>
            await WithArrays().ExecuteReaderAsync(behavior, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                inner.Dispose();
            }

            base.Dispose(disposing);
        }

        // Of lists Npgsql knows arrays.
        private NpgsqlCommand WithArrays()
        {
            foreach (NpgsqlParameter parameter in inner.Parameters)
            {
                parameter.Value = parameter.Value switch
                {
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
