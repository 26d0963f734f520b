using CapVault.Sdk;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>Who uses a route.</summary>
internal enum Who
{
    /// <summary>Anybody, without a key.</summary>
    Nobody,

    Requester,

    Provider,

    Operator,
}

/// <summary>An answer that refuses.</summary>
internal sealed record Refusal(int Status, string Code)
{
    public static readonly Refusal Forbidden = new(403, ErrorCodes.Forbidden);

    public static Refusal NotFound(string code) => new(404, code);
}

/// <summary>What those who have no business with a route get there. Null: it answers them, and shows or changes nothing of others.</summary>
internal sealed record Access
{
    /// <summary>Whether it is open to those who send no key at all.</summary>
    public bool IsPublic { get; init; }

    /// <summary>Another agent.</summary>
    public Refusal? Stranger { get; init; }

    /// <summary>An Owner of no agent here, who signed in.</summary>
    public Refusal? StrangerOwner { get; init; }

    /// <summary>The operator.</summary>
    public Refusal? Operator { get; init; }

    /// <summary>The party to the order that is in the other role.</summary>
    public Refusal? OtherParty { get; init; }

    /// <summary>What an operator's key needs; null for the usual.</summary>
    public Scope? Scope { get; init; }
}

/// <summary>A route, who uses it how, and what the others get.</summary>
/// <param name="Name">Method and pattern, as the relayer maps it.</param>
/// <param name="User">Whose call it is.</param>
/// <param name="Access">What the others get.</param>
/// <param name="Body">A body that it takes; null where it takes none.</param>
internal sealed record Route(string Name, Who User, Access Access, string? Body = null)
{
    public string Method => Name[..Name.IndexOf(' ', StringComparison.Ordinal)];

    /// <summary>The path, with names of <see cref="World"/> in braces.</summary>
    public string Path => Name[(Method.Length + 1)..] + Query;

    /// <summary>What a call must have after its path.</summary>
    public string Query { get; init; } = "";

    /// <summary>What an operator's key needs.</summary>
    public Scope Scope => Access.Scope ?? (Method == "GET" ? Scope.Read : Scope.Write);

    /// <summary>Whether it begins with a WebSocket handshake.</summary>
    public bool IsSocket { get; init; }

    /// <summary>Whether the body is JSON.</summary>
    public bool IsJson => Body is not null && Body.StartsWith('{');

    public override string ToString() => Name;
}

/// <summary>
/// The table of all routes. The tests compare it with what the running relayer has mapped, so that none is forgotten; then they walk along it
/// with every wrong key, and send each route bad input.
/// </summary>
internal static class Routes
{
    private const string Text = """{"deliverableType":"text","deliverableText":"The deliverable."}""";
    private const string Reason = """{"reason":"too late"}""";

    // Whose it is does not matter: who may not know the thing does not get that far.
    private const string Signature =
        "0x1111111111111111111111111111111111111111111111111111111111111111222222222222222222222222222222222222222222222222222222222222222211";

    private static readonly Refusal NoAction = new(400, ErrorCodes.ValidationError);

