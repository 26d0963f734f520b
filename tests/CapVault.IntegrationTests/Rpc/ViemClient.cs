using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>What came of a call of viem.</summary>
internal sealed record ViemAnswer(JsonElement Result, JsonElement? Error)
{
    /// <summary>The JSON-RPC code of the error that was thrown; 0 for one that viem made itself.</summary>
    public int Code => Error!.Value.GetProperty("code").GetInt32();

    public string Message => Error!.Value.GetProperty("message").GetString()!;

    /// <summary>The classes of the error and its causes.</summary>
    public string Name => Error!.Value.GetProperty("name").GetString()!;

    public JsonElement Data => Error!.Value.GetProperty("data");
}

/// <summary>viem and permissionless, unmodified, in a process of their own (tests/rpc/remote.mjs).</summary>
internal sealed class ViemClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<ViemAnswer>> _calls = new();
    private readonly Task _reading;
    private int _id;

    public ViemClient(string relayerUrl, string nodeUrl, string? key = null, string? factory = null)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(Repository.Root, "tests", "rpc", "remote.mjs")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["RELAYER_URL"] = relayerUrl;
        start.Environment["NODE_URL"] = nodeUrl;
        start.Environment["DEPLOYER_KEY"] = TestKeys.Human.GetPrivateKey();
        start.Environment["RELAYER_KEY"] = key ?? "";
        start.Environment["FACTORY"] = factory ?? "";
        _process = Process.Start(start)!;
        _reading = ReadAsync();
    }

    /// <summary>Calls a method and returns what came of it.</summary>
    public async Task<ViemAnswer> TryAsync(string call, params object?[] args)
    {
        var id = Interlocked.Increment(ref _id);
        var answer = _calls[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await _process.StandardInput.WriteLineAsync(JsonSerializer.Serialize(new { id, call, args }));
        return await answer.Task.WaitAsync(Patience);
    }

    /// <summary>Calls a method that must succeed.</summary>
    public async Task<JsonElement> CallAsync(string call, params object?[] args)
    {
        var answer = await TryAsync(call, args);
        return answer.Error is { } error ? throw new InvalidOperationException($"{call}: {error}") : answer.Result;
    }

    /// <summary>Calls a method of ours as it is.</summary>
    public Task<ViemAnswer> RequestAsync(string method, params object?[] parameters) => TryAsync("request", method, parameters);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        var errors = _process.StandardError.ReadToEndAsync();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var said = JsonSerializer.Deserialize<JsonElement>(line);
            if (_calls.TryRemove(said.GetProperty("id").GetInt32(), out var call))
            {
                call.SetResult(said.TryGetProperty("error", out var error) ? new(default, error) : new(said.GetProperty("result"), null));
            }
        }

        var ended = new InvalidOperationException($"node ended: {await errors}");
        foreach (var call in _calls.Values)
        {
            call.TrySetException(ended);
        }
    }
}
