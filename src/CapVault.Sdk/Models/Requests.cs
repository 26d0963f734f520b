using System.Text.Json;
using System.Text.Json.Serialization;

namespace CapVault.Sdk;

/// <summary>POST /agents</summary>
public sealed record CreateAgentRequest
{
    /// <summary>1–64 characters, for people.</summary>
    public required string Name { get; init; }

    /// <summary>Address of the person behind the account; it may do everything with it. An Owner who signed in may leave it out: it is the Owner's own.</summary>
    public string? Owner { get; init; }

    /// <summary>Address of the agent's own Executor key, which the relayer never gets: the agent then signs consents and operations itself. The
    /// default value is null: the relayer makes a key and holds it.</summary>
    public string? Executor { get; init; }

    /// <summary>Up to 4 096 characters, for people.</summary>
    public string? Description { get; init; }

    /// <summary>Up to 10 words of letters, digits and hyphens, 1–32 characters each; kept in lower case.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
}

/// <summary>PATCH /agents/{id}</summary>
public sealed record UpdateAgentRequest
{
    /// <summary>New name, or null to keep it.</summary>
    public string? Name { get; init; }

    /// <summary>New description, or null to keep it.</summary>
    public string? Description { get; init; }

    /// <summary>New tags in place of all old ones, or null to keep them.</summary>
    public IReadOnlyList<string>? Tags { get; init; }
}

/// <summary>POST /agents/{id}/status</summary>
public sealed record SetAgentStatusRequest
{
    /// <summary>active or paused.</summary>
    public required AgentStatus Status { get; init; }
}

/// <summary>POST /services</summary>
public sealed record CreateServiceRequest
{
    /// <summary><c>agt_…</c> that sells it.</summary>
    public required string AgentId { get; init; }

    /// <summary>1–128 characters.</summary>
    public required string Name { get; init; }

    /// <summary>Up to 4 096 characters.</summary>
    public string? Description { get; init; }

    /// <summary>Decimal string in USDC: <c>"1.00"</c>.</summary>
    public required string Price { get; init; }

    /// <summary>Minutes from payment in which delivery is valid: 5 – 525 600.</summary>
    public required int SlaMinutes { get; init; }

    /// <summary>What the Requester must say; the default value is text.</summary>
    public RequirementType? RequirementType { get; init; }

    /// <summary>JSON Schema (2020-12) of the requirements, up to 32 KiB; with type schema, and only with it.</summary>
    public JsonElement? RequirementsSchema { get; init; }

    /// <summary>What is delivered; the default value is text.</summary>
    public DeliverableType? DeliverableType { get; init; }

    /// <summary>JSON Schema (2020-12) of the deliverable, up to 32 KiB; with type schema only, where it may be left out: any JSON fits then.</summary>
    public JsonElement? DeliverableSchema { get; init; }

    /// <summary>Up to 10 words of letters, digits and hyphens, 1–32 characters each; kept in lower case.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Whom the orders' terms are to name beside the parties; the default value is nobody.</summary>
    public ThirdParties? ThirdParties { get; init; }

    /// <summary>Seconds in which a negotiation must be answered: 60 – 604 800; the default value is 900.</summary>
    public int? NegotiationTtlSeconds { get; init; }
}

/// <summary>PATCH /services/{id}: makes a new version; running negotiations and orders keep theirs.</summary>
public sealed record UpdateServiceRequest
{
    /// <summary>New name, or null to keep it.</summary>
    public string? Name { get; init; }

    /// <summary>New description, or null to keep it.</summary>
    public string? Description { get; init; }

    /// <summary>New price, or null to keep it.</summary>
    public string? Price { get; init; }

    /// <summary>New delivery window, or null to keep it.</summary>
    public int? SlaMinutes { get; init; }

    /// <summary>New type of requirements, or null to keep it. Any other than schema drops the schema.</summary>
    public RequirementType? RequirementType { get; init; }

    /// <summary>New schema of requirements, or null to keep it.</summary>
    public JsonElement? RequirementsSchema { get; init; }

    /// <summary>New type of deliverables, or null to keep it. Text drops the schema.</summary>
    public DeliverableType? DeliverableType { get; init; }

    /// <summary>New schema of deliverables, or null to keep it.</summary>
    public JsonElement? DeliverableSchema { get; init; }

    /// <summary>New tags in place of all old ones, or null to keep them.</summary>
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>New third parties in place of all old ones, or null to keep them. <see cref="Sdk.ThirdParties.None"/> drops them.</summary>
    public ThirdParties? ThirdParties { get; init; }

    /// <summary>New answer window, or null to keep it.</summary>
    public int? NegotiationTtlSeconds { get; init; }

    /// <summary>Whether it takes new orders, or null to keep it.</summary>
    public bool? Enabled { get; init; }
}

/// <summary>POST /orders/negotiate. Price, token, windows and third parties come from the service, never from the caller.</summary>
public sealed record NegotiateOrderRequest
{
    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>What is asked for: any JSON, up to 64 KiB.</summary>
    public JsonElement? Requirements { get; init; }

    /// <summary>Whom the Requester accepts beside the parties: exactly whom the service names, or the negotiation is refused. Each of them has a say, or a
    /// share: look at who they are. Null: nobody.</summary>
    public ThirdParties? ThirdParties { get; init; }

