using System.Globalization;
using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapVault.Tests.Relayer;

public sealed class EventLogTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("capvault-events-").FullName;
    private Db _db = null!;
    private EventLog _events = null!;
    private EventFeed _feed = null!;
    private Sequencer _sequencer = null!;

    public async Task InitializeAsync()
    {
        _db = await SqliteDb.OpenAsync(_directory, default);
        _events = new EventLog(_db, TimeProvider.System);
        _feed = new EventFeed(_events);
        _sequencer = new Sequencer(_db, _events, _feed, NullLogger<Sequencer>.Instance);
        await _sequencer.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _sequencer.StopAsync(default);
        await _db.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Numbers_have_no_gaps_and_a_reader_that_follows_sees_every_event_once_and_in_order()
    {
        const int count = 500;
        var reader = FollowAsync(new EventReader(null, All: true), count);
        await Parallel.ForAsync(0, count, async (number, cancellationToken) => await AddAsync(number, EventType.OrderCreated, cancellationToken));

        var seen = await reader.WaitAsync(TimeSpan.FromSeconds(30));
        seen.Select(row => row.Seq).Should().Equal(Enumerable.Range(1, count).Select(number => (long)number));
        seen.Select(row => row.Body).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task The_same_event_twice_is_one_event()
    {
        await AddAsync(1, EventType.OrderCreated, default);
        await AddAsync(1, EventType.OrderCreated, default);
        await AddAsync(2, EventType.OrderCreated, default);
        (await FollowAsync(new EventReader(null, All: true), 2)).Select(row => row.Seq).Should().Equal(1, 2);
    }

    [Theory]
    [InlineData("agt_r", false, "order_created", "order_completed")]
    [InlineData("agt_p", false, "order_created", "order_paid")]
    [InlineData("agt_r", true, "order_created", "order_paid", "order_completed")]
    [InlineData("agt_stranger", true)]
    public async Task Everybody_sees_the_own_events_of_the_own_audience(string agentId, bool all, params string[] expected)
    {
        await AddAsync(1, EventType.OrderCreated, default);
        await AddAsync(2, EventType.OrderPaid, default);
        await AddAsync(3, EventType.OrderCompleted, default);
        await FollowAsync(new EventReader(null, All: true), 3);

        var seen = await _events.ReadAsync(new EventReader(agentId, all), after: 0, limit: 100, default);
        seen.Select(row => row.Type).Should().Equal(expected);
    }

    [Fact]
    public async Task What_failed_to_commit_takes_no_number()
    {
        await FluentActions.Awaiting(() => _db.WriteAsync(
            async tx =>
            {
                await _events.AddAsync(tx, Event(1, EventType.OrderCreated));
                throw new InvalidOperationException();
            },
            default)).Should().ThrowAsync<InvalidOperationException>();
        await AddAsync(2, EventType.OrderCreated, default);

        var seen = await FollowAsync(new EventReader(null, All: true), 1);
        seen.Single().Seq.Should().Be(1);
        (await _db.ReadAsync(connection => connection.QuerySingleAsync<long>("SELECT count(*) FROM event"), default)).Should().Be(1);
    }

    [Theory]
    [InlineData("1:42", 1L, 42L)]
    public void A_cursor_is_taken_apart(string cursor, long epoch, long seq) => EventLog.ParseCursor(cursor).Should().Be((epoch, seq));

    [Theory]
    [InlineData("")]
    [InlineData("42")]
    [InlineData("1:2:3")]
    [InlineData("1:-2")]
    [InlineData("1:99999999999999999999")]
    [InlineData("x:y")]
    public void What_is_no_cursor_is_none(string cursor) => EventLog.ParseCursor(cursor).Should().BeNull();

    private async Task<List<EventRow>> FollowAsync(EventReader reader, int count)
    {
        using var subscription = _feed.Subscribe(reader, epoch: 1, position: 0);
        var seen = new List<EventRow>();
        while (seen.Count < count)
        {
            await subscription.Available.WaitAsync(TimeSpan.FromSeconds(30));
            seen.AddRange(await subscription.TakeAsync(limit: 50, default));
        }

        return seen;
    }

    private Task AddAsync(int number, EventType type, CancellationToken cancellationToken) => _db.WriteAsync(tx => _events.AddAsync(tx, Event(number, type)), cancellationToken);

    private static CapEvent Event(int number, EventType type) => new()
    {
        Seq = 0,
        Cursor = "",
        EventId = "evt_" + number.ToString(CultureInfo.InvariantCulture),
        Type = type,
        OccurredAt = DateTimeOffset.UnixEpoch,
        RequesterAgentId = "agt_r",
        ProviderAgentId = "agt_p",
    };
}
