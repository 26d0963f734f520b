using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Nethereum.JsonRpc.Client;

namespace CapVault.IntegrationTests;

/// <summary>An Anvil process, which ends with this object or with the test run.</summary>
internal sealed class AnvilNode : IAsyncDisposable
{
    private const string Listening = "Listening on 127.0.0.1:";

    private readonly Process _process;
    private CancellationTokenSource? _stopMiner;
    private Task? _miner;

    private AnvilNode(Process process, int port)
    {
        _process = process;
        RpcUrl = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
        Rpc = new RpcClient(new Uri(RpcUrl));
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
    }

    public string RpcUrl { get; }

    public RpcClient Rpc { get; }

    /// <summary>Starts one on a port of its own choice and returns when it listens.</summary>
    public static async Task<AnvilNode> StartAsync(params string[] options)
    {
        var start = new ProcessStartInfo(Repository.Tool("anvil"), ["--host", "127.0.0.1", "--port", "0", .. options])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        var process = Process.Start(start)!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(Listening, StringComparison.Ordinal))
            {
                _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null); // a full pipe would stop it
                return new AnvilNode(process, int.Parse(line[Listening.Length..], CultureInfo.InvariantCulture));
            }
        }

        throw new InvalidOperationException($"anvil {string.Join(' ', options)} ended before it listened.");
    }

    /// <summary>Calls a method that our Nethereum does not have.</summary>
    public Task<T> RequestAsync<T>(string method, params object[] parameters) => Rpc.SendRequestAsync<T>(method, null, parameters);

    /// <summary>Stops mining by itself; <see cref="MineAsync(long?)"/> does it then, until what is returned is disposed: a test that fails
    /// must not leave the others of its class without blocks.</summary>
    public async Task<StoppedMining> StopMiningAsync()
    {
        await Rpc.SendRequestAsync("evm_setIntervalMining", null, 0);
        await EndMinerAsync();
        return new StoppedMining(this);
    }

    /// <summary>Mines one block.</summary>
    /// <param name="time">Its timestamp, unix seconds; not before the newest block's. The chain's clock goes on from it.</param>
    public async Task MineAsync(long? time = null)
    {
        if (time is { } timestamp)
        {
            await Rpc.SendRequestAsync("evm_setNextBlockTimestamp", null, timestamp);
        }

        await Rpc.SendRequestAsync("evm_mine");
    }

    /// <summary>Waits until that many transactions wait to be mined.</summary>
    public Task HasPendingAsync(int transactions) => Eventually.TrueAsync(
        async () => (await RequestAsync<JsonElement>("txpool_status")).GetProperty("pending").GetString() is { } pending
            && Convert.ToInt32(pending, 16) == transactions,
        $"{transactions} transactions wait to be mined");

    public async ValueTask DisposeAsync()
    {
        await EndMinerAsync();
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>Mines a block each 0.2 s again.</summary>
    private void ResumeMining()
    {
        // Anvil's own interval, once changed, has whole seconds.
        if (_miner is null)
        {
            _stopMiner = new CancellationTokenSource();
            _miner = MineAllTheTimeAsync(_stopMiner.Token);
        }
    }

    private async Task MineAllTheTimeAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(0.2));
        while (!cancellationToken.IsCancellationRequested)
        {
            await MineAsync();
            await timer.WaitForNextTickAsync(cancellationToken).AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private async Task EndMinerAsync()
    {
        if (_miner is { } miner)
        {
            await _stopMiner!.CancelAsync();
            await miner;
            _stopMiner.Dispose();
            _miner = null;
        }
    }

    private void OnProcessExit(object? sender, EventArgs e) => _process.Kill();

    /// <summary>The time in which blocks are mined by the test alone.</summary>
    internal sealed class StoppedMining(AnvilNode node) : IAsyncDisposable
    {
        /// <summary>Ends it before the test does.</summary>
        public void Resume() => node.ResumeMining();

        public ValueTask DisposeAsync()
        {
            Resume();
            return ValueTask.CompletedTask;
        }
    }
}