    public static readonly IReadOnlyList<Route> All =
    [
        Public("GET /health/live"),
        Public("GET /health/ready"),
        OfOperator("GET /metrics", scope: null),
        Public("POST /api/v1/auth/challenge", """{"address":"{address}"}"""),
        Public("POST /api/v1/auth/login", """{"message":"localhost wants you to sign in","signature":"0x00"}"""),

        OfOperator("POST /api/v1/auth/api-keys", Scope.Admin, """{"name":"till","scopes":["read","write"]}"""),
        OfOperator("GET /api/v1/auth/api-keys", Scope.Admin),
        OfOperator("DELETE /api/v1/auth/api-keys/{keyId}", Scope.Admin),
        new("POST /api/v1/auth/logout", Who.Operator, new() { Stranger = Refusal.Forbidden, Operator = Refusal.Forbidden }),

        OfSetUp("POST /api/v1/agents", """{"name":"Agent","owner":"{address}","description":"Does it.","tags":["fr","en"]}""", strangerOwner: new(400, ErrorCodes.ValidationError)),
        OfSetUp("GET /api/v1/agents"),
        new("GET /api/v1/agents/{agentId}", Who.Operator, Hidden(ErrorCodes.AgentNotFound) with { StrangerOwner = Refusal.NotFound(ErrorCodes.AgentNotFound), Operator = null }),
        OfSetUp("PATCH /api/v1/agents/{agentId}", """{"name":"Agent","description":"Does it.","tags":["fr","en"]}""", notFound: ErrorCodes.AgentNotFound),
        OfSetUp("POST /api/v1/agents/{agentId}/status", """{"status":"paused"}""", notFound: ErrorCodes.AgentNotFound),
        OfSetUp("POST /api/v1/agents/{agentId}/sdk-key/rotate", notFound: ErrorCodes.AgentNotFound),
        OfSetUp("PUT /api/v1/agents/{agentId}/limits", """{"token":"{usdc}","perOrder":"10.00","perDay":"20.00"}""", notFound: ErrorCodes.AgentNotFound),

        OfSetUp(
            "POST /api/v1/services",
            """
            {"agentId":"{agent}","name":"Translation","description":"Into French.","price":"1.00","slaMinutes":30,"requirementType":"schema",
             "requirementsSchema":{"type":"object","properties":{"text":{"type":"string"}},"required":["text"]},"deliverableType":"schema",
             "deliverableSchema":{"type":"object"},"tags":["fr"],"negotiationTtlSeconds":3600,
             "thirdParties":{"arbiter":"{address}","reviewSeconds":3600,"approver":"{address}","commissionTo":"{address}","commissionBps":100}}
            """,
            notFound: ErrorCodes.AgentNotFound),
        new("GET /api/v1/services", Who.Operator, new()),
        new("GET /api/v1/services/{serviceId}", Who.Operator, Hidden(ErrorCodes.ServiceNotFound) with { StrangerOwner = Refusal.NotFound(ErrorCodes.ServiceNotFound), Operator = null }),
        OfSetUp(
            "PATCH /api/v1/services/{serviceId}",
            """{"name":"Translation","description":"Into French.","price":"1.00","slaMinutes":30,"tags":["fr"],"thirdParties":{"approver":"{address}"},"negotiationTtlSeconds":3600,"enabled":false}""",
            notFound: ErrorCodes.ServiceNotFound),

        Public("GET /api/v1/public/services"),
        Public("GET /api/v1/public/services/{serviceId}"),
        Public("GET /api/v1/public/agents"),
        Public("GET /api/v1/public/agents/{agentId}"),
        Public("GET /api/v1/public/search"),
        Public("GET /api/v1/public/tags"),
        Public("GET /api/v1/agents/{agentId}/stats"),
        OfAll("GET /api/v1/services/search"),
        OfAll("GET /api/v1/fees"),
        OfAll("GET /api/v1/quote") with { Query = "?serviceId={service}" },
        OfAll("GET /api/v1/config"),

        OfAgents("POST /api/v1/orders/validate", """{"serviceId":"{service}","requirements":{"task":"translate"},"thirdParties":{"approver":"{address}"}}"""),
        OfAgents("POST /api/v1/orders/negotiate", """{"serviceId":"{service}","requirements":{"task":"translate","to":["fr",1.5,null,true]},"thirdParties":{},"metadata":{"a":{"b":[]}}}"""),
        OfAgents("GET /api/v1/orders/negotiate"),
        OfParties("GET /api/v1/orders/negotiate/{negotiationId}", ErrorCodes.NegotiationNotFound),
        OfOne(Who.Provider, "POST /api/v1/orders/negotiate/{negotiationId}/accept", ErrorCodes.NegotiationNotFound, """{"revision":1}"""),
        OfOne(Who.Provider, "POST /api/v1/orders/negotiate/{negotiationId}/reject", ErrorCodes.NegotiationNotFound, Reason),
        OfOne(Who.Requester, "POST /api/v1/orders/negotiate/{negotiationId}/consent", ErrorCodes.NegotiationNotFound, $$"""{"revision":1,"signature":"{{Signature}}"}"""),
        OfAgents("GET /api/v1/orders"),
        OfParties("GET /api/v1/orders/{id}", ErrorCodes.OrderNotFound),
        OfOne(Who.Requester, "POST /api/v1/orders/{id}/pay", ErrorCodes.OrderNotFound),
        OfOne(Who.Provider, "POST /api/v1/orders/{id}/deliver", ErrorCodes.OrderNotFound, Text),
        OfParties("POST /api/v1/orders/{id}/release", ErrorCodes.OrderNotFound),
        OfParties("POST /api/v1/orders/{id}/dispute", ErrorCodes.OrderNotFound, Reason),
        OfParties("POST /api/v1/orders/{id}/reject", ErrorCodes.OrderNotFound, Reason),
        OfParties("POST /api/v1/orders/{id}/expire", ErrorCodes.OrderNotFound),
        OfParties("GET /api/v1/orders/{id}/delivery", ErrorCodes.OrderNotFound),

        // An agent's step; with another body an Owner's action.
        OfParties("POST /api/v1/ops/prepare", ErrorCodes.OrderNotFound, """{"orderId":"{id}","step":"pay"}""") with
        {
            Access = new() { Stranger = Refusal.NotFound(ErrorCodes.OrderNotFound), StrangerOwner = NoAction, Operator = NoAction },
        },
        OfParties("POST /api/v1/ops/{userOpHash}/submit", ErrorCodes.OperationNotFound, $$"""{"signature":"{{Signature}}"}""") with
        {
            Access = new()
            {
                Stranger = Refusal.NotFound(ErrorCodes.OperationNotFound),
                StrangerOwner = Refusal.NotFound(ErrorCodes.OperationNotFound),
                Operator = Refusal.NotFound(ErrorCodes.OperationNotFound),
            },
        },

        OfAgents("POST /api/v1/objects/upload-url", """{"fileName":"a.txt","contentType":"text/plain","size":3}"""),
        OfAgents("POST /api/v1/objects/download-url", """{"objectKey":"{objectKey}"}""") with { Access = Hidden(ErrorCodes.ObjectNotFound) },
        // The signature in the address is the key.
        Public("PUT /api/v1/objects/{objectKey}", "abc") with { Query = "{upload}" },
        Public("GET /api/v1/objects/{objectKey}") with { Query = "{download}" },
        Public("HEAD /api/v1/objects/{objectKey}") with { Query = "{download}" },

        OfReaders("GET /api/v1/events"),
        OfReaders("POST /api/v1/stream/tickets", Scope.Read),
        OfReaders("GET /api/v1/stream") with { IsSocket = true },
        OfOperator("GET /api/v1/relayer/status", Scope.Admin),
        OfOperator("GET /api/v1/relayer/ops", Scope.Admin),
        OfOperator("GET /api/v1/relayer/ops/{userOpHash}", Scope.Admin),
        OfOperator("POST /api/v1/relayer/drain", Scope.Admin),
        OfOperator("POST /api/v1/relayer/resume", Scope.Admin),
        OfOperator("POST /api/v1/sandbox/faucet", scope: null, """{"address":"{address}","amount":"1.00"}"""),
        OfOperator("POST /api/v1/sandbox/clock/advance", scope: null, """{"seconds":1}"""),

        OfAgents("POST /backend/v1/orders/negotiate", """{"serviceId":"{service}","requirements":"translate","metadata":"","requesterAgentId":""}"""),
        OfAgents("GET /backend/v1/orders/negotiate"),
        OfParties("GET /backend/v1/orders/negotiate/{negotiationId}", ErrorCodes.NegotiationNotFound),
        OfOne(Who.Provider, "POST /backend/v1/orders/negotiate/{negotiationId}/accept", ErrorCodes.NegotiationNotFound, """{"providerFundAddress":""}"""),
        OfOne(Who.Provider, "POST /backend/v1/orders/negotiate/{negotiationId}/reject", ErrorCodes.NegotiationNotFound, Reason),
        OfAgents("GET /backend/v1/orders"),
        OfParties("GET /backend/v1/orders/{id}", ErrorCodes.OrderNotFound),
        OfOne(Who.Requester, "POST /backend/v1/orders/{id}/pay", ErrorCodes.OrderNotFound),
        OfOne(Who.Provider, "POST /backend/v1/orders/{id}/deliver", ErrorCodes.OrderNotFound, Text),
        OfParties("POST /backend/v1/orders/{id}/reject", ErrorCodes.OrderNotFound, Reason),
        OfParties("GET /backend/v1/orders/{id}/delivery", ErrorCodes.OrderNotFound),
        OfAgents("POST /backend/v1/objects/upload-url", """{"file_name":"a.txt","content_type":"text/plain"}"""),
        OfAgents("POST /backend/v1/objects/download-url", """{"object_key":"{objectKey}"}""") with { Access = Hidden(ErrorCodes.ObjectNotFound) },
        // A sandbox answers without a key too. What is wrong is an error of JSON-RPC, not of HTTP.
        Public("POST /rpc", """{"jsonrpc":"2.0","id":1,"method":"eth_getUserOperationByHash","params":["{userOpHash}"]}"""),

        // Its key stands in the address.
        new("GET /ws", Who.Nobody, new() { IsPublic = true }) { IsSocket = true },
    ];

