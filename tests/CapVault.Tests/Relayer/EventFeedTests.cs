using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Microsoft.Extensions.Logging.Abstractions;

namespace CapVault.Tests.Relayer;

public sealed class EventFeedTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("capvault-feed-").FullName;
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
    public async Task A_batch_wakes_those_it_concerns_and_the_others_move_on_without_asking_the_database()
    {
        using var concerned = await CaughtUpAsync("agt_a");
        using var other = await CaughtUpAsync("agt_b");
        using var operators = await CaughtUpAsync(agentId: null);

        await AddAsync("evt_1", "agt_a");
        await concerned.Available.WaitAsync(Patience);
        await operators.Available.WaitAsync(Patience);

        other.IsBehind.Should().BeFalse();
        other.Available.IsCompleted.Should().BeFalse();
        await _db.WriteAsync(tx => tx.ExecuteAsync("ALTER TABLE event RENAME TO away"), default);
        (await other.TakeAsync(10, default)).Should().BeEmpty();
        other.Position.Should().Be(1);
        await concerned.Invoking(subscription => subscription.TakeAsync(10, default)).Should().ThrowAsync<Exception>("it does ask, and the table is away");
        await _db.WriteAsync(tx => tx.ExecuteAsync("ALTER TABLE away RENAME TO event"), default);
        (await concerned.TakeAsync(10, default)).Should().ContainSingle("a failure loses nothing");
    }

    [Fact]
    public async Task An_event_for_the_operator_alone_does_not_wake_its_parties()
    {
        using var party = await CaughtUpAsync("agt_a");
        using var operators = await CaughtUpAsync(agentId: null);

        await AddAsync("evt_1", "agt_a", EventType.OrderPaying);
        await operators.Available.WaitAsync(Patience);

        party.IsBehind.Should().BeFalse();
    }

    [Fact]
    public async Task A_full_page_leaves_the_reader_behind_and_the_last_one_does_not()
    {
        for (var i = 0; i < 5; i++)
        {
            await AddAsync($"evt_{i}", "agt_a");
        }

        using var numbered = _feed.Subscribe(new EventReader(null, All: true), epoch: 1, position: 0);
        await TakeAllAsync(numbered, 5);
        using var reader = _feed.Subscribe(new EventReader("agt_a", All: false), epoch: 1, position: 0);

        (await reader.TakeAsync(2, default)).Select(row => row.Seq).Should().Equal(1, 2);
        (reader.IsBehind, reader.Cursor).Should().Be((true, "1:2"));
        (await reader.TakeAsync(2, default)).Select(row => row.Seq).Should().Equal(3, 4);
        (await reader.TakeAsync(2, default)).Select(row => row.Seq).Should().Equal(5);
        (reader.IsBehind, reader.Cursor).Should().Be((false, "1:5"));
    }

    [Fact]
    public async Task Who_has_not_read_what_was_forgotten_is_told_and_who_has_is_not()
    {
        using var read = await CaughtUpAsync("agt_a");
        using var late = _feed.Subscribe(new EventReader("agt_a", All: false), epoch: 1, position: 0);
        for (var i = 0; i < 5; i++)
        {
            await AddAsync($"evt_{i}", "agt_a");
        }

        await TakeAllAsync(read, 5);
        _feed.Forget(3);
        await _db.WriteAsync(tx => tx.ExecuteAsync("DELETE FROM event WHERE seq <= 3"), default);
        await AddAsync("evt_new", "agt_a");

        (await TakeAllAsync(read, 1)).Should().Equal("evt_new");
        await late.Invoking(subscription => subscription.TakeAsync(10, default)).Should().ThrowAsync<EventsForgottenException>();
        late.Cursor.Should().Be("1:0");
        late.SkipForgotten().Should().Be("1:3");
        (await late.TakeAsync(10, default)).Select(row => row.Seq).Should().Equal(4, 5, 6);
    }

    [Fact]
    public async Task A_log_whose_events_have_all_gone_begins_at_its_head()
    {
        using var reader = await CaughtUpAsync("agt_a");
        await AddAsync("evt_1", "agt_a");
        await TakeAllAsync(reader, 1);
        await _db.WriteAsync(tx => tx.ExecuteAsync("DELETE FROM event"), default);

        var bounds = await _events.BoundsAsync(default);

        bounds.Should().Be(new LogBounds { Epoch = 1, Head = 1, Oldest = 1 });
        bounds.Find("1:1").Should().Be(1);
        bounds.Find("1:0").Should().BeNull();
        bounds.Find("1:2").Should().BeNull("nothing has that number yet");
        bounds.Find("2:1").Should().BeNull();
        (bounds.Find("tail"), bounds.Find("oldest")).Should().Be((1, 1));
    }

    private async Task<EventSubscription> CaughtUpAsync(string? agentId)
    {
        var subscription = _feed.Subscribe(new EventReader(agentId, All: true), epoch: 1, position: 0);
        await subscription.TakeAsync(100, default);
        return subscription;
    }

    private static async Task<List<string>> TakeAllAsync(EventSubscription subscription, int count)
    {
        var taken = new List<EventRow>();
        while (taken.Count < count)
        {
            await subscription.Available.WaitAsync(Patience);
            taken.AddRange(await subscription.TakeAsync(100, default));
        }

        return taken.ConvertAll(row => System.Text.Json.JsonDocument.Parse(row.ToJson(1)).RootElement.GetProperty("eventId").GetString()!);
    }

    private Task AddAsync(string eventId, string agentId, EventType? type = null) => _db.WriteAsync(
        tx => _events.AddAsync(tx, new CapEvent
        {
            Seq = 0,
            Cursor = "",
            EventId = eventId,
            Type = type ?? EventType.OrderCreated,
            OccurredAt = DateTimeOffset.UnixEpoch,
            RequesterAgentId = agentId,
            ProviderAgentId = agentId,
        }),
        default);
}
