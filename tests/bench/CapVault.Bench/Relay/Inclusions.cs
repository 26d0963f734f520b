using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.Contracts;
using Nethereum.Hex.HexTypes;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Bench.Relay;

/// <summary>When a newHeads subscriber of the node saw the block that includes an operation: the same eye for every bundler.</summary>
internal sealed class Inclusions : IAsyncDisposable
{
    private static readonly string Signature = "0x" + Event<UserOperationEventEventDTO>.GetEventABI().Sha3Signature;

    private readonly Node _node;
    private readonly string _entryPoint;
    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Inclusion>> _waiting = new(StringComparer.OrdinalIgnoreCase);
    private Task _reading = Task.CompletedTask;

    private Inclusions(Node node, string entryPoint) => (_node, _entryPoint) = (node, entryPoint);

    /// <param name="At">Stopwatch ticks.</param>
    internal sealed record Inclusion(long At, string TxHash, bool Succeeded);

    public static async Task<Inclusions> WatchAsync(Node node, string url, string entryPoint, CancellationToken cancellationToken)
    {
        var inclusions = new Inclusions(node, entryPoint);
        await inclusions._socket.ConnectAsync(new Uri(url.Replace("http", "ws", StringComparison.Ordinal)), cancellationToken);
        var subscribe = Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}""");
        await inclusions._socket.SendAsync(subscribe, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        inclusions._reading = Task.Run(inclusions.ReadAsync, CancellationToken.None);
        return inclusions;
    }

    /// <summary>Completes when the operation is in a block.</summary>
    public Task<Inclusion> OfAsync(string userOpHash) => Waiting(userOpHash).Task;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _reading;
        _socket.Dispose();
        _stop.Dispose();
    }

    private TaskCompletionSource<Inclusion> Waiting(string userOpHash) =>
        _waiting.GetOrAdd(userOpHash, _ => new TaskCompletionSource<Inclusion>(TaskCreationOptions.RunContinuationsAsynchronously));

    private async Task ReadAsync()
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer.AsMemory(), _stop.Token);
                var seen = Stopwatch.GetTimestamp();
                using var message = JsonDocument.Parse(buffer.AsMemory(0, received.Count));
                if (message.RootElement.TryGetProperty("params", out var head))
                {
                    await BlockAsync(head.GetProperty("result").GetProperty("hash").GetString()!, seen);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The phase is over.
        }
    }

    private async Task BlockAsync(string blockHash, long seen)
    {
        foreach (var log in await _node.RequestAsync<FilterLog[]>("eth_getLogs", new { blockHash, address = _entryPoint, topics = new[] { Signature } }))
        {
            var included = log.DecodeEvent<UserOperationEventEventDTO>().Event;
            Waiting((string)log.Topics[1]).TrySetResult(new Inclusion(seen, log.TransactionHash, included.Success));
        }
    }
}