    /// <summary>What the relayer answers, as it says itself.</summary>
    public static IEnumerable<string> MappedBy(IServiceProvider relayer) =>
        from endpoint in relayer.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["ANY"]
        select $"{method} {endpoint.RoutePattern.RawText!.TrimEnd('/')}";

    private static Route Public(string name, string? body = null) => new(name, Who.Nobody, new() { IsPublic = true }, body);

    private static Route OfOperator(string name, Scope? scope, string? body = null) =>
        new(name, Who.Operator, new() { Stranger = Refusal.Forbidden, StrangerOwner = Refusal.Forbidden, Scope = scope }, body);

    /// <summary>For the operator, and for Owners as far as their own agents go.</summary>
    private static Route OfSetUp(string name, string? body = null, string? notFound = null, Refusal? strangerOwner = null) => new(
        name,
        Who.Operator,
        new() { Stranger = Refusal.Forbidden, StrangerOwner = notFound is null ? strangerOwner : Refusal.NotFound(notFound) },
        body);

    /// <summary>For every agent, which sees its own.</summary>
    private static Route OfAgents(string name, string? body = null) => new(
        name, Who.Requester, new() { StrangerOwner = Refusal.Forbidden, Operator = Refusal.Forbidden }, body);

    /// <summary>For everybody who has a key.</summary>
    private static Route OfAll(string name) => new(name, Who.Requester, new());

    /// <summary>For whoever follows the log: agents, and the operator.</summary>
    private static Route OfReaders(string name, Scope? scope = null) => new(name, Who.Requester, new() { StrangerOwner = Refusal.Forbidden, Scope = scope });

    /// <summary>For both parties.</summary>
    private static Route OfParties(string name, string notFound, string? body = null) => new(name, Who.Provider, Hidden(notFound), body);

    /// <summary>For one party.</summary>
    private static Route OfOne(Who who, string name, string notFound, string? body = null) =>
        new(name, who, Hidden(notFound) with { OtherParty = Refusal.Forbidden }, body);

    private static Access Hidden(string notFound) =>
        new() { Stranger = Refusal.NotFound(notFound), StrangerOwner = Refusal.Forbidden, Operator = Refusal.Forbidden };
}
