using System.Text;
using CapVault.Sdk;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>No route that changes something may forget to claim its key: each is called twice.</summary>
public sealed class IdempotentRoutesTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly string[] Without =
    [
        // Nobody is known yet whose key it could be; a message works once by itself.
        "POST /api/v1/auth/challenge", "POST /api/v1/auth/login",
        // Whoever could repeat it is not let in any more.
        "POST /api/v1/auth/logout",
        // Nothing is changed.
        "POST /api/v1/orders/validate", "POST /api/v1/objects/download-url", "POST /backend/v1/objects/download-url",
        // The link is the authority; the same bytes may come again.
        "PUT /api/v1/objects/{objectKey}",
        // What was prepared is found again by what it is asked for, while it can still be submitted; an answer that is kept for longer would be worth nothing.
        "POST /api/v1/ops/prepare", "PUT /api/v1/agents/{agentId}/limits",
        // An operation has a hash: the same one is taken once.
        "POST /rpc",
        // A ticket works once: the same again would be worth nothing.
        "POST /api/v1/stream/tickets",
        // What it sets is set, however often.
        "POST /api/v1/relayer/drain", "POST /api/v1/relayer/resume",
    ];

    [Fact]
    public async Task Every_route_that_changes_something_recognises_a_repeat()
    {
        using var api = new RawApi(sandbox.Relayer.Url, "");
        var calls = Calls();

        ChangingRoutes().Should().BeEquivalentTo(calls.Keys.Concat(Without), "a new route needs a call here, and its service has to claim context.IdempotentCall()");
        foreach (var (route, prepare) in calls)
        {
            var call = await prepare();
            var idempotencyKey = Guid.NewGuid().ToString();
            Task<RawAnswer> SendAsync() => api.SendAsync(
                new HttpMethod(route.Split(' ')[0]), call.Key, call.Path, call.Json is null ? null : RawApi.Json(Encoding.UTF8.GetBytes(call.Json)), idempotencyKey);

            var first = await SendAsync();
            var second = await SendAsync();

            ((int)first.Status).Should().BeInRange(200, 201, $"{route}: {first.Body}");
            second.Should().BeEquivalentTo(new { first.Status, first.Body }, route);
            second.Headers.Contains("Idempotent-Replayed").Should().BeTrue(route);
        }
    }

    // What would be sent to each.
    private Dictionary<string, Func<Task<Sample>>> Calls()
    {
        var operatorKey = sandbox.Relayer.OperatorKey;
        var owner = TestKeys.Human.GetPublicAddress();
        var calls = new Dictionary<string, Func<Task<Sample>>>(StringComparer.Ordinal)
        {
            ["POST /api/v1/auth/api-keys"] = () => By(operatorKey, "api/v1/auth/api-keys", """{"name":"n","scopes":["read"]}"""),
            ["DELETE /api/v1/auth/api-keys/{keyId}"] = async () =>
                new(operatorKey, $"api/v1/auth/api-keys/{(await sandbox.Setup.CreateApiKeyAsync(new() { Name = "n", Scopes = [Scope.Read] })).ApiKey.KeyId}"),
            ["POST /api/v1/agents"] = () => By(operatorKey, "api/v1/agents", $$"""{"name":"n","owner":"{{owner}}"}"""),
            ["PATCH /api/v1/agents/{agentId}"] = async () => new(operatorKey, $"api/v1/agents/{await AgentAsync()}", """{"name":"other"}"""),
            ["POST /api/v1/agents/{agentId}/status"] = async () => new(operatorKey, $"api/v1/agents/{await AgentAsync()}/status", """{"status":"paused"}"""),
            ["POST /api/v1/agents/{agentId}/sdk-key/rotate"] = async () => new(operatorKey, $"api/v1/agents/{await AgentAsync()}/sdk-key/rotate"),
            ["POST /api/v1/services"] = async () =>
                new(operatorKey, "api/v1/services", $$"""{"agentId":"{{await AgentAsync()}}","name":"n","price":"1.00","slaMinutes":30}"""),
            ["PATCH /api/v1/services/{serviceId}"] = async () => new(operatorKey, $"api/v1/services/{(await sandbox.NewPairAsync()).Service.ServiceId}", """{"price":"2.00"}"""),
            ["POST /api/v1/objects/upload-url"] = async () => new((await sandbox.NewAgentAsync("n")).Key, "api/v1/objects/upload-url", """{"fileName":"a.txt"}"""),
            ["POST /backend/v1/objects/upload-url"] = async () => new((await sandbox.NewAgentAsync("n")).Key, "backend/v1/objects/upload-url", """{"file_name":"a.txt"}"""),
            ["POST /api/v1/orders/{id}/expire"] = async () =>
            {
                var pair = await sandbox.NewPairAsync(slaMinutes: 5);
                var order = await pair.CreatePaidOrderAsync();
                await sandbox.Setup.AdvanceClockAsync(301);
                return new(pair.Requester.Key, $"api/v1/orders/{order.OrderId}/expire?wait=30");
            },
            ["POST /api/v1/orders/{id}/release"] = async () =>
            {
                var pair = await ReviewedPairAsync();
                return new(pair.Requester.Key, $"api/v1/orders/{(await pair.CreatePaidOrderAsync()).OrderId}/release?wait=30");
            },
            ["POST /api/v1/orders/{id}/dispute"] = async () =>
            {
                var pair = await ReviewedPairAsync();
                return new(pair.Requester.Key, $"api/v1/orders/{(await pair.CreatePaidOrderAsync()).OrderId}/dispute?wait=30", """{"reason":"no"}""");
            },
            ["POST /api/v1/orders/negotiate/{negotiationId}/consent"] = async () =>
            {
                var executor = EthECKey.GenerateKey();
                var pair = await sandbox.NewPairAsync(requesterKey: executor);
                var negotiation = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
                var signature = await ForeignWallet.SignAsync(negotiation.Data.GetProperty("consent"), executor);
                return new(
                    pair.Requester.Key,
                    $"api/v1/orders/negotiate/{negotiation.Data.GetProperty("negotiationId").GetString()}/consent",
                    $$"""{"revision":1,"signature":"{{signature}}"}""");
            },
            ["POST /api/v1/ops/{userOpHash}/submit"] = async () =>
            {
                var executor = EthECKey.GenerateKey();
                var pair = await sandbox.NewPairAsync(requesterKey: executor);
                var requester = new SelfHeldApi(sandbox.Api, pair.Requester, executor);
                var prepared = await requester.PrepareAsync((await pair.CreateOrderAsync()).OrderId, OrderStep.Pay);
                return new(pair.Requester.Key, $"api/v1/ops/{prepared.UserOpHash}/submit?wait=30", $$"""{"signature":"{{requester.Sign(prepared)}}"}""");
            },
            ["POST /api/v1/sandbox/faucet"] = () => By(operatorKey, "api/v1/sandbox/faucet", $$"""{"address":"{{owner}}","amount":"1.00"}"""),
            ["POST /api/v1/sandbox/clock/advance"] = () => By(operatorKey, "api/v1/sandbox/clock/advance", """{"seconds":1}"""),
        };
        foreach (var root in (string[])["api/v1", "backend/v1"])
        {
            calls[$"POST /{root}/orders/negotiate"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return new(pair.Requester.Key, $"{root}/orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
            };
            calls[$"POST /{root}/orders/negotiate/{{negotiationId}}/accept"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return new(pair.Provider.Key, $"{root}/orders/negotiate/{(await pair.NegotiateAsync()).NegotiationId}/accept?wait=30", "{}");
            };
            calls[$"POST /{root}/orders/negotiate/{{negotiationId}}/reject"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return new(pair.Provider.Key, $"{root}/orders/negotiate/{(await pair.NegotiateAsync()).NegotiationId}/reject", """{"reason":"no"}""");
            };
            calls[$"POST /{root}/orders/{{id}}/pay"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return new(pair.Requester.Key, $"{root}/orders/{(await pair.CreateOrderAsync()).OrderId}/pay?wait=30");
            };
            calls[$"POST /{root}/orders/{{id}}/deliver"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return new(
                    pair.Provider.Key, $"{root}/orders/{(await pair.CreatePaidOrderAsync()).OrderId}/deliver?wait=30", """{"deliverableType":"text","deliverableText":"done"}""");
            };
            calls[$"POST /{root}/orders/{{id}}/reject"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return new(pair.Provider.Key, $"{root}/orders/{(await pair.CreatePaidOrderAsync()).OrderId}/reject?wait=30", """{"reason":"no"}""");
            };
        }

        return calls;
    }

    private Task<Pair> ReviewedPairAsync() => sandbox.NewPairAsync(thirdParties: new() { Arbiter = TestKeys.Stranger.GetPublicAddress(), ReviewSeconds = 3600 });

    private async Task<string> AgentAsync() => (await sandbox.NewAgentAsync("n")).AgentId;

    private static Task<Sample> By(string key, string path, string json) => Task.FromResult(new Sample(key, path, json));

    private IEnumerable<string> ChangingRoutes() => sandbox.Relayer.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Select(method => $"{method} /{endpoint.RoutePattern.RawText!.Trim('/')}"))
        .Where(route => !route.StartsWith("GET ", StringComparison.Ordinal) && !route.StartsWith("HEAD ", StringComparison.Ordinal));

    private sealed record Sample(string Key, string Path, string? Json = null);
}
