namespace CapVault.Relayer.Events;

/// <summary>
/// Server-Sent Events by hand: the framework's formatter knows neither comments, which the heartbeat is made of, nor blocks that are only
/// an id.
/// </summary>
internal static class EventStreamWriter
{
    public const string ContentType = "text/event-stream";

    private const int PageSize = 100;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(15);

    /// <summary>How long a client may leave something unread. Kestrel's minimum data rate credits it with all that it has read before, hours for a
    /// long stream.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Sends events until the client goes, or <paramref name="over"/> says that the stream must end.</summary>
    public static async Task RunAsync(HttpResponse response, EventSubscription subscription, CancellationToken over)
    {
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
        try
        {
            // The id at once: a client that is cut before its first event comes back to where it began.
            await WriteAsync($"retry: 2000\nid: {subscription.Cursor}\n\n");
            var told = subscription.Position;
            var wroteAt = TimeProvider.System.GetTimestamp();
            while (true)
            {
                var rows = await subscription.TakeAsync(PageSize, over);
                foreach (var row in rows)
                {
                    await WriteAsync($"id: {EventLog.Cursor(subscription.Epoch, row.Seq)}\nevent: {row.Type}\ndata: {row.ToJson(subscription.Epoch)}\n\n");
                    (told, wroteAt) = (row.Seq, TimeProvider.System.GetTimestamp());
                }

                if (rows.Count == 0 && TimeProvider.System.GetElapsedTime(wroteAt) >= Heartbeat)
                {
                    // Others' events move the log on; a quiet client's id must not grow old meanwhile.
                    await WriteAsync(subscription.Position > told ? $": \nid: {subscription.Cursor}\n\n" : ": \n\n");
                    (told, wroteAt) = (subscription.Position, TimeProvider.System.GetTimestamp());
                }

                var quiet = TimeProvider.System.GetElapsedTime(wroteAt);
                await subscription.WaitAsync(quiet < Heartbeat ? Heartbeat - quiet : TimeSpan.Zero, over);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or EventsForgottenException)
        {
            // Ended, or so slow that it must be told so: coming back, it is answered 410.
        }
        catch (TimeoutException)
        {
            response.HttpContext.Abort();
        }

        Task WriteAsync(string text)
        {
            var writing = response.WriteAsync(text, over);
            return writing.IsCompletedSuccessfully ? writing : writing.WaitAsync(Patience, over);
        }
    }
}
