using System.Data.Common;
using CapVault.Relayer.Storage;
using Dapper;
using Npgsql;

namespace CapVault.IntegrationTests;

/// <summary>
/// What a relayer of the tests keeps its rows in: SQLite in its data directory, or with CAPVAULT_TEST_DATABASE=postgres a database of its own on the test
/// run's PostgreSQL.
/// </summary>
internal sealed class RelayerDatabase : IAsyncDisposable
{
    private readonly PostgresServer? _server;
    private readonly string _connectionString;

    private RelayerDatabase(PostgresServer? server, string connectionString) => (_server, _connectionString) = (server, connectionString);

    /// <summary>Whether the tests run on PostgreSQL.</summary>
    public static bool IsPostgres { get; } = Environment.GetEnvironmentVariable("CAPVAULT_TEST_DATABASE") switch
    {
        null or "" or "sqlite" => false,
        "postgres" => true,
        var other => throw new InvalidOperationException($"CAPVAULT_TEST_DATABASE: found {other}, expected sqlite or postgres."),
    };

    /// <summary>The relayer's settings for it.</summary>
    public string[] Settings => _server is null ? [] : [$"Database={_connectionString}"];

    /// <summary>An empty one.</summary>
    public static async Task<RelayerDatabase> CreateAsync()
    {
        if (!IsPostgres)
        {
            return new RelayerDatabase(null, "");
        }

        var server = await PostgresServer.GetAsync();
        return new RelayerDatabase(server, await server.CreateDatabaseAsync());
    }

    /// <summary>All that it holds, as bytes of any form in which text can be found. Nobody has it open.</summary>
    public async Task<byte[]> ReadAsync(string dataDirectory) => _server is null
        ? [.. Directory.GetFiles(dataDirectory, "relayer.db*").SelectMany(File.ReadAllBytes)]
        : System.Text.Encoding.UTF8.GetBytes(await _server.DumpAsync(_connectionString));

    /// <summary>A copy of what is not in the data directory. Nobody has it open.</summary>
    public async Task<RelayerDatabase> CopyAsync() => _server is null ? this : new RelayerDatabase(_server, await _server.CreateDatabaseAsync(_connectionString));

    /// <summary>Opens it beside the relayer.</summary>
    public async Task<Look> LookAsync(string dataDirectory) => new(_server is null
        ? await Sqlite.OpenAsync($"Data Source={Path.Combine(dataDirectory, "relayer.db")};Mode=ReadOnly;Pooling=False", CancellationToken.None)
        : await NpgsqlDataSource.Create(_connectionString + ";Pooling=False").OpenConnectionAsync());

    public ValueTask DisposeAsync() => _server is null ? ValueTask.CompletedTask : new ValueTask(_server.DropDatabaseAsync(_connectionString));

    /// <summary>A connection that only reads.</summary>
    internal sealed class Look(DbConnection connection) : IAsyncDisposable
    {
        /// <summary>The one number that a query gives.</summary>
        public Task<long> CountAsync(string sql) => connection.ExecuteScalarAsync<long>(sql);

        public ValueTask DisposeAsync() => connection.DisposeAsync();
    }
}
