using System.Net;
using Microsoft.AspNetCore.HttpOverrides;

namespace CapVault.Relayer.Http;

/// <summary>Believes proxies that the options name about whom they forward for.</summary>
public static class TrustedProxies
{
    /// <exception cref="InvalidOperationException">One of them is no address.</exception>
    public static void UseTrustedProxies(this WebApplication app, RelayerOptions options)
    {
        if (options.TrustedProxies.Length == 0)
        {
            return;
        }

        var forwarded = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor };
        // Not the framework's own, which is this machine.
        forwarded.KnownIPNetworks.Clear();
        forwarded.KnownProxies.Clear();
        foreach (var proxy in options.TrustedProxies.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (IPAddress.TryParse(proxy, out var address))
            {
                forwarded.KnownProxies.Add(address);
            }
            else if (System.Net.IPNetwork.TryParse(proxy, out var network))
            {
                forwarded.KnownIPNetworks.Add(network);
            }
            else
            {
                throw new InvalidOperationException($"TrustedProxies: found {proxy}, expected an address or a network, such as 10.0.0.0/8.");
            }
        }

        app.UseForwardedHeaders(forwarded);
    }
}
