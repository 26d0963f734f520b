using System.Globalization;
using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Microsoft.Extensions.Primitives;

namespace CapVault.Relayer.Events;

/// <summary>Route <c>/events</c>: the log page by page, waiting where asked to, or as Server-Sent Events.</summary>
public static class EventsApi
{
    private const int DefaultLimit = 100;
    private const int MaxLimit = 1000;

    /// <summary>
    /// Maps the route. <c>after</c> is a cursor, <c>oldest</c> or <c>tail</c>; without it a reader begins at the tail, as on every stream.
    /// </summary>
    public static void MapEvents(this RouteGroupBuilder api) => api.MapGet("/events", async (
        HttpContext context, EventLog events, EventFeed feed, LiveConnections connections, IHostApplicationLifetime lifetime) =>
    {
        var isSse = context.Request.Headers.Accept.ToString().Contains(EventStreamWriter.ContentType, StringComparison.OrdinalIgnoreCase);
        var query = context.Request.Query;
        var wait = OrderReader.WaitOf(context.Request);
        var limit = LimitOf(query["limit"].ToString());
        var reader = EventReader.Of(context.Caller(), query["audience"].ToString() is { Length: > 0 } audience ? audience : null, TypesOf(query["types"]));
        // What the browser remembers wins: when it comes back by itself, the address still has the cursor of the first time.
        var after = isSse && context.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last ? last : query["after"].ToString();
        var bounds = await events.BoundsAsync(context.RequestAborted);
        var position = bounds.Find(after.Length > 0 ? after : "tail") ?? throw Expired(after, bounds.OldestCursor);
        using var subscription = feed.Subscribe(reader, bounds.Epoch, position);
        return isSse
            ? await SendAsync(context, subscription, connections, lifetime.ApplicationStopping)
            : await PageAsync(context, subscription, limit, wait, connections, lifetime.ApplicationStopping);
    });

    private static async Task<IResult> SendAsync(HttpContext context, EventSubscription subscription, LiveConnections connections, CancellationToken stopping)
    {
        using var live = await connections.OpenAsync(context.Caller(), present: true, context.RequestAborted);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, live.IsCut, stopping);
        await EventStreamWriter.RunAsync(context.Response, subscription, over.Token);
        return Results.Empty;
    }

    private static async Task<IResult> PageAsync(
        HttpContext context, EventSubscription subscription, int limit, TimeSpan wait, LiveConnections connections, CancellationToken stopping)
    {
        List<EventRow> rows;
        try
        {
            rows = await subscription.TakeAsync(limit, context.RequestAborted);
            if (rows.Count == 0 && wait > TimeSpan.Zero)
            {
                rows = await WaitAsync(context, subscription, limit, wait, connections, stopping);
            }
        }
        catch (EventsForgottenException)
        {
            throw Expired(subscription.Cursor, subscription.SkipForgotten());
        }

        var page = rows.ConvertAll(row => JsonSerializer.Deserialize<JsonElement>(row.ToJson(subscription.Epoch)));
        return Envelopes.Page(context, page, new PageInfo(subscription.Cursor, subscription.IsBehind));
    }

    private static async Task<List<EventRow>> WaitAsync(
        HttpContext context, EventSubscription subscription, int limit, TimeSpan wait, LiveConnections connections, CancellationToken stopping)
    {
        using var live = await connections.OpenAsync(context.Caller(), present: false, context.RequestAborted);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, live.IsCut, stopping);
        var started = TimeProvider.System.GetTimestamp();
        try
        {
            while (wait - TimeProvider.System.GetElapsedTime(started) is { Ticks: > 0 } left && await subscription.WaitAsync(left, over.Token))
            {
                // What woke it may not be for this audience or of these types.
                if (await subscription.TakeAsync(limit, over.Token) is { Count: > 0 } rows)
                {
                    return rows;
                }
            }
        }
        catch (OperationCanceledException) when (live.IsCut.IsCancellationRequested)
        {
            throw new ApiException(401, ErrorCodes.InvalidApiKey, "The key was revoked. Use the new one.");
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // An empty page is a true answer, and the cursor on it is good for the next relayer.
        }

        return [];
    }

    private static int LimitOf(string text) => text.Length == 0
        ? DefaultLimit
        : Fields.Range("limit", int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1, 1, MaxLimit);

    private static string[]? TypesOf(StringValues types) => types.Count == 0 ? null : types.ToString().Split(',', StringSplitOptions.TrimEntries);

    private static ApiException Expired(string after, string oldest) => new(
        410,
        ErrorCodes.CursorExpired,
        $"after: found {ApiException.Quote(after)}, whose events are not kept any more or are of before a restored backup; expected a cursor from {oldest} on. "
            + "Read your orders anew, then go on from there.",
        new { field = "after", found = ApiException.Cut(after), oldest });
}
