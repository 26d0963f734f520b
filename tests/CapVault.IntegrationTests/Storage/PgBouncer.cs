using System.Diagnostics;

namespace CapVault.IntegrationTests;

/// <summary>A pooler in transaction mode in front of the test run's PostgreSQL: each transaction may get another session.</summary>
internal sealed class PgBouncer : IAsyncDisposable
{
    private const int Port = 6432;

    private readonly TemporaryFolder _folder = new();
    private Process _process = null!;

    /// <summary>Starts it. Sessions are few, so that they change hands.</summary>
    public static async Task<PgBouncer> StartAsync(PostgresServer server)
    {
        var pooler = new PgBouncer();
        var path = pooler._folder.File("pgbouncer.ini");
        await File.WriteAllTextAsync(pooler._folder.File("users"), "\"postgres\" \"\"\n");
        await File.WriteAllTextAsync(
            path,
            $"""
            [databases]
            * = host={server.Host}
            [pgbouncer]
            listen_addr =
            listen_port = {Port}
            unix_socket_dir = {pooler._folder.Path}
            auth_type = trust
            auth_file = {pooler._folder.File("users")}
            pool_mode = transaction
            default_pool_size = 12
            max_client_conn = 300
            """);
        var program = File.Exists("/usr/sbin/pgbouncer") ? "/usr/sbin/pgbouncer" : "pgbouncer";
        if (Environment.UserName == "root")
        {
            // It refuses to run as root.
            await Repository.RunAsync("chown", ["-R", "postgres", pooler._folder.Path]);
            pooler.Start("runuser", ["-u", "postgres", "--", program, path]);
        }
        else
        {
            pooler.Start(program, [path]);
        }

        await Eventually.TrueAsync(() => Task.FromResult(File.Exists(pooler._folder.File($".s.PGSQL.{Port}"))), "PgBouncer listens");
        return pooler;
    }

    /// <summary>The way to a database through it.</summary>
    public string To(string connectionString) =>
        new Npgsql.NpgsqlConnectionStringBuilder(connectionString) { Host = _folder.Path, Port = Port }.ConnectionString;

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }

    private void Start(string program, IEnumerable<string> arguments)
    {
        _process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    private void OnProcessExit(object? sender, EventArgs e) => _process.Kill(entireProcessTree: true);
}
