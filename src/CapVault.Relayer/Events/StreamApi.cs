using System.Net.WebSockets;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Events;

/// <summary>WebSocket <c>/stream</c>, and the tickets that open it.</summary>
public static class StreamApi
{
    /// <summary>The sub-protocol that clients ask for.</summary>
    public const string SubProtocol = "cap.v1+json";

    /// <summary>Maps the route that makes tickets.</summary>
    public static void MapStreamTickets(this RouteGroupBuilder api) => api.MapPost("/stream/tickets", async (HttpContext context, StreamTickets tickets) =>
    {
        // A ticket in an answer that was kept could be used by whoever finds it.
        context.Response.Headers.CacheControl = "no-store";
        return Envelopes.Ok(context, await tickets.CreateAsync(context.Caller(), context.RequestAborted));
    }).NeedsScope(Scopes.Read);

    /// <summary>Maps the stream, which takes a ticket in place of a key.</summary>
    public static void MapStream(this IEndpointRouteBuilder api) => api.MapGet("/api/v1/stream", async (
        HttpContext context,
        EventLog events,
        EventFeed feed,
        LiveConnections connections,
        StreamTickets tickets,
        TimeProvider time,
        IOptions<RelayerOptions> options,
        IHostApplicationLifetime lifetime,
        ILogger<StreamConnection> log) =>
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

        var caller = context.Request.Query["ticket"].ToString() is { Length: > 0 } ticket
            ? context.AdmitOrRefuse(await tickets.RedeemAsync(ticket, context.RequestAborted), StreamTickets.Refusal)
            : await context.AuthenticateAsync();
        caller.RequireScope(Scopes.Read);
        if (!caller.IsOperator)
        {
            caller.RequireAgent();
        }

        using var live = await connections.OpenAsync(caller, present: true, context.RequestAborted);
        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = requested.Count > 0 ? SubProtocol : null });
        using var connection = new StreamConnection(socket, caller, events, feed, time, options.Value.HeartbeatSeconds, log);
        await connection.RunAsync(live.IsCut, lifetime.ApplicationStopping, context.RequestAborted);
    });
}
