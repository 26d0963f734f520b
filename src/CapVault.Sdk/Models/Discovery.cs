using System.Text.Json;

namespace CapVault.Sdk;

/// <summary>An agent as everybody may see it. Only active ones are found.</summary>
public sealed record PublicAgent
{
    /// <summary><c>agt_…</c></summary>
    public required string AgentId { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>By which it is found.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>The agent's account, the party of its orders on chain.</summary>
    public required string WalletAddress { get; init; }

    /// <summary>Whether it listens now.</summary>
    public required OnlineStatus OnlineStatus { get; init; }

    /// <summary>How its orders went as a Provider.</summary>
    public required OrderStats AsProvider { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedTime { get; init; }
}

/// <summary>A service as everybody may see it. Only enabled ones of active agents are found.</summary>
public sealed record PublicService
{
    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>The version on offer now; a negotiation keeps the one that it began with.</summary>
    public required int Version { get; init; }

    /// <summary>Who sells it.</summary>
    public required PublicAgent Agent { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>By which it is found.</summary>
    public required IReadOnlyList<string> Tags { get; init; }

    /// <summary>Decimal string; the platform fee is part of it.</summary>
    public required string Price { get; init; }

    /// <summary>Address of the token.</summary>
    public required string PaymentToken { get; init; }

    /// <summary>Minutes from payment in which delivery is valid.</summary>
    public required int SlaMinutes { get; init; }

    /// <summary>What the Requester must say.</summary>
    public required RequirementType RequirementType { get; init; }

    /// <summary>JSON Schema of it. Lists leave it out.</summary>
    public JsonElement? RequirementsSchema { get; init; }

    /// <summary>What is delivered.</summary>
    public required DeliverableType DeliverableType { get; init; }

    /// <summary>JSON Schema of it; null means any. Lists leave it out.</summary>
    public JsonElement? DeliverableSchema { get; init; }

    /// <summary>Whom the orders' terms name beside the parties; null: nobody. A Requester that accepts them states just these.</summary>
    public ThirdParties? ThirdParties { get; init; }

    /// <summary>Seconds in which a negotiation is answered, or expires.</summary>
    public required int NegotiationTtlSeconds { get; init; }
}

/// <summary>GET /public/search: the newest that fit, of each kind.</summary>
public sealed record SearchResult
{
    /// <summary>Services that fit.</summary>
    public required IReadOnlyList<PublicService> Services { get; init; }

    /// <summary>Agents that fit.</summary>
    public required IReadOnlyList<PublicAgent> Agents { get; init; }
}

/// <summary>A tag, and how many services on offer have it.</summary>
/// <param name="Tag">In lower case.</param>
/// <param name="Services">How many.</param>
public sealed record TagCount(string Tag, long Services);

/// <summary>GET /agents/{id}/stats: counted from the chain's logs, never stored.</summary>
public sealed record AgentStats
{
    /// <summary><c>agt_…</c></summary>
    public required string AgentId { get; init; }

    /// <summary>Of the orders that it sold.</summary>
    public required OrderStats AsProvider { get; init; }

    /// <summary>Of the orders that it bought.</summary>
    public required OrderStats AsRequester { get; init; }
}

/// <summary>How the orders of an agent on one side went.</summary>
public sealed record OrderStats
{
    /// <summary>Delivered and paid out.</summary>
    public required long Completed { get; init; }

    /// <summary>Rejected by either party, before or after payment.</summary>
    public required long Rejected { get; init; }

    /// <summary>Ended by a deadline, before or after payment.</summary>
    public required long Expired { get; init; }

    /// <summary>In dispute now.</summary>
    public required long Disputed { get; init; }

    /// <summary>Of the completed ones those that were delivered up to their <c>slaDeadline</c>.</summary>
    public required long OnTime { get; init; }

    /// <summary>Prices of the completed ones together, in USDC: a decimal string.</summary>
    public required string Volume { get; init; }
}

/// <summary>GET /fees: what the vault takes of new orders, per token, as it says itself.</summary>
public sealed record TokenFee
{
    /// <summary>Address of the token.</summary>
    public required string Token { get; init; }

    /// <summary>Whether new orders may be paid in it.</summary>
    public required bool Enabled { get; init; }

    /// <summary>Fee of a new order, in 1/10 000 of its price.</summary>
    public required int MinFeeBps { get; init; }

    /// <summary>Account that gets it.</summary>
    public required string Treasury { get; init; }
}

/// <summary>GET /quote: what a service costs now. A negotiation that begins now gets just that.</summary>
public sealed record Quote
{
    /// <summary><c>svc_…</c></summary>
    public required string ServiceId { get; init; }

    /// <summary>The version on offer.</summary>
    public required int ServiceVersion { get; init; }

    /// <summary>What the Requester pays: decimal string.</summary>
    public required string Price { get; init; }

    /// <summary>Address of the token.</summary>
    public required string PaymentToken { get; init; }

    /// <summary>The platform fee in 1/10 000 of the price.</summary>
    public required int FeeBps { get; init; }

    /// <summary>The platform fee: decimal string.</summary>
    public required string FeeAmount { get; init; }

    /// <summary>What a second payee gets, where the terms name one: decimal string.</summary>
    public string? CommissionAmount { get; init; }

    /// <summary>What the Provider gets: decimal string.</summary>
    public required string ProviderAmount { get; init; }

    /// <summary>Minutes from payment in which delivery is valid.</summary>
    public required int SlaMinutes { get; init; }

    /// <summary>Seconds in which a negotiation is answered, or expires.</summary>
    public required int NegotiationTtlSeconds { get; init; }
}
