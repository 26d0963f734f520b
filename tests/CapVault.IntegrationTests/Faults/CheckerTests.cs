using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>A checker that is always content proves nothing: one order's history, spoilt in every way that it is there to notice.</summary>
public sealed class CheckerTests
{
    private const string OrderId = "0xaa";

    [Fact]
    public void A_history_in_which_all_is_well_is_clean()
    {
        foreach (var ending in (Ending[])[Ending.Completed, Ending.Refunded, Ending.Canceled, Ending.Declined])
        {
            Checker.Check(HistoryOf(ending)).Findings.Should().BeEmpty($"it is {ending}");
        }

        Checker.Check(HistoryOf(Ending.Completed)).Line(7).Should().Be("acknowledged 3, lost 0, doubled 0, misordered 0, stuck 0, seed 7");
    }

    [Fact]
    public void What_was_acknowledged_and_is_not_on_chain_is_lost()
    {
        var history = HistoryOf(Ending.Completed);

        Check(history with { Facts = [.. history.Facts.Take(2)] }).Should().BeEquivalentTo([Wrong.Lost, Wrong.Misordered], "the event of what is not there was not taken back either");
        Check(history with { Negotiations = Negotiations() }).Should().Equal(Wrong.Lost);
        Check(history with { Book = new Dictionary<string, BookEntry>(StringComparer.Ordinal) { [OrderId] = new(OrderStatus.Paid, IsPending: false) } }).Should().Equal(Wrong.Lost);
    }

    [Fact]
    public void A_promise_that_nobody_keeps_is_lost_and_one_that_is_on_its_way_is_stuck()
    {
        var history = HistoryOf(Ending.Open, acknowledged: [OrderStep.Create, OrderStep.Pay], facts: [EventType.OrderCreated]);

        Check(history).Should().BeEquivalentTo([Wrong.Stuck, Wrong.Lost]);
        Check(history with { Book = new Dictionary<string, BookEntry>(StringComparer.Ordinal) { [OrderId] = new(OrderStatus.Paying, IsPending: true) } }).Should().Equal(Wrong.Stuck);
        Check(HistoryOf(Ending.Completed) with { LiveOperations = 1 }).Should().Equal(Wrong.Stuck);
    }

    [Fact]
    public void What_happened_twice_is_doubled()
    {
        var history = HistoryOf(Ending.Completed);

        Check(history with { Facts = [.. history.Facts.Take(2), history.Facts[1] with { Position = Position(9) }, history.Facts[2]] }).Should().Equal(Wrong.Doubled);
        Check(history with { Negotiations = Negotiations("neg_1", "neg_2") }).Should().Equal(Wrong.Doubled);
        Check(history with { Facts = [.. history.Facts, new Fact("0xbb", EventType.OrderCreated, Position(9))] }).Should().Equal(Wrong.Doubled);
        Check(HistoryOf(Ending.Canceled) with { Facts = [.. history.Facts.Take(2), .. HistoryOf(Ending.Canceled).Facts.Skip(1)] }).Should().Contain(Wrong.Doubled);
    }

    [Fact]
    public void Money_that_is_missing_or_too_much_is_noticed_to_the_last_unit()
    {
        var history = HistoryOf(Ending.Completed);

        Check(With(-1)).Should().Equal(Wrong.Lost);
        Check(With(1)).Should().Equal(Wrong.Doubled);

        History With(int surplus) => history with { Holdings = [history.Holdings[0] with { After = history.Holdings[0].After + surplus }, .. history.Holdings.Skip(1)] };
    }

    [Fact]
    public void An_event_that_did_not_come_is_lost_and_one_that_came_twice_is_doubled()
    {
        var events = HistoryOf(Ending.Completed).Inboxes[0].Effects;

        foreach (var missing in events)
        {
            Check(Heard(events.Where(e => e != missing))).Should().Equal([Wrong.Lost], $"{missing.Type} is missing");
        }

        Check(Heard(events.Append(events[^1]))).Should().Contain(Wrong.Doubled);
        Check(Heard(events.Append(events[^1] with { EventId = "evt_99" }))).Should().Equal(Wrong.Doubled);
        Check(HistoryOf(Ending.Completed) with { Inboxes = [new Inbox("agt_r", events, Gaps: 1)] }).Should().Equal(Wrong.Lost);
    }

    [Fact]
    public void Events_in_another_order_are_misordered()
    {
        var events = HistoryOf(Ending.Completed).Inboxes[0].Effects;

        Check(Heard([events[0], events[1], events[3], events[2], events[4]])).Should().Equal(Wrong.Misordered);
        Check(HistoryOf(Ending.Completed) with { Inboxes = [new Inbox("agt_r", [.. events.Select(e => e with { Seq = 10 - e.Seq })], Gaps: 0)] }).Should().Equal(Wrong.Misordered);
    }

    [Fact]
    public void What_the_chain_took_back_has_to_be_taken_back_once_and_told_anew()
    {
        var events = HistoryOf(Ending.Completed).Inboxes[0].Effects;
        var orphaned = events[3] with { EventId = "evt_orphaned", Chain = Position(77) };
        var reverted = Reverted("evt_orphaned");

        Check(Heard([.. events.Take(3), orphaned, reverted, .. events.Skip(3)])).Should().BeEmpty();
        Check(Heard([.. events.Take(3), orphaned, .. events.Skip(3)])).Should().BeEquivalentTo([Wrong.Doubled, Wrong.Misordered], "nobody has said that the first payment is void");
        Check(Heard([.. events.Take(3), orphaned, .. events.Skip(4)])).Should().Equal(Wrong.Misordered);
        Check(Heard([.. events.Take(3), orphaned, reverted, .. events.Skip(4)])).Should().Equal(Wrong.Lost);
        Check(Heard([.. events.Take(3), reverted, .. events.Skip(3)])).Should().Equal(Wrong.Misordered);
        Check(Heard([.. events, Reverted(events[3].EventId)])).Should().Equal(Wrong.Lost);
    }

