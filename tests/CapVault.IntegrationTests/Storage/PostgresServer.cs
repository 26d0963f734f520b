using System.Globalization;
using Npgsql;

namespace CapVault.IntegrationTests;

/// <summary>A PostgreSQL of this test run's own: in a temporary folder, reachable over a socket in it and nowhere else, with the settings that it comes with.</summary>
internal sealed class PostgresServer
{
    private const int ServerStartSeconds = 60;

    private static readonly Lazy<Task<PostgresServer>> Started = new(StartAsync);

    private readonly TemporaryFolder _folder = new();
    private int _databases;

    /// <summary>Where its socket is.</summary>
    public string Host => _folder.Path;

    private string Data => _folder.File("data");

    /// <summary>The server, started by whoever asks first.</summary>
    public static Task<PostgresServer> GetAsync() => Started.Value;

    /// <summary>Makes an empty database, or a copy of one that nobody has open, and returns its connection string.</summary>
    public async Task<string> CreateDatabaseAsync(string? template = null)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"capvault_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync($"CREATE DATABASE {name} TEMPLATE {(template is null ? "template0" : NameOf(template))}");
        return Settings(name);
    }

    /// <summary>Removes a database, whoever has it open.</summary>
    public Task DropDatabaseAsync(string connectionString) => ExecuteAsync($"DROP DATABASE {NameOf(connectionString)} WITH (FORCE)");

    /// <summary>Everything that a database holds, as text.</summary>
    public Task<string> DumpAsync(string connectionString) => RunAsync("pg_dump", "-h", Host, "-U", "postgres", NameOf(connectionString));

    private static string NameOf(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString).Database!;

    private string Settings(string database) => $"Host={Host};Username=postgres;Database={database}";

    private async Task ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(Settings("postgres") + ";Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Ends it as a crash would, and starts it again.</summary>
    public async Task CrashAsync()
    {
        await RunAsync("pg_ctl", "stop", "-D", Data, "-m", "immediate");
        await LaunchAsync();
    }

    private Task<string> LaunchAsync() => RunAsync(
        "pg_ctl", "start", "-D", Data, "-w", "-t", ServerStartSeconds.ToString(CultureInfo.InvariantCulture), "-l", _folder.File("log"),
        "-o", $"-k {Host} -c listen_addresses='' -c max_connections=300");

    private static async Task<PostgresServer> StartAsync()
    {
        var server = new PostgresServer();
        await Repository.RunAsync("chmod", ["711", server.Host]);
        if (Environment.UserName == "root")
        {
            await Repository.RunAsync("chown", ["postgres", server.Host]);
        }

        await RunAsync("initdb", "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.StopAsync().GetAwaiter().GetResult();
        await server.LaunchAsync();
        return server;
    }

    private async Task StopAsync()
    {
        await RunAsync("pg_ctl", "stop", "-D", Data, "-m", "immediate");
        _folder.Dispose();
    }

    // initdb refuses to run as root.
    private static Task<string> RunAsync(string program, params string[] arguments)
    {
        var path = Path.Combine(Programs(), program);
        return Environment.UserName == "root"
            ? Repository.RunAsync("runuser", ["-u", "postgres", "--", path, .. arguments])
            : Repository.RunAsync(path, arguments);
    }

    private static string Programs() =>
        (Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql") : [])
            .Select(folder => Path.Combine(folder, "bin"))
            .Where(folder => File.Exists(Path.Combine(folder, "initdb")))
            .OrderDescending(StringComparer.Ordinal)
            .FirstOrDefault()
        ?? throw new InvalidOperationException("Found no PostgreSQL in /usr/lib/postgresql, expected 15 or newer. scripts/test.sh installs it; or: apt-get install postgresql.");
}