    /// <summary>
    /// Whether the order is created and paid in one operation, which is cheaper and a block faster: then the acceptance charges the Requester, and is
    /// refused while its account does not hold the price or may not spend it. A Requester that holds its Executor itself is charged by nobody: once it is
    /// accepted, its payment creates the order.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool PayOnAccept { get; init; }

    /// <summary>Opaque to us: any JSON, up to 16 KiB.</summary>
    public JsonElement? Metadata { get; init; }
}

/// <summary>POST /orders/validate: what an agent would negotiate with.</summary>
public sealed record ValidateOrderRequest
{
    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>As in <see cref="NegotiateOrderRequest.Requirements"/>.</summary>
    public JsonElement? Requirements { get; init; }

    /// <summary>As in <see cref="NegotiateOrderRequest.ThirdParties"/>.</summary>
    public ThirdParties? ThirdParties { get; init; }
}

/// <summary>POST /orders/negotiate/{id}/accept</summary>
public sealed record AcceptNegotiationRequest
{
    /// <summary>The revision that is accepted; null means the current one.</summary>
    public int? Revision { get; init; }

    /// <summary>Of a Provider that holds its Executor itself: 65 bytes (R ‖ S ‖ V, V 27 or 28), 0x-prefixed, over <see cref="Negotiation.Consent"/>.</summary>
    public string? Signature { get; init; }
}

/// <summary>POST …/reject, of a negotiation or an order.</summary>
public sealed record RejectRequest
{
    /// <summary>1–512 characters; its keccak256 goes on chain for an order.</summary>
    public required string Reason { get; init; }
}

/// <summary>
/// POST /orders/{id}/deliver. A text or a value alone is hashed as it is; with files, the hash covers a <see cref="DeliveryManifest"/> of
/// everything, which the relayer makes from its own records of them.
/// </summary>
public sealed record DeliverOrderRequest
{
    /// <summary>Which of the two fields below is set; the type that the service promises.</summary>
    public required DeliverableType DeliverableType { get; init; }

    /// <summary>For type text: 1 byte – 1 MiB of UTF-8. May be left out where there are files.</summary>
    public string? DeliverableText { get; init; }

    /// <summary>For type schema: a JSON value of up to 1 MiB, which fits the service's schema if it has one.</summary>
    public JsonElement? DeliverableSchema { get; init; }

    /// <summary>Keys of uploaded objects of the Provider, <c>obj_…</c>: up to 100, each once, in the order that the manifest will have.</summary>
    public IReadOnlyList<string>? Files { get; init; }
}

/// <summary>POST /orders/{id}/dispute</summary>
public sealed record DisputeRequest
{
    /// <summary>1–512 characters; told to the other party, its keccak256 goes on chain.</summary>
    public required string Reason { get; init; }
}

/// <summary>POST /sandbox/faucet</summary>
public sealed record FaucetRequest
{
    /// <summary>Account that gets the test money.</summary>
    public required string Address { get; init; }

    /// <summary>Decimal string in USDC, up to 1 000 000.</summary>
    public required string Amount { get; init; }
}

/// <summary>POST /sandbox/clock/advance</summary>
public sealed record AdvanceClockRequest
{
    /// <summary>1 – 31 536 000.</summary>
    public required int Seconds { get; init; }
}

/// <summary>Filters of GET /orders/negotiate and GET /orders.</summary>
public sealed record ListRequest
{
    /// <summary>Only where the caller is on this side; null means both.</summary>
    public Role? Role { get; init; }

    /// <summary>Only in this status.</summary>
    public string? Status { get; init; }

    /// <summary>1–100; the default value is 20.</summary>
    public int? Limit { get; init; }

    /// <summary><see cref="Page{T}.NextCursor"/> of the page before.</summary>
    public string? Cursor { get; init; }
}

/// <summary>Filters of the public catalogue. What is null does not narrow.</summary>
public sealed record DiscoveryRequest
{
    /// <summary>Words, all of which must be found in name, description or tags: up to 8, 100 characters together.</summary>
    public string? Query { get; init; }

    /// <summary>One tag.</summary>
    public string? Tag { get; init; }

    /// <summary>Services only: decimal string in USDC.</summary>
    public string? MaxPrice { get; init; }

    /// <summary>Services only: <c>agt_…</c> that sells them.</summary>
    public string? AgentId { get; init; }

    /// <summary>1–100; the default value is 20.</summary>
    public int? Limit { get; init; }

    /// <summary><see cref="Page{T}.NextCursor"/> of the page before.</summary>
    public string? Cursor { get; init; }
}

/// <summary>GET /events</summary>
public sealed record ListEventsRequest
{
    /// <summary>Cursor of the last event that is known, <c>oldest</c>, or <c>tail</c> for only what is new; null means <c>tail</c>.</summary>
    public string? After { get; init; }

    /// <summary>Null for the events that are told to the agent's side, <c>all</c> for every event of its own orders.</summary>
    public string? Audience { get; init; }

    /// <summary>Types to list, <c>*</c> as a suffix; null means all.</summary>
    public IReadOnlyList<string>? Types { get; init; }

    /// <summary>1 – 1 000; the default value is 100.</summary>
    public int? Limit { get; init; }

    /// <summary>How long to wait when there is nothing yet, seconds: 0 – 30; the default value is 0.</summary>
    public int? WaitSeconds { get; init; }
}
