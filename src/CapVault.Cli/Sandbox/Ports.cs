using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace CapVault.Cli.Sandbox;

internal static class Ports
{
    /// <summary>The port that was asked for, or one that is free now.</summary>
    /// <exception cref="CliException">The port is taken.</exception>
    public static int Choose(int? wanted, string option)
    {
        using var listener = new TcpListener(IPAddress.Loopback, wanted ?? 0) { ExclusiveAddressUse = true };
        try
        {
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
        catch (SocketException e)
        {
            throw new CliException(
                string.Create(CultureInfo.InvariantCulture, $"Port {wanted} of 127.0.0.1 cannot be used: {e.Message}."),
                $"Next: choose another with {option}, or leave {option} out to get a free one.");
        }
    }
}
