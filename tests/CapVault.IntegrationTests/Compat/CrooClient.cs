using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>What came of a call of CROO's client.</summary>
internal sealed record CrooAnswer(JsonElement Result, JsonElement? Error)
{
    /// <summary>The reason of the error that was thrown; "" for one that the client made itself.</summary>
    public string Reason => Error!.Value.GetProperty("reason").GetString()!;

    /// <summary>Which of the client's predicates hold for it.</summary>
    public IEnumerable<string> Is => Error!.Value.GetProperty("is").EnumerateArray().Select(name => name.GetString()!);
}

/// <summary>CROO's published client, unmodified, in a process of its own (tests/compat/remote.mjs).</summary>
internal sealed class CrooClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<CrooAnswer>> _calls = new();
    private readonly List<JsonElement> _heard = [];
    private readonly Task _reading;
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _id;

    public CrooClient(string relayerUrl, string rpcUrl, string key)
    {
        _process = Process.Start(Node("remote.mjs", relayerUrl, rpcUrl, key))!;
        _reading = ReadAsync();
    }

    /// <summary>All events so far, as they came.</summary>
    public IReadOnlyList<JsonElement> Heard
    {
        get
        {
            lock (_heard)
            {
                return [.. _heard];
            }
        }
    }

    /// <summary>The types of the events of an order or a negotiation so far.</summary>
    public IEnumerable<string> TypesOf(string subject) => Heard.Where(e => IsAbout(e, subject)).Select(e => e.GetProperty("type").GetString()!);

    /// <summary>A script of tests/compat with its settings.</summary>
    public static ProcessStartInfo Node(string script, string relayerUrl, string rpcUrl, string key, params string[] arguments)
    {
        var start = new ProcessStartInfo("node", [Path.Combine(Repository.Root, "tests", "compat", script), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["CROO_API_URL"] = relayerUrl;
        start.Environment["CROO_WS_URL"] = $"ws://{new Uri(relayerUrl).Authority}/ws";
        start.Environment["BASE_RPC_URL"] = rpcUrl;
        start.Environment["CROO_SDK_KEY"] = key;
        return start;
    }

    /// <summary>Calls a method and returns what came of it.</summary>
    public async Task<CrooAnswer> TryAsync(string call, params object?[] args)
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

    /// <summary>The first event of a type about an order or a negotiation, which may have come already.</summary>
    public async Task<JsonElement> HearAsync(string type, string subject)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            Task next;
            lock (_heard)
            {
                var found = _heard.Find(e => e.GetProperty("type").GetString() == type && IsAbout(e, subject));
                if (found.ValueKind != JsonValueKind.Undefined)
                {
                    return found;
                }

                next = _next.Task;
            }

            await Task.WhenAny(next, Task.Delay(TimeSpan.FromSeconds(1)));
        }

        throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"Waited {Patience.TotalSeconds} s in vain for {type} of {subject}; heard {string.Join('\n', Heard)}."));
    }

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

    private static bool IsAbout(JsonElement e, string subject) => e.GetProperty("order_id").GetString() == subject || e.GetProperty("negotiation_id").GetString() == subject;

    private async Task ReadAsync()
    {
        var errors = _process.StandardError.ReadToEndAsync();
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            var said = JsonSerializer.Deserialize<JsonElement>(line);
            if (said.TryGetProperty("event", out var heard))
            {
                lock (_heard)
                {
                    _heard.Add(heard);
                    _next.TrySetResult();
                    _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }
            else if (_calls.TryRemove(said.GetProperty("id").GetInt32(), out var call))
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
