using System.Text;
using System.Text.RegularExpressions;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Who may see and do what: every route that there is, with every key that has no business there.</summary>
public sealed partial class TenantTests(WorldSandbox sandbox) : IClassFixture<WorldSandbox>
{
    private readonly World _world = sandbox.World;
    private readonly RawHttp _http = new(sandbox.Relayer.Url);

    /// <summary>Those that need a key.</summary>
    public static TheoryData<string> Keyed => [.. Routes.All.Where(route => !route.Access.IsPublic).Select(route => route.Name)];

    /// <summary>Those of one party alone.</summary>
    public static TheoryData<string> OfOneParty => [.. Routes.All.Where(route => route.Access.OtherParty is not null).Select(route => route.Name)];

    [Fact]
    public void Every_route_is_in_the_table()
    {
        var mapped = Routes.MappedBy(sandbox.Relayer.Services).ToHashSet(StringComparer.Ordinal);
        var known = Routes.All.Select(route => route.Name).ToHashSet(StringComparer.Ordinal);

        mapped.Except(known, StringComparer.Ordinal).Should().BeEmpty(
            "for each of these, Routes.All must say in one line who uses it and what a stranger gets there (OfAll, OfAgents, OfReaders, OfParties, OfOne, OfSetUp, OfOperator, "
                + "Public), with a body that it takes; the tests of strangers and of bad input do the rest");
        known.Except(mapped, StringComparer.Ordinal).Should().BeEmpty("the relayer does not have these any more: take them out of Routes.All");
        Routes.All.Should().OnlyHaveUniqueItems(route => route.Name);
    }

    [Theory]
    [MemberData(nameof(Keyed))]
    public async Task Without_a_key_that_is_valid_nothing_is_answered(string name)
    {
        var route = Find(name);
        var rows = await sandbox.CountRowsAsync();

        await RefusedAsync(route, key: null, new(401, ErrorCodes.Unauthorized));
        foreach (var key in (string[])
        [
            .. _world.Revoked, "nonsense", "croo_sk_", $"croo_sk_{new string('0', 18)}_{new string('x', 43)}", _world.OperatorKey[..^1] + "!",
            // The part by which it is found is right, the secret is not.
            _world.Pair.Requester.Key[..^43] + _world.Stranger.Key[^43..],
        ])
        {
            await RefusedAsync(route, key, new(401, ErrorCodes.InvalidApiKey));
        }

        (await sandbox.CountRowsAsync()).Should().Equal(rows);
    }

    [Theory]
    [MemberData(nameof(Keyed))]
    public async Task A_stranger_sees_and_changes_nothing(string name)
    {
        var route = Find(name);
        await RefusedOrAmongItselfAsync(route, _world.Stranger.Key, route.Access.Stranger);
        await RefusedOrAmongItselfAsync(route, await _world.SignInAsync(TestKeys.Stranger), route.Access.StrangerOwner);
    }

    [Theory]
    [MemberData(nameof(Keyed))]
    public async Task An_operators_key_with_too_little_scope_is_refused(string name)
    {
        var route = Find(name);
        var rows = await sandbox.CountRowsAsync();

        await RefusedAsync(route, _world.OperatorWithout(route.Scope), new(403, ErrorCodes.InsufficientScope));
        if (route.Access.Operator is { } refusal)
        {
            await RefusedAsync(route, _world.OperatorKey, refusal);
        }

        (await sandbox.CountRowsAsync()).Should().Equal(rows);
    }

    [Theory]
    [MemberData(nameof(OfOneParty))]
    public async Task The_wrong_role_is_forbidden(string name)
    {
        var route = Find(name);
        var rows = await sandbox.CountRowsAsync();

        await RefusedAsync(route, _world.KeyOf(route.User == Who.Requester ? Who.Provider : Who.Requester), route.Access.OtherParty!);

        (await sandbox.CountRowsAsync()).Should().Equal(rows);
    }

    [Fact]
    public async Task Lists_show_an_agent_only_what_is_its_own()
    {
        var (pair, order) = (_world.Pair, _world.Order);

        (await _world.Stranger.Client.ListOrdersAsync(new())).Items.Should().BeEmpty();
        (await pair.Provider.Client.ListOrdersAsync(new() { Role = Role.Provider })).Items.Should().Contain(o => o.OrderId == order.OrderId);
        (await pair.Provider.Client.ListOrdersAsync(new() { Role = Role.Requester })).Items.Should().NotContain(o => o.OrderId == order.OrderId);
        (await pair.Requester.Client.ListOrdersAsync(new() { Status = "paid" })).Items.Should().Contain(o => o.OrderId == order.OrderId);
        (await pair.Requester.Client.ListOrdersAsync(new() { Status = "completed" })).Items.Should().NotContain(o => o.OrderId == order.OrderId);
    }

    private static Route Find(string name) => Routes.All.Single(route => route.Name == name);

    private async Task RefusedOrAmongItselfAsync(Route route, string key, Refusal? refusal)
    {
        if (refusal is not null)
        {
            var rows = await sandbox.CountRowsAsync();
            await RefusedAsync(route, key, refusal);
            (await sandbox.CountRowsAsync()).Should().Equal(rows);
            return;
        }

        var reply = await SendAsync(route, key, _world.Fill);
        reply.Status.Should().BeOneOf([101, 200, 201], reply.Body);
        foreach (var theirs in _world.OfTheParties)
        {
            reply.Body.Should().NotContainEquivalentOf(theirs);
        }
    }

    private async Task RefusedAsync(Route route, string? key, Refusal refusal)
    {
        var reply = await SendAsync(route, key, _world.Fill);

        reply.Status.Should().Be(refusal.Status, reply.Body);
        var error = ErrorAnswer.Read(route.Path, reply);
        error.Code.Should().Be(refusal.Code);
        foreach (var theirs in _world.OfTheParties.Where(id => !_world.Fill(route.Path + route.Body).Contains(id, StringComparison.Ordinal)))
        {
            reply.Body.Should().NotContainEquivalentOf(theirs);
        }

        if (refusal.Status == 404)
        {
            // As if it did not exist at all: told apart, the two would tell who has an order.
            var nothing = await SendAsync(route, key, World.FillWithNothing);
            nothing.Status.Should().Be(404);
            Anonymous(nothing).Should().Be(Anonymous(reply));
        }
    }

    // The answer without what differs from call to call.
    private static string Anonymous(RawReply reply) => Ids().Replace(reply.Body.Replace(reply.Header("X-Request-ID")!, "", StringComparison.Ordinal), "…");

    private async Task<RawReply> SendAsync(Route route, string? key, Func<string, string> fill)
    {
        var request = RawRequest.Of(route.Method, fill(route.Path), key, route.Body is null ? null : Encoding.UTF8.GetBytes(fill(route.Body)));
        if (route.IsSocket)
        {
            request = request.AsHandshake();
        }

        return (await _http.SendAsync(request)) ?? throw new InvalidOperationException($"{route} closed without an answer.");
    }

    [GeneratedRegex("[a-z]{3}_[A-Za-z0-9_-]{21}", RegexOptions.None, 1000)]
    private static partial Regex Ids();
}
