using System.Text.Json.Serialization;

namespace CapVault.Sdk;

/// <summary>Where a negotiation stands. The last three are final, except that an accepted one may be accepted again after <c>create_failed</c>.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<NegotiationStatus>))]
public readonly record struct NegotiationStatus(string Value) : IOpenString<NegotiationStatus>
{
    /// <summary>Waiting for an answer until <c>expiresAt</c>.</summary>
    public static readonly NegotiationStatus Pending = new("pending");

    /// <summary>The Provider consented; the order goes on chain.</summary>
    public static readonly NegotiationStatus Accepted = new("accepted");

    /// <summary>The Provider declined.</summary>
    public static readonly NegotiationStatus Rejected = new("rejected");

    /// <summary>Nobody answered in time.</summary>
    public static readonly NegotiationStatus Expired = new("expired");

    /// <inheritdoc/>
    public static NegotiationStatus Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Where an order stands: its phase on chain, or the step that is in flight.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<OrderStatus>))]
public readonly record struct OrderStatus(string Value) : IOpenString<OrderStatus>
{
    /// <summary>createOrder is in flight, or createAndPayOrder; with nothing pending, the Requester is yet to sign the latter.</summary>
    public static readonly OrderStatus Creating = new("creating");

    /// <summary>On chain, waiting for payment until <c>payDeadline</c>.</summary>
    public static readonly OrderStatus Created = new("created");

    /// <summary>payOrder is in flight.</summary>
    public static readonly OrderStatus Paying = new("paying");

    /// <summary>The price is locked; the Provider works until <c>slaDeadline</c>.</summary>
    public static readonly OrderStatus Paid = new("paid");

    /// <summary>deliverOrder is in flight.</summary>
    public static readonly OrderStatus Delivering = new("delivering");

    /// <summary>Delivered, waiting for release or dispute until <c>reviewDeadline</c>; only where the terms ask for a review.</summary>
    public static readonly OrderStatus Delivered = new("delivered");

    /// <summary>The Arbiter may rule until <c>resolveDeadline</c>; only where the terms name one. Disputed before its delivery was under review, an order goes
    /// on: it may still be delivered, released or rejected.</summary>
    public static readonly OrderStatus Disputed = new("disputed");

    /// <summary>releaseOrder is in flight.</summary>
    public static readonly OrderStatus Clearing = new("clearing");

    /// <summary>rejectOrder is in flight.</summary>
    public static readonly OrderStatus Rejecting = new("rejecting");

    /// <summary>expireOrder is in flight.</summary>
    public static readonly OrderStatus Expiring = new("expiring");

    /// <summary>Final: paid out.</summary>
    public static readonly OrderStatus Completed = new("completed");

    /// <summary>Final: refunded, or never paid.</summary>
    public static readonly OrderStatus Rejected = new("rejected");

    /// <summary>Final: a deadline passed.</summary>
    public static readonly OrderStatus Expired = new("expired");

    /// <summary>The order was not created; accepting again retries, and so does paying, which creates it.</summary>
    public static readonly OrderStatus CreateFailed = new("create_failed");

    /// <summary>Whether nothing can change any more.</summary>
    [JsonIgnore]
    public bool IsFinal => this == Completed || this == Rejected || this == Expired;

    /// <summary>Whether a step is in flight, so that the status will change by itself.</summary>
    [JsonIgnore]
    public bool IsTransient => this == Creating || this == Paying || this == Delivering || this == Clearing || this == Rejecting || this == Expiring;

    /// <inheritdoc/>
    public static OrderStatus Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>How a finished order ended.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<FinalStatus>))]
public readonly record struct FinalStatus(string Value) : IOpenString<FinalStatus>
{
    /// <summary>Delivered and paid out in one step.</summary>
    public static readonly FinalStatus Done = new("DONE");

    /// <summary>The terms asked for a review, and the Provider was paid in full: the Requester released, the Arbiter ruled so, or nobody spoke.</summary>
    public static readonly FinalStatus Released = new("RELEASED");

    /// <summary>The Arbiter split the price between the parties.</summary>
    public static readonly FinalStatus Split = new("SPLIT");

    /// <summary>Rejected before payment.</summary>
    public static readonly FinalStatus Canceled = new("CANCELED");

    /// <summary>Rejected after payment; the Requester has its money back.</summary>
    public static readonly FinalStatus Refunded = new("REFUNDED");

    /// <summary>A deadline passed.</summary>
    public static readonly FinalStatus Expired = new("EXPIRED");

    /// <inheritdoc/>
    public static FinalStatus Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>A step of an order that goes on chain.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<OrderStep>))]
