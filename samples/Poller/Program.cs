// Follows an agent's events without a connection that stays open: for a cron job, a function, or a network that lets no WebSocket through.
//
//   CAPVAULT_API=http://127.0.0.1:8080 CAPVAULT_KEY=croo_sk_… dotnet run --project samples/Poller -- poller.cursor [seconds]
//
// Each event is printed once; the file keeps the place. With seconds it ends when nothing has happened for that long.

using System.Globalization;
using CapVault.Sdk;

var file = args is [var path, ..] ? path : "poller.cursor";
int? patience = args is [_, var seconds] ? int.Parse(seconds, CultureInfo.InvariantCulture) : null;
using var client = new AgentClient(new Config { BaseUrl = Setting("CAPVAULT_API") }, Setting("CAPVAULT_KEY"));

var cursor = File.Exists(file) ? await File.ReadAllTextAsync(file) : "oldest";
while (true)
{
    EventPage page;
    try
    {
        page = await client.ListEventsAsync(new() { After = cursor, Audience = "all", WaitSeconds = patience ?? 30 });
    }
    catch (CapApiException e) when (e.Code == ErrorCodes.CursorExpired)
    {
        Console.Error.WriteLine("Events are lost: the place in the file is older than what is kept. List the orders, and go on.");
        cursor = e.Details!["oldest"].GetString()!;
        continue;
    }

    foreach (var e in page.Events)
    {
        Console.WriteLine($"{e.OccurredAt:u} {e.Type} {e.OrderId ?? e.NegotiationId} {e.Status}");
    }

    cursor = page.NextCursor;
    await File.WriteAllTextAsync(file, cursor); // after the work: a crash in between repeats it, and never skips it
    if (page.Events.Count == 0 && patience is not null)
    {
        return;
    }
}

static string Setting(string name) => Environment.GetEnvironmentVariable(name)
    ?? throw new InvalidOperationException($"Found no {name}. capvault sandbox up writes addresses and keys to .capvault/sandbox.json.");
