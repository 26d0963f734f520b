using System.Net.WebSockets;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Compat;

/// <summary>The socket <c>/ws?key=croo_sk_…</c>: eight events under CROO's names, from where the key's last connection ended.</summary>
public static class CompatSocket
{
    /// <summary>Where it is.</summary>
    public const string Path = "/ws";

    /// <summary>Maps the route.</summary>
    public static void MapCompatSocket(this IEndpointRouteBuilder app) => app.MapGet(Path, async (
        HttpContext context,
        ApiKeys keys,
        LiveConnections connections,
        CompatCursors cursors,
        EventFeed feed,
        TimeProvider time,
        ILogger<CompatConnection> log,
        IHostApplicationLifetime lifetime) =>
    {
        var caller = await CallerAsync(context, keys);
        var agentId = caller.RequireAgent();
        if (!context.WebSockets.IsWebSocketRequest)
        {
            throw ApiException.Invalid("Upgrade", context.Request.Headers.Upgrade, "a WebSocket handshake");
        }

        using var live = await connections.OpenAsync(caller, present: true, context.RequestAborted);
        // Before the handshake is answered: what the client causes from then on comes after this position.
        var cursor = await cursors.OpenAsync(agentId, caller.KeyId, context.RequestAborted);
        var connection = new CompatConnection(agentId, cursor, cursors, feed, time, log);
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = cursors.Heartbeat, KeepAliveTimeout = cursors.Heartbeat });
            await connection.RunAsync(socket, live.IsCut, lifetime.ApplicationStopping, context.RequestAborted);
        }
        finally
        {
            await cursors.CloseAsync(cursor, connection.Received, connection.SaidGoodbye);
        }
    });

    private static async Task<Caller> CallerAsync(HttpContext context, ApiKeys keys)
    {
        var key = context.Request.Query["key"].ToString();
        return key.Length == 0
            ? context.AdmitOrRefuse(null, new ApiException(401, ErrorCodes.Unauthorized, "No key was sent. Connect to /ws?key=croo_sk_…."))
            : context.AdmitOrRefuse(
                await keys.FindAsync(key, context.RequestAborted),
                new ApiException(401, ErrorCodes.InvalidApiKey, "The key is unknown or revoked. Ask the operator for a new one."));
    }
}
