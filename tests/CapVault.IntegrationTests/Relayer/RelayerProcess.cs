using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace CapVault.IntegrationTests;

/// <summary>The real relayer as a process of its own, so that it can be killed as nothing in a process can.</summary>
internal sealed class RelayerProcess : IAsyncDisposable
{
    private const int SigTerm = 15;

    private readonly SandboxChain _chain;
    private readonly TemporaryFolder _data = new();
    private readonly StringBuilder _output = new();
    private readonly string[] _arguments;
    private readonly RelayerDatabase _database;
    private readonly bool _ownsDatabase;
    private Process? _process;

    private RelayerProcess(SandboxChain chain, RelayerDatabase database, bool ownsDatabase, string[] arguments)
    {
        _chain = chain;
        _database = database;
        _ownsDatabase = ownsDatabase;
        _arguments = arguments;
    }

    public string Url { get; } = $"http://127.0.0.1:{FreePort()}";

    public int ProcessId => _process?.Id ?? throw new InvalidOperationException("The relayer is down.");

    public string DataDirectory => _data.Path;

    /// <summary>Whether it was killed, or has ended by itself.</summary>
    public bool IsDown => _process is null or { HasExited: true };

    public string OperatorKey => File.ReadAllText(_data.File("operator.key")).Trim();

    /// <summary>What it has said.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it.</summary>
    /// <param name="chain">What it works on.</param>
    /// <param name="arguments">More of its command line; they win.</param>
    public static async Task<RelayerProcess> StartAsync(SandboxChain chain, params string[] arguments)
    {
        var relayer = await PrepareAsync(chain, arguments);
        await relayer.StartAsync();
        return relayer;
    }

    /// <summary>Does not start it yet.</summary>
    public static async Task<RelayerProcess> PrepareAsync(SandboxChain chain, params string[] arguments) =>
        new(chain, await RelayerDatabase.CreateAsync(), ownsDatabase: true, arguments);

    /// <summary>Starts another on the same database, which has to be PostgreSQL; it goes before this one.</summary>
    public async Task<RelayerProcess> StartAnotherAsync(params string[] arguments)
    {
        var relayer = new RelayerProcess(_chain, _database, ownsDatabase: false, arguments);
        await relayer.StartAsync();
        return relayer;
    }

    /// <summary>Starts a second relayer on this one's data, and returns its exit code and what it said.</summary>
    public async Task<(int ExitCode, string Output)> RunSecondAsync()
    {
        using var second = Start($"http://127.0.0.1:{FreePort()}");
        var output = second.StandardOutput.ReadToEndAsync();
        var errors = second.StandardError.ReadToEndAsync();
        await second.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return (second.ExitCode, await output + await errors);
    }

    /// <summary>Starts it, again on the same data and port, and returns when it takes orders.</summary>
    public async Task StartAsync()
    {
        Launch();
        await ReadyAsync();
    }

    /// <summary>Starts it; it may not be ready yet.</summary>
    public void Launch()
    {
        _process = Start(Url);
        _process.OutputDataReceived += (_, line) => Keep(line.Data);
        _process.ErrorDataReceived += (_, line) => Keep(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    /// <summary>Returns when it takes orders.</summary>
    public async Task ReadyAsync()
    {
        using var http = new HttpClient();
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    using var answer = await http.GetAsync(new Uri($"{Url}/health/ready"));
                    return answer.IsSuccessStatusCode;
                }
                catch (HttpRequestException) when (!_process!.HasExited)
                {
                    return false;
                }
            },
            () => $"the relayer is ready; it said:\n{Output}");
    }

    /// <summary>Asks it to stop, as a deployment does.</summary>
    public void Terminate() => _ = Kill(ProcessId, SigTerm);

    /// <summary>Returns its exit code when it has ended.</summary>
    public async Task<int> ExitAsync()
    {
        await _process!.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        return _process.ExitCode;
    }

    /// <summary>kill −9.</summary>
    public async Task KillAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
            process.Kill(); // nothing, where it has ended
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        if (_ownsDatabase)
        {
            await _database.DisposeAsync();
        }

        _data.Dispose();
    }

    /// <summary>Lets no file of it grow beyond a size, as a full disk would; null for no limit.</summary>
    public Task LimitFilesAsync(long? bytes) => Repository.RunAsync(
        "prlimit", ["--pid", ProcessId.ToString(CultureInfo.InvariantCulture), $"--fsize={bytes?.ToString(CultureInfo.InvariantCulture) ?? "unlimited"}:"]);

    /// <summary>Looks into its database, also while it does not run.</summary>
    public Task<RelayerDatabase.Look> LookAsync() => _database.LookAsync(DataDirectory);

    private Process Start(string url)
    {
        // The build puts it beside the tests. A write beyond the limit of file sizes is to fail, not to end the process.
        var assembly = Path.Combine(AppContext.BaseDirectory, "CapVault.Relayer.dll");
        return Process.Start(new ProcessStartInfo("sh", ["-c", "trap '' XFSZ; exec dotnet \"$@\"", "sh", assembly, .. RelayerSettings.Arguments(_chain, DataDirectory, url, "Warning", _database.Settings), .. _arguments])
        {
            WorkingDirectory = DataDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        })!;
    }

    private void Keep(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);

    private void OnProcessExit(object? sender, EventArgs e) => _process?.Kill();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