public readonly record struct OrderStep(string Value) : IOpenString<OrderStep>
{
    /// <summary>createOrder.</summary>
    public static readonly OrderStep Create = new("create");

    /// <summary>approve and payOrder.</summary>
    public static readonly OrderStep Pay = new("pay");

    /// <summary>approve and createAndPayOrder: <see cref="Create"/> and <see cref="Pay"/> in one.</summary>
    public static readonly OrderStep CreateAndPay = new("create_and_pay");

    /// <summary>approveOrder, by the Approver.</summary>
    public static readonly OrderStep Approve = new("approve");

    /// <summary>deliverOrder.</summary>
    public static readonly OrderStep Deliver = new("deliver");

    /// <summary>releaseOrder.</summary>
    public static readonly OrderStep Release = new("release");

    /// <summary>disputeOrder.</summary>
    public static readonly OrderStep Dispute = new("dispute");

    /// <summary>resolveDispute, by the Arbiter.</summary>
    public static readonly OrderStep Resolve = new("resolve");

    /// <summary>rejectOrder.</summary>
    public static readonly OrderStep Reject = new("reject");

    /// <summary>expireOrder.</summary>
    public static readonly OrderStep Expire = new("expire");

    /// <summary>Whether this step is <paramref name="step"/>, or has its effect beside another.</summary>
    public bool Includes(OrderStep step) => this == step || (this == CreateAndPay && (step == Create || step == Pay));

    /// <inheritdoc/>
    public static OrderStep Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Which side of an order an agent is on.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<Role>))]
public readonly record struct Role(string Value) : IOpenString<Role>
{
    /// <summary>The side that buys.</summary>
    public static readonly Role Requester = new("requester");

    /// <summary>The side that sells.</summary>
    public static readonly Role Provider = new("provider");

    /// <inheritdoc/>
    public static Role Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Whether an agent listens.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<OnlineStatus>))]
public readonly record struct OnlineStatus(string Value) : IOpenString<OnlineStatus>
{
    /// <summary>It has never opened a stream.</summary>
    public static readonly OnlineStatus Draft = new("draft");

    /// <summary>It has a stream open now.</summary>
    public static readonly OnlineStatus Online = new("online");

    /// <summary>It had one; what happens meanwhile waits for it.</summary>
    public static readonly OnlineStatus Offline = new("offline");

    /// <inheritdoc/>
    public static OnlineStatus Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>What a deliverable is made of; decides what its hash covers.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<DeliverableType>))]
public readonly record struct DeliverableType(string Value) : IOpenString<DeliverableType>
{
    /// <summary>Text; the hash covers its UTF-8 bytes exactly as submitted.</summary>
    public static readonly DeliverableType Text = new("text");

    /// <summary>A JSON value; the hash covers its RFC 8785 canonical bytes.</summary>
    public static readonly DeliverableType Schema = new("schema");

    /// <inheritdoc/>
    public static DeliverableType Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>What a service wants to be told.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<RequirementType>))]
public readonly record struct RequirementType(string Value) : IOpenString<RequirementType>
{
    /// <summary>Whatever the Requester writes: text, or any JSON; it may also say nothing.</summary>
    public static readonly RequirementType Text = new("text");

    /// <summary>A JSON value that the service's schema accepts.</summary>
    public static readonly RequirementType Schema = new("schema");

    /// <summary>Nothing: requirements are refused.</summary>
    public static readonly RequirementType None = new("none");

    /// <inheritdoc/>
    public static RequirementType Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>Whether an agent sells.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<AgentStatus>))]
public readonly record struct AgentStatus(string Value) : IOpenString<AgentStatus>
{
    /// <summary>Its services take negotiations.</summary>
    public static readonly AgentStatus Active = new("active");

    /// <summary>Its services take none, and are not found; what was agreed goes on.</summary>
    public static readonly AgentStatus Paused = new("paused");

    /// <inheritdoc/>
    public static AgentStatus Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>What an operator's key may do. None implies another.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<Scope>))]
public readonly record struct Scope(string Value) : IOpenString<Scope>
{
    /// <summary>Look.</summary>
    public static readonly Scope Read = new("read");

    /// <summary>Set up.</summary>
    public static readonly Scope Write = new("write");

    /// <summary>Help with disputes.</summary>
    public static readonly Scope Support = new("support");

    /// <summary>See how the relayer is doing, and make and revoke keys.</summary>
    public static readonly Scope Admin = new("admin");

    /// <inheritdoc/>
    public static Scope Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>What the deliverable hash of a delivery is the keccak256 of.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<HashScheme>))]
