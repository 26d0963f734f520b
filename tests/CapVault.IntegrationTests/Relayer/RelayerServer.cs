using CapVault.Relayer;
using Microsoft.AspNetCore.Builder;

namespace CapVault.IntegrationTests;

/// <summary>The real relayer in this process, on a real port, with data of its own. It can be stopped and started again on both.</summary>
internal sealed class RelayerServer : IAsyncDisposable
{
    // Warnings are expected in many tests; a failing one may be looked at with them.
    private static readonly string LogLevel = Environment.GetEnvironmentVariable("CAPVAULT_TEST_LOG") ?? "None";

    private readonly SandboxChain _chain;
    private readonly TemporaryFolder _data = new();
    private readonly string[] _settings;
    private RelayerDatabase _database;
    private WebApplication? _app;

    private RelayerServer(SandboxChain chain, RelayerDatabase database, string[] settings)
    {
        _chain = chain;
        _database = database;
        _settings = settings;
    }

    /// <summary>The origin, <c>http://127.0.0.1:port</c>.</summary>
    public string Url { get; private set; } = "http://127.0.0.1:0";

    public string DataDirectory => _data.Path;

    /// <summary>The operator's key, which the relayer wrote at its first start.</summary>
    public string OperatorKey => File.ReadAllText(_data.File("operator.key")).Trim();

    /// <summary>What the running relayer is made of.</summary>
    public IServiceProvider Services => _app!.Services;

    public static async Task<RelayerServer> StartAsync(SandboxChain chain, params string[] settings)
    {
        var server = new RelayerServer(chain, await RelayerDatabase.CreateAsync(), settings);
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts it again, with other settings where they are given.</summary>
    public async Task StartAsync(params string[] settings)
    {
        _app = await RelayerHost.BuildAsync(Arguments(settings), CancellationToken.None);
        await _app.StartAsync();
        Url = _app.Urls.Single();
    }

    /// <summary>Its command line, with more settings.</summary>
    public string[] Arguments(params string[] settings) => RelayerSettings.Arguments(_chain, DataDirectory, Url, LogLevel, [.. _database.Settings, .. _settings, .. settings]);

    /// <summary>All that the stopped relayer's database holds, as bytes in which text can be found.</summary>
    public Task<byte[]> ReadDatabaseAsync() => _database.ReadAsync(DataDirectory);

    /// <summary>Copies all data of the stopped relayer.</summary>
    /// <param name="folder">Where the files go.</param>
    /// <returns>Puts the copy in place of what there is then.</returns>
    public async Task<Action> BackUpAsync(string folder)
    {
        Copy(DataDirectory, folder);
        var database = await _database.CopyAsync();
        return () =>
        {
            Copy(folder, DataDirectory);
            _database = database;
        };
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.GetFiles(to))
        {
            File.Delete(file);
        }

        foreach (var file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    /// <summary>Stops it as a deployment would: streams are told, nothing is left half done.</summary>
    public async Task StopAsync()
    {
        if (_app is { } app)
        {
            _app = null;
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _database.DisposeAsync();
        _data.Dispose();
    }
}
