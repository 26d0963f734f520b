using CapVault.Sdk;

namespace CapVault.Relayer.Events;

/// <summary>Per event type: who sees it by default, who sees it with audience=all, and its names in other systems.</summary>
public sealed record EventKind(Audience Default, Audience All, params string[] Aliases);

/// <summary>The vocabulary of events.</summary>
public static class EventKinds
{
    private static readonly Dictionary<EventType, EventKind> Kinds = new()
    {
        [EventType.NegotiationCreated] = new(Audience.Provider, Audience.Parties, "order_negotiation_created", "order.created"),
        [EventType.NegotiationAccepted] = new(Audience.None, Audience.Parties),
        [EventType.NegotiationRejected] = new(Audience.Requester, Audience.Parties, "order_negotiation_rejected", "order.canceled"),
        [EventType.NegotiationExpired] = new(Audience.Requester, Audience.Parties, "order_negotiation_expired", "order.canceled"),
        [EventType.OrderCreating] = new(Audience.Operator, Audience.Operator, "order.escrow_creating"),
        [EventType.OrderPaying] = new(Audience.Operator, Audience.Operator, "order.escrow_funding"),
        [EventType.OrderCreated] = new(Audience.Parties, Audience.Parties, "escrow.created", "OrderCreated"),
        [EventType.OrderApproved] = new(Audience.Parties, Audience.Parties),
        [EventType.OrderPaid] = new(Audience.Provider, Audience.Parties, "order.escrow_funded", "order.in_progress", "order:paid", "OrderStarted"),
        [EventType.OrderDelivered] = new(Audience.Requester, Audience.Parties, "escrow.milestone_completed", "delivery", "OrderEncryptedResultUpdated"),
        [EventType.OrderDisputed] = new(Audience.Parties, Audience.Parties, "order.disputed"),
        [EventType.DisputeResolved] = new(Audience.Parties, Audience.Parties, "dispute.resolved"),
        [EventType.OrderCompleted] = new(Audience.Requester, Audience.Parties, "order.released", "order.closed", "OrderProfitWithdrawn"),
        [EventType.OrderRejected] = new(Audience.Parties, Audience.Parties, "order.closed"),
        [EventType.OrderExpired] = new(Audience.Parties, Audience.Parties, "order.closed"),
        [EventType.OrderReverted] = new(Audience.Parties, Audience.Parties),
        [EventType.PayoutDeferred] = new(Audience.None, Audience.Parties),
        [EventType.OrderCreateFailed] = new(Audience.Provider, Audience.Parties),
        [EventType.OrderPayFailed] = new(Audience.Requester, Audience.Parties),
        [EventType.OrderDeliverFailed] = new(Audience.Provider, Audience.Parties),
    };

    /// <summary>The kind of a type that this relayer emits.</summary>
    public static EventKind Of(EventType type) => Kinds[type];

    /// <summary>The names of all types that this relayer emits.</summary>
    public static IEnumerable<string> Names => Kinds.Keys.Select(type => type.Value);

    /// <summary>The names of an event in other systems; whether money went back decides what an end is called there.</summary>
    public static string[] Aliases(EventType type, bool refunded = false)
    {
        var aliases = Of(type).Aliases;
        if (type == EventType.OrderRejected)
        {
            return refunded ? ["order.refunded", .. aliases, "OrderChangeWithdrawn"] : ["order.canceled", .. aliases];
        }

        return type == EventType.OrderExpired && refunded ? ["order.refunded", .. aliases] : aliases;
    }
}