    [Fact]
    public void A_delivery_that_the_chain_took_back_and_then_refused_is_lost_unless_its_provider_was_told()
    {
        var whole = HistoryOf(Ending.Completed);
        var events = whole.Inboxes[1].Effects;
        var failed = Event(51, EventType.OrderDeliverFailed, chain: null);
        var paidOnly = whole with
        {
            Facts = [.. whole.Facts.Take(2)],
            Holdings = [new("agt_r", 1000, 900), new("agt_p", 0, 0), new(Holding.Platform, 0, 100)],
            Book = new Dictionary<string, BookEntry>(StringComparer.Ordinal) { [OrderId] = new(OrderStatus.Paid, IsPending: false) },
        };

        var told = Checker.Check(With([.. events, Reverted(events[4].EventId), failed]));
        told.Findings.Should().BeEmpty();
        told.TakenBack.Should().Be(1);
        Check(With([.. events, Reverted(events[4].EventId)])).Should().Contain(Wrong.Lost, "nobody has said that it failed");
        Check(With([.. events, failed])).Should().Contain(Wrong.Lost, "nobody has said that it was taken back");
        Check(With([.. events.Take(4), failed, events[4], Reverted(events[4].EventId)])).Should().Contain(Wrong.Lost, "an earlier attempt had failed");

        History With(CapEvent[] effects) => paidOnly with { Inboxes = [new Inbox("agt_p", [.. effects.Select((e, i) => e with { Seq = i })], Gaps: 0)] };
    }

    // Numbered as they came.
    private static History Heard(IEnumerable<CapEvent> events) =>
        HistoryOf(Ending.Completed) with { Inboxes = [new Inbox("agt_r", [.. events.Select((e, i) => e with { Seq = i })], Gaps: 0)] };

    private static IEnumerable<Wrong> Check(History history) => Checker.Check(history).Findings.Select(finding => finding.Wrong).Distinct();

    private static History HistoryOf(Ending ending, OrderStep[]? acknowledged = null, EventType[]? facts = null)
    {
        facts ??= ending switch
        {
            Ending.Completed => [EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted],
            Ending.Refunded => [EventType.OrderCreated, EventType.OrderPaid, EventType.OrderRejected],
            Ending.Canceled => [EventType.OrderCreated, EventType.OrderRejected],
            _ => [],
        };
        acknowledged ??= ending switch
        {
            Ending.Completed => [OrderStep.Create, OrderStep.Pay, OrderStep.Deliver],
            Ending.Refunded => [OrderStep.Create, OrderStep.Pay, OrderStep.Reject],
            Ending.Canceled => [OrderStep.Create, OrderStep.Reject],
            _ => [],
        };
        var story = new Story { Key = "story", Requester = "agt_r", Provider = "agt_p", NegotiationId = "neg_1", ChainOrderId = OrderId, Price = 100, Fee = 10, Ending = ending };
        foreach (var step in acknowledged)
        {
            story.Acknowledge(step);
        }

        var (paid, fee) = ending == Ending.Completed ? (100, 10) : (0, 0);
        EventType[] told =
        [
            EventType.NegotiationCreated,
            .. ending == Ending.Declined ? (EventType[])[EventType.NegotiationRejected] : [EventType.NegotiationAccepted],
            .. facts,
        ];
        var events = told.Select((type, i) => Event(i + 1, type, i >= 2 ? Position(i - 2) : null)).ToList();
        var book = new Dictionary<string, BookEntry>(StringComparer.Ordinal);
        if (ending != Ending.Declined)
        {
            book[OrderId] = new(ending == Ending.Completed ? OrderStatus.Completed : ending == Ending.Open ? OrderStatus.Created : OrderStatus.Rejected, IsPending: false);
        }

        return new History
        {
            Stories = [story],
            Facts = [.. facts.Select((type, i) => new Fact(OrderId, type, Position(i)))],
            Holdings = [new("agt_r", 1000, 1000 - paid), new("agt_p", 0, paid - fee), new(Holding.Platform, 0, fee)],
            Inboxes = [new Inbox("agt_r", events, Gaps: 0), new Inbox("agt_p", events, Gaps: 0)],
            Negotiations = Negotiations("neg_1"),
            Book = book,
        };
    }

    private static ILookup<string, string> Negotiations(params string[] ids) => ids.ToLookup(_ => "story", StringComparer.Ordinal);

    private static ChainPosition Position(int block) => new($"0x{block}", block, 0);

    private static CapEvent Reverted(string eventId) =>
        Event(50, EventType.OrderReverted, chain: null) with { Data = JsonSerializer.SerializeToElement(new { eventId }) };

    private static CapEvent Event(long seq, EventType type, ChainPosition? chain) => new()
    {
        Seq = seq,
        Cursor = $"1:{seq}",
        EventId = $"evt_{seq}",
        Type = type,
        OccurredAt = DateTimeOffset.UnixEpoch,
        NegotiationId = "neg_1",
        OrderId = "ord_1",
        Chain = chain,
    };
}
