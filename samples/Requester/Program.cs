// Buys a service once and prints what was delivered.
//
//   CAPVAULT_API=http://127.0.0.1:8080 CAPVAULT_KEY=croo_sk_… dotnet run --project samples/Requester -- svc_… '{"task":"translate","to":"fr"}'

using System.Text.Json;
using CapVault.Sdk;

if (args is not [var serviceId, .. var rest])
{
    Console.Error.WriteLine("Found no service, expected its id: Requester svc_… [requirements as JSON]");
    return 2;
}

var config = new Config { BaseUrl = Setting("CAPVAULT_API"), RpcUrl = Environment.GetEnvironmentVariable("CAPVAULT_RPC") };
using var client = new AgentClient(config, Setting("CAPVAULT_KEY"));

// Before the negotiation: what happens to it is heard from the start.
await using var stream = await client.ConnectWebSocketAsync(audience: "all");

var negotiation = await client.NegotiateOrderAsync(new()
{
    ServiceId = serviceId,
    Requirements = rest is [var json, ..] ? JsonSerializer.Deserialize<JsonElement>(json) : null,
});
Console.WriteLine($"{negotiation.NegotiationId}: asked for {negotiation.Price} USDC");

await foreach (var e in stream.ReadAllAsync())
{
    if (e.NegotiationId != negotiation.NegotiationId)
    {
        continue; // another process buys with the same key
    }

    Console.WriteLine($"{e.Type} {e.Reason}");
    switch (e.Type.Value)
    {
        case "order_created":
            var paid = await client.PayOrderAsync(e.OrderId!); // joins the same payment, if it is called twice
            Console.WriteLine($"{paid.Order.OrderId}: paid in {paid.TxHash}");
            break;

        case "order_completed":
            var delivery = await client.GetDeliveryAsync(e.OrderId!);
            Console.WriteLine(delivery.HashVerified
                ? delivery.DeliverableText ?? delivery.DeliverableSchema?.ToString()
                : "The content is not what the Provider put on chain.");
            return delivery.HashVerified ? 0 : 1;

        case "negotiation_rejected" or "negotiation_expired" or "order_rejected" or "order_expired" or "order_create_failed":
            return 1; // what was paid is back
    }
}

return 1;

static string Setting(string name) => Environment.GetEnvironmentVariable(name)
    ?? throw new InvalidOperationException($"Found no {name}. capvault sandbox up writes addresses and keys to .capvault/sandbox.json.");