public readonly record struct HashScheme(string Value) : IOpenString<HashScheme>
{
    /// <summary>The text's UTF-8 bytes, exactly as submitted.</summary>
    public static readonly HashScheme Text = new("TEXT");

    /// <summary>The value's RFC 8785 bytes.</summary>
    public static readonly HashScheme Schema = new("SCHEMA");

    /// <summary>The manifest's RFC 8785 bytes; wherever a delivery is more than a text or a value.</summary>
    public static readonly HashScheme Manifest = new("MANIFEST");

    /// <inheritdoc/>
    public static HashScheme Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>What happened. Subscriptions filter by these names, with <c>*</c> as a suffix.</summary>
/// <param name="Value">The word on the wire.</param>
[JsonConverter(typeof(OpenStringConverter<EventType>))]
public readonly record struct EventType(string Value) : IOpenString<EventType>
{
    /// <summary>A Requester asked for a service; told to the Provider.</summary>
    public static readonly EventType NegotiationCreated = new("negotiation_created");

    /// <summary>The Provider consented; told to both on audience <c>all</c>, and always to a Requester whose signed payment is to create the order.</summary>
    public static readonly EventType NegotiationAccepted = new("negotiation_accepted");

    /// <summary>The Provider declined; told to the Requester.</summary>
    public static readonly EventType NegotiationRejected = new("negotiation_rejected");

    /// <summary>Nobody answered in time; told to the Requester.</summary>
    public static readonly EventType NegotiationExpired = new("negotiation_expired");

    /// <summary>createOrder or createAndPayOrder is in flight; told to the operator.</summary>
    public static readonly EventType OrderCreating = new("order_creating");

    /// <summary>payOrder is in flight; told to the operator.</summary>
    public static readonly EventType OrderPaying = new("order_paying");

    /// <summary>The order is on chain; told to both.</summary>
    public static readonly EventType OrderCreated = new("order_created");

    /// <summary>The Approver opened the delivery gate; told to both.</summary>
    public static readonly EventType OrderApproved = new("order_approved");

    /// <summary>The price is locked; told to the Provider.</summary>
    public static readonly EventType OrderPaid = new("order_paid");

    /// <summary>Delivered and under review until <c>data.reviewDeadline</c>; told to the Requester. What is settled on delivery tells <see cref="OrderCompleted"/> alone.</summary>
    public static readonly EventType OrderDelivered = new("order_delivered");

    /// <summary>A party disputed, and the Arbiter may rule until <c>data.resolveDeadline</c>; told to both.</summary>
    public static readonly EventType OrderDisputed = new("order_disputed");

    /// <summary>The Arbiter ruled; told to both. <see cref="OrderCompleted"/> or <see cref="OrderRejected"/> follows.</summary>
    public static readonly EventType DisputeResolved = new("dispute_resolved");

    /// <summary>Paid out; told to the Requester.</summary>
    public static readonly EventType OrderCompleted = new("order_completed");

    /// <summary>Rejected; told to both.</summary>
    public static readonly EventType OrderRejected = new("order_rejected");

    /// <summary>A deadline passed; told to both.</summary>
    public static readonly EventType OrderExpired = new("order_expired");

    /// <summary>The chain took an earlier event back; told to both. <c>data.eventId</c> names it.</summary>
    public static readonly EventType OrderReverted = new("order_reverted");

    /// <summary>A payout could not be pushed and waits for a claim; told to its account.</summary>
    public static readonly EventType PayoutDeferred = new("payout_deferred");

    /// <summary>A deferred payout was taken; told to its account.</summary>
    public static readonly EventType PayoutClaimed = new("payout_claimed");

    /// <summary>createOrder failed for good; told to the one who accepted. Or createAndPayOrder; told to both.</summary>
    public static readonly EventType OrderCreateFailed = new("order_create_failed");

    /// <summary>payOrder failed for good; told to the Requester.</summary>
    public static readonly EventType OrderPayFailed = new("order_pay_failed");

    /// <summary>deliverOrder failed for good; told to the Provider.</summary>
    public static readonly EventType OrderDeliverFailed = new("order_deliver_failed");

    /// <inheritdoc/>
    public static EventType Parse(string value) => new(value);

    /// <inheritdoc/>
    public override string ToString() => Value;
}
