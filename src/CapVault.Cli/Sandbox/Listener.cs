using System.Threading.Channels;
using CapVault.Sdk;

namespace CapVault.Cli.Sandbox;

/// <summary>An agent's ear: prints what comes over the stream, and waits for it.</summary>
internal sealed class Listener : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly EventStream _stream;
    private readonly string _name;
    private readonly Channel<CapEvent> _heard = Channel.CreateUnbounded<CapEvent>();

    private Listener(EventStream stream, string name)
    {
        _stream = stream;
        _name = name;
    }

    public static async Task<Listener> StartAsync(AgentClient agent, string name, Printer print, CancellationToken cancellationToken)
    {
        var listener = new Listener(await agent.ConnectWebSocketAsync(cancellationToken: cancellationToken), name);
        listener._stream.OnAny(e =>
        {
            print.Line($"      ~ {name} hears {e.Type}");
            return listener._heard.Writer.WriteAsync(e, CancellationToken.None).AsTask();
        });
        return listener;
    }

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    /// <summary>Returns when the event has come; events before it are passed over.</summary>
    /// <exception cref="CliException">It does not come.</exception>
    public async Task HeardAsync(EventType type, string subject, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await foreach (var e in _heard.Reader.ReadAllAsync(both.Token))
            {
                if (e.Type == type && (e.OrderId == subject || e.NegotiationId == subject))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CliException($"The {_name} did not hear {type} of {subject} within {Patience.TotalSeconds:0} s.", "Next: see the relayer's log.");
        }
    }
}
