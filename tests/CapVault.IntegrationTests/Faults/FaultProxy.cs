using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CapVault.IntegrationTests.Faults;

/// <summary>
/// What stands between the relayer and its node: reads every JSON-RPC call, and spoils some. A <see cref="Trap"/> springs between two steps of one call, which
/// is then never answered.
/// </summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private const string SendRaw = "eth_sendRawTransaction";
    private const double Share = 0.4;
    private const double ShareOfSends = 0.8; // there are few

    // How far behind the node that lags is.
    private const int Lag = 2;

    private static readonly string[] AskedOfLatest = ["eth_getBlockByNumber", "eth_call", "eth_simulateV1", "eth_getBalance", "eth_getTransactionCount"];

    private readonly WebApplication _app;
    private readonly HttpClient _node;
    private readonly Random _random;
    private readonly ConcurrentDictionary<NodeFault, int> _applied = new();
    private long _head;
    private Trap? _trap;
    private volatile NodeFault _fault;

    private FaultProxy(WebApplication app, string rpcUrl, int seed)
    {
        _app = app;
        _node = new HttpClient { BaseAddress = new Uri(rpcUrl) };
        _random = new Random(seed);
    }

    public string Url => _app.Urls.Single();

    /// <summary>What goes wrong from now on.</summary>
    public NodeFault Fault
    {
        get => _fault;
        set => _fault = value;
    }

    /// <summary>How many calls each fault has spoilt.</summary>
    public IReadOnlyDictionary<NodeFault, int> Applied => _applied;

    public static async Task<FaultProxy> StartAsync(string rpcUrl, int seed)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var proxy = new FaultProxy(app, rpcUrl, seed);
        app.Run(proxy.ServeAsync);
        await app.StartAsync();
        return proxy;
    }

    /// <summary>Springs at the next call that gets to a point.</summary>
    /// <param name="at">The point.</param>
    /// <param name="spring">What happens then, with the instance that called: the number behind <see cref="Url"/>. The call waits for it.</param>
    public void Set(KillPoint at, Func<int, Task> spring) => Volatile.Write(ref _trap, new Trap(at, spring));

    /// <summary>Takes the trap away; false if it has sprung.</summary>
    public bool Disarm() => Interlocked.Exchange(ref _trap, null) is not null;

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _node.Dispose();
    }

    private async Task ServeAsync(HttpContext http)
    {
        try
        {
            using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
            var instance = int.Parse(http.Request.Path.Value!.Trim('/'), CultureInfo.InvariantCulture);
            var call = JsonNode.Parse(await reader.ReadToEndAsync(http.RequestAborted))!.AsObject();
            if (await SpringsAsync(KillPoint.CommitSend, SendRaw, call, instance) || await SpringsAsync(KillPoint.MinedIndexed, "eth_getLogs", call, instance))
            {
                http.Abort();
                return;
            }

            if (await AnswerAsync(call, http.RequestAborted) is not { } answer || await SpringsAsync(KillPoint.SendAccept, SendRaw, call, instance))
            {
                http.Abort();
                return;
            }

            http.Response.ContentType = "application/json";
            await http.Response.WriteAsync(answer, http.RequestAborted);
            await http.Response.CompleteAsync();
            _ = await SpringsAsync(KillPoint.AcceptMined, SendRaw, call, instance) || await SpringsAsync(KillPoint.IndexedPublished, "eth_getTransactionReceipt", call, instance);
        }
        catch (Exception exception) when (exception is OperationCanceledException or HttpRequestException or IOException or JsonException)
        {
            http.Abort(); // the relayer is gone, or the node
        }
    }

    private async Task<bool> SpringsAsync(KillPoint at, string method, JsonObject call, int instance)
    {
        if (Volatile.Read(ref _trap) is not { } trap || trap.At != at || MethodOf(call) != method || Interlocked.CompareExchange(ref _trap, null, trap) != trap)
        {
            return false;
        }

        await trap.Spring(instance);
        return true;
    }

    /// <summary>The node's answer, or what the fault makes of it; null for none.</summary>
    private async Task<string?> AnswerAsync(JsonObject call, CancellationToken cancellationToken)
    {
        var fault = _fault;
        if (fault != NodeFault.Cut && !Chance(MethodOf(call) == SendRaw ? ShareOfSends : Share))
        {
            fault = NodeFault.None;
        }

        switch (fault)
        {
            case NodeFault.DroppedReplies:
                await ForwardAsync(call, cancellationToken);
                return Spoilt(fault, null);
            case NodeFault.Delays:
                await Task.Delay(Between(20, 600), cancellationToken);
                var late = await ForwardAsync(call, cancellationToken);
                await Task.Delay(Between(20, 600), cancellationToken);
                return Spoilt(fault, late);
            case NodeFault.Duplicates:
                await ForwardAsync(call, cancellationToken);
                return Spoilt(fault, await ForwardAsync(call, cancellationToken));
            case NodeFault.StaleHeads:
                return Spoilt(fault, await AnswerLateAsync(call, cancellationToken));
            case NodeFault.AlreadyKnown when MethodOf(call) == SendRaw:
                return Spoilt(fault, await RefuseAsync(call, "already known", cancellationToken));
            case NodeFault.NonceTooLow when MethodOf(call) == SendRaw:
                return Spoilt(fault, await RefuseAsync(call, "nonce too low", cancellationToken));
            case NodeFault.Underpriced when MethodOf(call) == SendRaw:
                return Spoilt(fault, await RefuseAsync(call, "replacement transaction underpriced", cancellationToken));
            case NodeFault.Cut:
                return Spoilt(fault, null);
            default:
                return await ForwardAsync(call, cancellationToken);
        }
    }

    private async Task<string> RefuseAsync(JsonObject call, string message, CancellationToken cancellationToken)
    {
        if (Chance(0.5))
        {
            await ForwardAsync(call, cancellationToken);
        }

        return new JsonObject { ["jsonrpc"] = "2.0", ["id"] = call["id"]?.DeepClone(), ["error"] = new JsonObject { ["code"] = -32_000, ["message"] = message } }.ToJsonString();
    }

    /// <summary>As a node answers that has not seen the newest blocks: it says so of its head, and knows nothing of what is in them.</summary>
    private async Task<string> AnswerLateAsync(JsonObject call, CancellationToken cancellationToken)
    {
        var head = Math.Max(0, Volatile.Read(ref _head) - Lag);
        if (call["params"] is JsonArray parameters && AskedOfLatest.Contains(MethodOf(call), StringComparer.Ordinal))
        {
            for (var i = 0; i < parameters.Count; i++)
            {
                if (parameters[i] is JsonValue value && value.TryGetValue<string>(out var tag) && tag == "latest")
                {
                    parameters[i] = "0x" + head.ToString("x", CultureInfo.InvariantCulture);
                }
            }
        }

        var answer = JsonNode.Parse(await ForwardAsync(call, cancellationToken))!;
        if (BlockOf(MethodOf(call), answer["result"]) > head)
        {
            answer["result"] = answer["result"] is JsonArray ? new JsonArray() : null;
        }

        return answer.ToJsonString();
    }

    private static long BlockOf(string method, JsonNode? result) => (method, result) switch
    {
        ("eth_getBlockByNumber", JsonObject block) => Number(block["number"]),
        ("eth_getTransactionReceipt", JsonObject receipt) => Number(receipt["blockNumber"]),
        ("eth_getLogs", JsonArray { Count: > 0 } logs) => Number(logs[0]!["blockNumber"]),
        _ => -1,
    };

    private async Task<string> ForwardAsync(JsonObject call, CancellationToken cancellationToken)
    {
        using var content = new StringContent(call.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await _node.PostAsync((Uri?)null, content, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        if (MethodOf(call) == "eth_getBlockByNumber" && call["params"]?[0]?.GetValue<string>() == "latest" && JsonNode.Parse(text)!["result"] is JsonObject block)
        {
            Volatile.Write(ref _head, Number(block["number"]));
        }

        return text;
    }

    private string? Spoilt(NodeFault fault, string? answer)
    {
        _applied.AddOrUpdate(fault, 1, (_, count) => count + 1);
        return answer;
    }

    private bool Chance(double share)
    {
        lock (_random)
        {
            return _random.NextDouble() < share;
        }
    }

    private int Between(int least, int most)
    {
        lock (_random)
        {
            return _random.Next(least, most);
        }
    }

    private static string MethodOf(JsonObject call) => call["method"]!.GetValue<string>();

    private static long Number(JsonNode? hex) => Convert.ToInt64(hex!.GetValue<string>(), 16);

    private sealed record Trap(KillPoint At, Func<int, Task> Spring);
}
