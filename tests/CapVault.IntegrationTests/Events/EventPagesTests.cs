using System.Diagnostics;
using System.Net;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>GET /events, page by page.</summary>
public sealed class EventPagesTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task Pages_follow_each_other_to_the_end_and_on()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, 5);
        await NumberedAsync(agent, start, 5);

        var first = await agent.Client.ListEventsAsync(new() { After = start, Limit = 3 });
        var second = await agent.Client.ListEventsAsync(new() { After = first.NextCursor, Limit = 3 });
        var third = await agent.Client.ListEventsAsync(new() { After = second.NextCursor, Limit = 3 });

        first.Events.Should().HaveCount(3);
        first.HasMore.Should().BeTrue();
        first.NextCursor.Should().Be(first.Events[^1].Cursor);
        second.Events.Should().HaveCount(2);
        second.HasMore.Should().BeFalse();
        third.Events.Should().BeEmpty();
        third.HasMore.Should().BeFalse();
        third.NextCursor.Should().Be(second.NextCursor);
    }

    [Fact]
    public async Task The_next_cursor_is_past_what_was_not_asked_for()
    {
        var pair = await sandbox.NewPairAsync();
        var start = await sandbox.HeadAsync();
        var negotiation = await pair.NegotiateAsync();
        await pair.Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, "no");
        await NumberedAsync(pair.Requester, start, 1);
        var stranger = await sandbox.NewAgentAsync("stranger");

        var others = await stranger.Client.ListEventsAsync(new() { After = start });
        var created = await pair.Provider.Client.ListEventsAsync(new() { After = start, Types = ["order_*"], Audience = "all" });
        var rejected = await pair.Requester.Client.ListEventsAsync(new() { After = start, Types = ["order_paid", "negotiation_rej*"] });

        others.Events.Should().BeEmpty();
        others.NextCursor.Should().NotBe(start).And.Be(created.NextCursor);
        created.Events.Should().BeEmpty();
        rejected.Events.Should().ContainSingle().Which.NegotiationId.Should().Be(negotiation.NegotiationId);
    }

    [Fact]
    public async Task Without_a_cursor_it_begins_at_the_tail()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var start = await sandbox.HeadAsync();
        await sandbox.AddEventsAsync(agent.AgentId, 2);
        await NumberedAsync(agent, start, 2);

        var tail = await agent.Client.ListEventsAsync(new());
        var oldest = await agent.Client.ListEventsAsync(new() { After = EventStream.Oldest });

        tail.Events.Should().BeEmpty();
        tail.NextCursor.Should().Be(await sandbox.HeadAsync());
        oldest.Events.Should().HaveCount(2);
    }

    [Fact]
    public async Task It_waits_for_the_first_event_and_no_longer()
    {
        var pair = await sandbox.NewPairAsync();
        var tail = await pair.Provider.Client.ListEventsAsync(new());
        var waiting = pair.Provider.Client.ListEventsAsync(new() { After = tail.NextCursor, WaitSeconds = 30 });
        var started = Stopwatch.GetTimestamp();

        var negotiation = await pair.NegotiateAsync();

        (await waiting).Events.Should().ContainSingle().Which.NegotiationId.Should().Be(negotiation.NegotiationId);
        Stopwatch.GetElapsedTime(started).Should().BeLessThan(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task A_wait_in_vain_ends_with_an_empty_page_and_a_cursor()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var other = await sandbox.NewAgentAsync("other");
        var tail = await agent.Client.ListEventsAsync(new());
        var waiting = agent.Client.ListEventsAsync(new() { After = tail.NextCursor, WaitSeconds = 1 });
        await sandbox.AddEventsAsync(other.AgentId, 3);

        var page = await waiting;

        page.Events.Should().BeEmpty();
        page.HasMore.Should().BeFalse();
        (await agent.Client.ListEventsAsync(new() { After = page.NextCursor })).Events.Should().BeEmpty("the cursor is good");
    }

    [Fact]
    public async Task Polling_gives_what_comes_one_after_the_other()
    {
        var pair = await sandbox.NewPairAsync();
        var start = await sandbox.HeadAsync();
        await using var events = pair.Provider.Client.PollEventsAsync(new() { After = start, Types = ["negotiation_created"] }).GetAsyncEnumerator();

        for (var i = 0; i < 3; i++)
        {
            var negotiation = await pair.NegotiateAsync();
            (await events.MoveNextAsync()).Should().BeTrue();
            events.Current.NegotiationId.Should().Be(negotiation.NegotiationId);
        }
    }

    [Theory]
    [InlineData("999:1")]
    [InlineData("1:999999999")]
    public async Task A_cursor_of_another_log_is_expired(string after)
    {
        var agent = await sandbox.NewAgentAsync("agent");

        var paged = await sandbox.Api.GetAsync(agent.Key, $"events?after={after}");
        var listing = () => agent.Client.ListEventsAsync(new() { After = after });

        paged.Status.Should().Be(HttpStatusCode.Gone);
        paged.Code.Should().Be(ErrorCodes.CursorExpired);
        paged.Json.GetProperty("error").GetProperty("retryable").GetBoolean().Should().BeFalse();
        var oldest = paged.Detail("oldest").GetString()!;
        (await sandbox.Api.GetAsync(agent.Key, $"events?after={oldest}")).Status.Should().Be(HttpStatusCode.OK, "that one is good");
        (await listing.Should().ThrowAsync<CapApiException>()).Which.Details["oldest"].GetString().Should().Be(oldest);
    }

    [Theory]
    [InlineData("after=yesterday", "after")]
    [InlineData("after=1:-1", "after")]
    [InlineData("after=1%3A1%3A1", "after")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=1e1", "limit")]
    [InlineData("wait=31", "wait")]
    [InlineData("wait=-1", "wait")]
    [InlineData("audience=everybody", "audience")]
    [InlineData("types=", "types")]
    [InlineData("types=order_payed", "types")]
    [InlineData("types=order_paid,,", "types")]
    [InlineData("types=*_paid", "types")]
    [InlineData("types=%00", "types")]
    public async Task What_is_asked_for_wrongly_is_named(string query, string field)
    {
        var agent = await sandbox.NewAgentAsync("agent");

        var answer = await sandbox.Api.GetAsync(agent.Key, $"events?{query}");

        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be(field);
        answer.Message.Should().Contain("expected");
    }

    [Fact]
    public async Task The_operator_reads_everything()
    {
        var start = await sandbox.HeadAsync();
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();

        var types = new List<string?>();
        await Eventually.TrueAsync(
            async () =>
            {
                var page = await sandbox.Api.GetAsync(sandbox.Relayer.OperatorKey, $"events?after={start}&types=order_*");
                types = [.. page.Data.EnumerateArray().Where(e => e.GetProperty("orderId").GetString() == order.OrderId).Select(e => e.GetProperty("type").GetString())];
                return types.Count == 2;
            },
            "both events are there");

        types.Should().Equal("order_creating", "order_created");
    }

    private static Task NumberedAsync(Party party, string start, int count) => Eventually.TrueAsync(
        async () => (await party.Client.ListEventsAsync(new() { After = start })).Events.Count == count, $"{count} events are numbered");
}
