using System.Text;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>No route that changes something may forget to claim its key: each is called twice.</summary>
public sealed class IdempotentRoutesTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task Every_route_that_changes_something_recognises_a_repeat()
    {
        var calls = Calls();

        ChangingRoutes().Should().BeEquivalentTo(calls.Keys, "a new route needs a call here, and its service has to claim context.IdempotentCall()");
        foreach (var (route, call) in calls)
        {
            var (key, path, json) = await call();
            var idempotencyKey = Guid.NewGuid().ToString();
            Task<RawAnswer> SendAsync() => sandbox.Api.SendAsync(
                new HttpMethod(route.Split(' ')[0]), key, path, json is null ? null : RawApi.Json(Encoding.UTF8.GetBytes(json)), idempotencyKey);

            var first = await SendAsync();
            var second = await SendAsync();

            ((int)first.Status).Should().BeInRange(200, 201, $"{route}: {first.Body}");
            second.Should().BeEquivalentTo(new { first.Status, first.Body }, route);
            second.Headers.Contains("Idempotent-Replayed").Should().BeTrue(route);
        }
    }

    // What would be sent to each: by whom, to where, what.
    private Dictionary<string, Func<Task<(string Key, string Path, string? Json)>>> Calls()
    {
        var operatorKey = sandbox.Relayer.OperatorKey;
        var owner = TestKeys.Human.GetPublicAddress();
        return new(StringComparer.Ordinal)
        {
            ["POST /agents"] = () => Task.FromResult<(string, string, string?)>((operatorKey, "agents", $$"""{"name":"n","owner":"{{owner}}"}""")),
            ["POST /services"] = async () =>
            {
                var agent = await sandbox.NewAgentAsync("provider");
                return (operatorKey, "services", $$"""{"agentId":"{{agent.AgentId}}","name":"n","price":"1.00","slaMinutes":30}""");
            },
            ["PATCH /services/{serviceId}"] = async () => (operatorKey, $"services/{(await sandbox.NewPairAsync()).Service.ServiceId}", """{"price":"2.00"}"""),
            ["POST /orders/negotiate"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return (pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
            },
            ["POST /orders/negotiate/{negotiationId}/accept"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return (pair.Provider.Key, $"orders/negotiate/{(await pair.NegotiateAsync()).NegotiationId}/accept?wait=30", null);
            },
            ["POST /orders/negotiate/{negotiationId}/reject"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return (pair.Provider.Key, $"orders/negotiate/{(await pair.NegotiateAsync()).NegotiationId}/reject", """{"reason":"no"}""");
            },
            ["POST /orders/{id}/pay"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return (pair.Requester.Key, $"orders/{(await pair.CreateOrderAsync()).OrderId}/pay?wait=30", null);
            },
            ["POST /orders/{id}/deliver"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return (pair.Provider.Key, $"orders/{(await pair.CreatePaidOrderAsync()).OrderId}/deliver?wait=30", """{"deliverableType":"text","deliverableText":"done"}""");
            },
            ["POST /orders/{id}/reject"] = async () =>
            {
                var pair = await sandbox.NewPairAsync();
                return (pair.Provider.Key, $"orders/{(await pair.CreatePaidOrderAsync()).OrderId}/reject?wait=30", """{"reason":"no"}""");
            },
            ["POST /orders/{id}/expire"] = async () =>
            {
                var pair = await sandbox.NewPairAsync(slaMinutes: 5);
                var order = await pair.CreatePaidOrderAsync();
                await sandbox.Setup.AdvanceClockAsync(301);
                return (pair.Requester.Key, $"orders/{order.OrderId}/expire?wait=30", null);
            },
            ["POST /sandbox/faucet"] = () => Task.FromResult<(string, string, string?)>((operatorKey, "sandbox/faucet", $$"""{"address":"{{owner}}","amount":"1.00"}""")),
            ["POST /sandbox/clock/advance"] = () => Task.FromResult<(string, string, string?)>((operatorKey, "sandbox/clock/advance", """{"seconds":1}""")),
        };
    }

    private IEnumerable<string> ChangingRoutes()
    {
        const string root = "/api/v1";
        return sandbox.Relayer.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText!.StartsWith(root, StringComparison.Ordinal))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods.Select(method => (method, path: endpoint.RoutePattern.RawText![root.Length..])))
            .Where(route => route.method != "GET")
            .Select(route => $"{route.method} {route.path}");
    }
}
