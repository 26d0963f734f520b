using System.Net.WebSockets;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Events;

/// <summary>WebSocket <c>/stream</c>.</summary>
public static class StreamApi
{
    /// <summary>The sub-protocol that clients ask for.</summary>
    public const string SubProtocol = "cap.v1+json";

    /// <summary>Maps the route.</summary>
    public static void MapStream(this RouteGroupBuilder api) => api.MapGet("/stream", async (
        HttpContext context, EventLog events, LiveConnections connections, TimeProvider time, IOptions<RelayerOptions> options, IHostApplicationLifetime lifetime, ILogger<StreamConnection> log) =>
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw ApiException.Invalid("Upgrade", context.Request.Headers.Upgrade, $"a WebSocket handshake with sub-protocol {SubProtocol}");
        }

        var requested = context.WebSockets.WebSocketRequestedProtocols;
        if (requested.Count > 0 && !requested.Contains(SubProtocol))
        {
            throw ApiException.Invalid("Sec-WebSocket-Protocol", string.Join(", ", requested), SubProtocol);
        }

        using var live = await connections.OpenAsync(context.Caller(), present: true, context.RequestAborted);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = requested.Count > 0 ? SubProtocol : null });
        using var connection = new StreamConnection(socket, context.Caller(), events, time, options.Value.HeartbeatSeconds, log);
        await connection.RunAsync(live.IsCut, lifetime.ApplicationStopping, context.RequestAborted);
    });
}
