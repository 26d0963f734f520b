using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CapVault.IntegrationTests;

/// <summary>The way to a node, which can be cut.</summary>
internal sealed class NodeProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _nodePort;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _accepting;
    private CancellationTokenSource _cut = new();
    private volatile bool _isCut;

    public NodeProxy(string rpcUrl)
    {
        _nodePort = new Uri(rpcUrl).Port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");

    /// <summary>Ends all connections, and new ones at once.</summary>
    public async Task CutAsync()
    {
        _isCut = true;
        await _cut.CancelAsync();
    }

    /// <summary>Lets them through again.</summary>
    public void Mend()
    {
        _cut.Dispose();
        _cut = new CancellationTokenSource();
        _isCut = false;
    }

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        await _ended.CancelAsync();
        _listener.Stop();
        await _accepting;
        _cut.Dispose();
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_ended.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // It is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            if (_isCut)
            {
                return;
            }

            var cut = _cut.Token;
            using var node = new TcpClient();
            try
            {
                await node.ConnectAsync(IPAddress.Loopback, _nodePort, cut);
                await Task.WhenAny(client.GetStream().CopyToAsync(node.GetStream(), cut), node.GetStream().CopyToAsync(client.GetStream(), cut));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException)
            {
                // Cut.
            }
        }
    }
}
