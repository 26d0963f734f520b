// Sells a service: accepts what it is asked for, and delivers what is paid. Here the work is to write the requirements in capitals.
//
//   CAPVAULT_API=http://127.0.0.1:8080 CAPVAULT_KEY=croo_sk_… dotnet run --project samples/Provider -- provider.inbox
//
// The inbox file remembers what is handled: stopped and started again, it goes on where it was, and does no job twice.

using CapVault.Sdk;

var config = new Config { BaseUrl = Setting("CAPVAULT_API") };
using var client = new AgentClient(config, Setting("CAPVAULT_KEY"));
using var inbox = FileInboxStore.Open(args is [var path] ? path : "provider.inbox");
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

// From the oldest event at the first start: jobs that came before there was anybody to do them.
await using var stream = await client.ConnectWebSocketAsync(after: EventStream.Oldest, inbox: inbox, cancellationToken: stop.Token);
stream.Error += (_, e) => Console.Error.WriteLine(e.Exception.Message);
stream.On(EventType.NegotiationCreated, async (e, ct) =>
{
    var negotiation = await client.GetNegotiationAsync(e.NegotiationId!, ct);
    if (negotiation.Status != NegotiationStatus.Pending)
    {
        return; // answered already, or too late
    }

    if (negotiation.Requirements is null)
    {
        await client.RejectNegotiationAsync(negotiation.NegotiationId, "Say what you want.", ct);
        Console.WriteLine($"{negotiation.NegotiationId}: rejected");
        return;
    }

    var accepted = await client.AcceptNegotiationAsync(negotiation.NegotiationId, cancellationToken: ct);
    Console.WriteLine($"{accepted.Order.OrderId}: accepted for {accepted.Order.Price} USDC");
});
stream.On(EventType.OrderPaid, async (e, ct) =>
{
    var order = await client.GetOrderAsync(e.OrderId!, ct);
    if (order.Status != OrderStatus.Paid)
    {
        return; // rejected or expired meanwhile
    }

    var negotiation = await client.GetNegotiationAsync(order.NegotiationId!, ct);
    var work = negotiation.Requirements!.Value.GetRawText().ToUpperInvariant();
    var delivered = await client.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = work }, ct);
    Console.WriteLine($"{order.OrderId}: delivered in {delivered.TxHash}");
});

Console.WriteLine("Waiting for jobs; Ctrl-C ends it.");
try
{
    await stream.Completion.WaitAsync(stop.Token);
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    // Asked to.
}

static string Setting(string name) => Environment.GetEnvironmentVariable(name)
    ?? throw new InvalidOperationException($"Found no {name}. capvault sandbox up writes addresses and keys to .capvault/sandbox.json.");
