using System.Collections.Concurrent;
using System.Threading.Channels;
using CapVault.Sdk;
using CapVault.Sdk.Transport;

namespace CapVault.Tests.Sdk;

public class EventStreamTests
{
    private const string Key = "croo_sk_000000000000000000_secret";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task CR36_a_throwing_handler_does_not_stop_the_others_and_surfaces_on_Error()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        await using var _ = stream;
        var heard = new Recorder<long>();
        var errors = new Recorder<StreamErrorEventArgs>();
        stream.Error += (_, error) => errors.Add(error);
        stream.On(EventType.OrderPaid, _ => throw new InvalidOperationException("boom"));
        stream.On(EventType.OrderPaid, e => heard.AddAsync(e.Seq));
        stream.OnAny(e => heard.AddAsync(-e.Seq));

        await side.EventAsync(1, EventType.OrderPaid);
        await side.EventAsync(2, EventType.OrderCreated);

        (await heard.TakeAsync(3)).Should().Equal(1, -1, -2);
        var error = (await errors.TakeAsync(1)).Single();
        error.Exception.Message.Should().Be("boom");
        error.Event!.Seq.Should().Be(1);
        error.IsFinal.Should().BeFalse();
        (await side.AcksAsync(2)).Should().Equal(1, 2);
    }

    [Fact]
    public async Task An_event_is_acknowledged_only_when_its_handler_has_completed()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        await using var _ = stream;
        var gate = new TaskCompletionSource();
        stream.On(EventType.OrderPaid, (_, _) => gate.Task);
        await side.EventAsync(1, EventType.OrderPaid);

        await side.SendAsync(new StreamFrame { Frame = "ping", T = 7 });

        // The answer to the ping came after the event and before any ack.
        (await side.ReceiveAsync()).Should().BeEquivalentTo(new StreamFrame { Frame = "pong", T = 7 });
        stream.Cursor.Should().Be("1:0");
        gate.SetResult();
        (await side.AcksAsync(1)).Should().Equal(1);
        stream.Cursor.Should().Be("1:1");
    }

    [Fact]
    public async Task Events_that_come_before_the_first_handler_are_kept_and_all_handlers_registered_together_see_them()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        await using var _ = stream;
        await side.EventAsync(1, EventType.OrderPaid);
        await side.EventAsync(2, EventType.OrderCompleted);
        await side.SendAsync(new StreamFrame { Frame = "ping", T = 1 });
        await side.ReceiveAsync(); // the pong: both events have arrived

        var heard = new Recorder<string>();
        stream.On(EventType.OrderPaid, e => heard.AddAsync("paid " + e.Seq));
        stream.On(EventType.OrderCompleted, e => heard.AddAsync("completed " + e.Seq));

        (await heard.TakeAsync(2)).Should().Equal("paid 1", "completed 2");
    }

    [Fact]
    public async Task An_event_that_comes_while_nobody_listens_waits_for_the_next_who_does()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        await using var _ = stream;
        await side.EventAsync(1, EventType.OrderPaid);
        await foreach (var e in stream.ReadAllAsync())
        {
            e.Seq.Should().Be(1);
            break;
        }

        await side.EventAsync(2, EventType.OrderCompleted);
        await side.SendAsync(new StreamFrame { Frame = "ping", T = 1 });
        (await side.AcksAsync(1)).Should().Equal(1);
        await side.ReceiveAsync(); // the pong: the second event has arrived, and nobody has seen it

        var heard = new Recorder<long>();
        stream.OnAny(e => heard.AddAsync(e.Seq));

        (await heard.TakeAsync(1)).Should().Equal(2);
        (await side.AcksAsync(1)).Should().Equal(2);
    }

    [Fact]
    public async Task CR37_a_cut_connection_resumes_after_the_last_handled_event_and_nothing_comes_twice()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, first) = await ConnectAsync(server, new ScaledTime(20), after: "1:5");
        await using var _ = stream;
        var heard = new Recorder<long>();
        var gate = new TaskCompletionSource();
        stream.OnAny(async e =>
        {
            heard.Add(e.Seq);
            if (e.Seq == 7)
            {
                await gate.Task;
            }
        });
        await first.EventAsync(6, EventType.OrderPaid);
        await first.EventAsync(7, EventType.OrderPaid);
        await first.EventAsync(8, EventType.OrderPaid);
        (await first.AcksAsync(1)).Should().Equal(6);
        await heard.TakeAsync(2);

        first.Cut();
        var second = await server.AcceptAsync();

        (await second.WelcomeAsync()).After.Should().Be("1:6", "7 is still being handled");
        gate.SetResult();
        foreach (var seq in new long[] { 7, 8, 9 })
        {
            await second.EventAsync(seq, EventType.OrderPaid);
        }

        (await heard.TakeAsync(4)).Should().Equal(6, 7, 8, 9);
        (await second.AcksAsync(3)).Should().Equal([7, 8, 9], "what another connection had brought is acknowledged on this one too");
        stream.Cursor.Should().Be("1:9");
    }

    [Fact]
    public void CR37_reconnect_delays_grow_to_30_seconds_with_20_percent_jitter()
    {
        var expected = new[] { 1, 2, 4, 8, 16, 30, 30, 30 };

        for (var failures = 1; failures <= expected.Length; failures++)
        {
            Backoff.Delay(failures, unit: 0).TotalSeconds.Should().BeApproximately(expected[failures - 1] * 0.8, 1e-6);
            Backoff.Delay(failures, unit: 0.5).TotalSeconds.Should().BeApproximately(expected[failures - 1], 1e-6);
            Backoff.Delay(failures, unit: 1).TotalSeconds.Should().BeApproximately(expected[failures - 1] * 1.2, 1e-6);
        }

        Backoff.Delay(5000, unit: 0.5).Should().Be(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task CR37_while_the_server_is_down_the_stream_tries_at_those_delays_and_comes_back_by_itself()
    {
        var time = new ScaledTime(200);
        var server = await StreamServer.StartAsync();
        var port = server.Address.Port;
        var (stream, side) = await ConnectAsync(server, time);
        await using var _ = stream;
        var lost = new Recorder<StreamErrorEventArgs>();
        stream.Error += (_, error) => lost.Add(error);

        side.Cut();
        await server.DisposeAsync();
        await lost.TakeAsync(7);
        await using var back = await StreamServer.StartAsync(port);
        var heard = new Recorder<long>();
        stream.OnAny(e => heard.AddAsync(e.Seq));
        var again = await back.AcceptAsync();
        await again.WelcomeAsync();
        await again.EventAsync(1, EventType.OrderPaid);

        (await heard.TakeAsync(1)).Should().Equal(1);
        lost.All.Should().OnlyContain(error => !error.IsFinal && ((CapApiException)error.Exception).Retryable);
        var delays = time.Delays.Where(delay => delay > TimeSpan.FromMilliseconds(100)).ToList();
        var expected = new[] { 1, 2, 4, 8, 16, 30, 30 };
        for (var i = 0; i < expected.Length; i++)
        {
            delays[i].TotalSeconds.Should().BeInRange(expected[i] * 0.8, expected[i] * 1.2);
        }
    }

    [Fact]
    public async Task CR38_a_server_that_is_silent_for_twice_the_heartbeat_is_left()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, first) = await ConnectAsync(server, new ScaledTime(100), heartbeatSeconds: 10);
        await using var _ = stream;
        var lost = new Recorder<StreamErrorEventArgs>();
        stream.Error += (_, error) => lost.Add(error);

        var second = await server.AcceptAsync();

        lost.All[0].Exception.Message.Should().Contain("20 s");
        (await second.WelcomeAsync()).Frame.Should().Be("subscribe");
    }

    [Fact]
    public async Task CR38_pings_keep_the_connection()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server, new ScaledTime(10), heartbeatSeconds: 4); // gives up after 800 ms of silence
        await using var _ = stream;
        var lost = new Recorder<StreamErrorEventArgs>();
        stream.Error += (_, error) => lost.Add(error);

        for (var t = 1; t <= 8; t++)
        {
            await side.SendAsync(new StreamFrame { Frame = "ping", T = t });
            (await side.ReceiveAsync()).Should().BeEquivalentTo(new StreamFrame { Frame = "pong", T = t });
            await Task.Delay(200); // 1.6 s in all, twice what silence may last
        }

        lost.All.Should().BeEmpty();
    }

    [Theory]
    [InlineData(1012)]
    [InlineData(4408)]
    [InlineData(4429)]
    public async Task A_close_that_may_pass_leads_to_a_reconnect(int code)
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, first) = await ConnectAsync(server, new ScaledTime(50));
        await using var _ = stream;

        await first.CloseAsync(code);

        (await (await server.AcceptAsync()).WelcomeAsync()).Frame.Should().Be("subscribe");
    }

    [Theory]
    [InlineData(4400, "VALIDATION_ERROR")]
    [InlineData(4401, "INVALID_API_KEY")]
    [InlineData(4403, "FORBIDDEN")]
    public async Task A_refusal_ends_the_stream_after_what_was_received(int code, string expected)
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        await using var _ = stream;
        var errors = new Recorder<StreamErrorEventArgs>();
        stream.Error += (_, error) => errors.Add(error);
        await side.EventAsync(1, EventType.OrderPaid);
        await side.CloseAsync(code);

        var read = new List<long>();
        var reading = async () =>
        {
            await foreach (var e in stream.ReadAllAsync())
            {
                read.Add(e.Seq);
            }
        };

        (await reading.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(expected);
        read.Should().Equal(1);
        (await errors.TakeAsync(1)).Single().IsFinal.Should().BeTrue();
        await FluentActions.Awaiting(() => stream.Completion.WaitAsync(Patience)).Should().ThrowAsync<CapApiException>();
        await reading.Should().ThrowAsync<CapApiException>("a later reader learns it too");
    }

    [Theory]
    [InlineData(401, "INVALID_API_KEY", "SDK key")]
    [InlineData(404, "RELAYER_UNAVAILABLE", "whole address of the stream")]
    public async Task A_refused_first_connection_throws(int status, string code, string hint)
    {
        await using var server = await StreamServer.StartAsync();
        server.RefuseWith = status;
        using var client = Client(server, TimeProvider.System);

        var connecting = () => client.ConnectWebSocketAsync();

        var error = (await connecting.Should().ThrowAsync<CapApiException>()).Which;
        error.Code.Should().Be(code);
        error.Message.Should().Contain(hint);
    }

    [Fact]
    public async Task A_key_that_was_rotated_while_the_stream_was_cut_ends_it()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server, new ScaledTime(50));
        await using var _ = stream;
        server.RefuseWith = 401;

        side.Cut();

        (await FluentActions.Awaiting(() => stream.Completion.WaitAsync(Patience)).Should().ThrowAsync<CapApiException>())
            .Which.HttpStatus.Should().Be(401);
    }

    [Fact]
    public async Task A_gap_is_raised_in_its_place_and_the_stream_goes_on_after_it()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server, after: "1:900");
        await using var _ = stream;
        var heard = new Recorder<string>();
        stream.Gap += (_, gap) => heard.Add($"{gap.Reason} {gap.From} {gap.To}");
        stream.OnAny(e => heard.AddAsync("event " + e.Seq));
        await side.SendAsync(new StreamFrame { Frame = "gap", From = "1:900", To = "2:10", Reason = "CURSOR_EXPIRED" });
        await side.EventAsync(11, EventType.OrderPaid);

        (await heard.TakeAsync(2)).Should().Equal("CURSOR_EXPIRED 1:900 2:10", "event 11");
    }

    [Fact]
    public async Task A_gap_takes_nothing_back_that_was_handled_while_it_was_on_its_way()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, first) = await ConnectAsync(server, new ScaledTime(50), after: "1:5");
        await using var _ = stream;
        var heard = new Recorder<long>();
        var gaps = new Recorder<string>();
        var gate = new TaskCompletionSource();
        stream.Gap += (_, gap) => gaps.Add(gap.To!);
        stream.OnAny(async e =>
        {
            await gate.Task;
            heard.Add(e.Seq);
        });
        for (var seq = 6; seq <= 9; seq++)
        {
            await first.EventAsync(seq, EventType.OrderPaid);
        }

        await first.SendAsync(new StreamFrame { Frame = "ping", T = 1 });
        await first.ReceiveAsync(); // the pong: all four have arrived, and none is handled

        first.Cut();
        var second = await server.AcceptAsync();
        await second.HelloAsync();
        (await second.ReceiveAsync()).After.Should().Be("1:5");
        await second.SendAsync(new StreamFrame { Frame = "gap", From = "1:5", To = "1:7", Reason = "CURSOR_EXPIRED" });
        await second.SendAsync(new StreamFrame { Frame = "subscribed" });
        gate.SetResult();
        (await gaps.TakeAsync(1)).Should().Equal("1:7");
        stream.Cursor.Should().Be("1:9");
        for (var seq = 8; seq <= 10; seq++)
        {
            await second.EventAsync(seq, EventType.OrderPaid);
        }

        (await heard.TakeAsync(5)).Should().Equal(6, 7, 8, 9, 10);
        (await second.AcksAsync(3)).Should().Equal(8, 9, 10);
    }

    [Fact]
    public async Task A_quiet_streams_cursor_moves_on_past_the_events_of_others_and_never_back()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server, after: "1:5");
        await using var _ = stream;
        var heard = new Recorder<long>();
        stream.OnAny(e => heard.AddAsync(e.Seq));
        await side.SendAsync(new StreamFrame { Frame = "caught_up", Seq = 40, Cursor = "1:40" });
        await side.SendAsync(new StreamFrame { Frame = "caught_up", Seq = 30, Cursor = "1:30" });
        await side.EventAsync(41, EventType.OrderPaid);

        await heard.TakeAsync(1);
        (await side.AcksAsync(1)).Should().Equal(41);
        side.Cut();

        (await (await server.AcceptAsync()).WelcomeAsync()).After.Should().Be("1:41");
    }

    [Theory]
    [InlineData("yesterday", null)]
    [InlineData(null, "order_payed")]
    public async Task What_the_relayer_refuses_is_thrown_where_it_was_asked_for(string? after, string? type)
    {
        await using var server = await StreamServer.StartAsync();
        using var client = Client(server, TimeProvider.System);
        var connecting = client.ConnectWebSocketAsync(after, types: type is null ? null : [type]);
        var side = await server.AcceptAsync();
        await side.HelloAsync();
        await side.ReceiveAsync();

        await side.SendAsync(new StreamFrame { Frame = "error", Code = "VALIDATION_ERROR", Message = "found something else", Fatal = true });
        await side.CloseAsync(4400);

        var refusal = (await connecting.Invoking(task => task.WaitAsync(Patience)).Should().ThrowAsync<CapApiException>()).Which;
        refusal.Code.Should().Be("VALIDATION_ERROR");
        refusal.Message.Should().Contain("found something else");
        CapErrors.IsInvalidParams(refusal).Should().BeTrue();
    }

    [Fact]
    public async Task An_event_that_is_missing_between_two_others_is_fetched_again()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, first) = await ConnectAsync(server, new ScaledTime(50));
        await using var _ = stream;
        var heard = new Recorder<long>();
        stream.OnAny(e => heard.AddAsync(e.Seq));
        await first.EventAsync(1, EventType.OrderPaid);
        (await first.AcksAsync(1)).Should().Equal(1);
        await first.SendAsync(new
        {
            frame = "event",
            seq = 3,
            cursor = "1:3",
            prevSeq = 2,
            eventId = "evt_3",
            type = "order_paid",
            occurredAt = DateTimeOffset.UnixEpoch,
        });

        var second = await server.AcceptAsync();
        (await second.WelcomeAsync()).After.Should().Be("1:1");
        await second.EventAsync(2, EventType.OrderPaid);
        await second.EventAsync(3, EventType.OrderPaid);

        (await heard.TakeAsync(3)).Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task A_reader_that_leaves_gives_what_it_has_not_seen_to_the_next_one()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        await using var _ = stream;
        using var impatient = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        var first = async () => await stream.ReadAllAsync(impatient.Token).FirstAsync();
        await first.Should().ThrowAsync<OperationCanceledException>();

        for (var seq = 1; seq <= 3; seq++)
        {
            await side.EventAsync(seq, EventType.OrderPaid);
        }

        (await stream.ReadAllAsync().FirstAsync()).Seq.Should().Be(1);
        (await stream.ReadAllAsync().Take(2).ToListAsync()).Select(e => e.Seq).Should().Equal(2, 3);
        (await side.AcksAsync(3)).Should().Equal(1, 2, 3);
    }

    [Fact]
    public async Task Disposing_ends_readers_and_says_goodbye_even_while_a_handler_runs()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server);
        var entered = new Recorder<long>();
        var cancelled = new TaskCompletionSource();
        stream.On(EventType.OrderPaid, async (e, token) =>
        {
            using var registration = token.Register(() => cancelled.SetResult());
            entered.Add(e.Seq);
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
        });
        var reading = stream.ReadAllAsync().ToListAsync().AsTask();
        await side.EventAsync(1, EventType.OrderPaid);
        await entered.TakeAsync(1);

        var disposing = stream.DisposeAsync().AsTask();
        (await side.ReceiveAsync()).Frame.Should().Be("closed");
        await disposing.WaitAsync(Patience);
        await stream.DisposeAsync();

        await cancelled.Task.WaitAsync(Patience);
        (await reading.WaitAsync(Patience)).Should().BeEmpty();
        await stream.Completion.WaitAsync(Patience);
        stream.Cursor.Should().Be("1:0", "the event was not handled");
    }

    [Fact]
    public async Task The_subscription_says_what_was_asked_for_and_the_key_goes_in_the_header()
    {
        await using var server = await StreamServer.StartAsync();
        using var client = Client(server, TimeProvider.System);
        var connecting = client.ConnectWebSocketAsync(EventStream.Oldest, audience: "all", types: ["order_*"]);
        var side = await server.AcceptAsync();

        var subscribe = side.WelcomeAsync(head: "1:9");
        await using var stream = await connecting;

        (await subscribe).Should().BeEquivalentTo(new { Frame = "subscribe", After = "1:0", Audience = "all", Types = new[] { "order_*" } });
        side.Authorization.Should().Be("Bearer " + Key);
    }

    [Fact]
    public async Task Without_a_cursor_the_stream_begins_at_the_head_that_hello_named()
    {
        await using var server = await StreamServer.StartAsync();
        using var client = Client(server, TimeProvider.System);
        var connecting = client.ConnectWebSocketAsync();
        var side = await server.AcceptAsync();

        var subscribe = side.WelcomeAsync(head: "1:9");
        await using var stream = await connecting;

        (await subscribe).After.Should().Be("1:9");
    }

    [Fact]
    public async Task With_an_inbox_a_handler_sees_an_event_once_across_restarts_and_the_stream_goes_on_by_itself()
    {
        var inbox = new MemoryInbox();
        var heard = new Recorder<string>();
        await using (var server = await StreamServer.StartAsync())
        {
            var (stream, side) = await ConnectAsync(server, after: "1:5", inbox: inbox);
            stream.OnAny(e => heard.AddAsync(e.EventId));
            await side.EventAsync(6, EventType.OrderPaid);
            await side.EventAsync(7, EventType.OrderPaid);
            (await side.AcksAsync(2)).Should().Equal(6, 7);
            await stream.DisposeAsync();
        }

        inbox.Cursor.Should().Be("1:7");
        await using var next = await StreamServer.StartAsync();
        using var client = Client(next, TimeProvider.System);
        var connecting = client.ConnectWebSocketAsync(after: "1:5", inbox: inbox);
        var back = await next.AcceptAsync();
        var subscribe = back.WelcomeAsync();
        await using var again = await connecting;
        (await subscribe).After.Should().Be("1:7", "what the inbox has saved goes before");
        again.OnAny(e => heard.AddAsync(e.EventId));

        // A restored relayer counts anew; its events have the ids that they had.
        await back.SendAsync(new StreamFrame { Frame = "gap", From = "1:7", To = "2:0", Reason = "CURSOR_EXPIRED" });
        await back.EventAsync(1, EventType.OrderCreated, eventId: "evt_6");
        await back.EventAsync(2, EventType.OrderCreated, eventId: "evt_new");

        (await heard.TakeAsync(3)).Should().Equal("evt_6", "evt_7", "evt_new");
        (await back.AcksAsync(2)).Should().Equal([1, 2], "what was handled before is acknowledged all the same");
    }

    [Fact]
    public async Task An_inbox_that_cannot_be_written_ends_the_stream_and_nothing_is_acknowledged()
    {
        await using var server = await StreamServer.StartAsync();
        var (stream, side) = await ConnectAsync(server, inbox: new MemoryInbox { Failure = new IOException("the disk is full") });
        await using var _ = stream;
        var errors = new Recorder<StreamErrorEventArgs>();
        stream.Error += (_, error) => errors.Add(error);
        stream.OnAny(_ => Task.CompletedTask);

        await side.EventAsync(1, EventType.OrderPaid);

        (await side.ReceiveAsync()).Frame.Should().Be("closed");
        await FluentActions.Awaiting(() => stream.Completion.WaitAsync(Patience)).Should().ThrowAsync<IOException>();
        (await errors.TakeAsync(1)).Single().IsFinal.Should().BeTrue();
        stream.Cursor.Should().Be("1:0");
    }

    private static AgentClient Client(StreamServer server, TimeProvider time) =>
        new(new Config { BaseUrl = server.Address.AbsoluteUri, TimeProvider = time }, Key);

    private static async Task<(EventStream Stream, ServerSide Side)> ConnectAsync(
        StreamServer server, TimeProvider? time = null, string? after = null, int heartbeatSeconds = 30, IInboxStore? inbox = null)
    {
        using var client = Client(server, time ?? TimeProvider.System);
        var connecting = client.ConnectWebSocketAsync(after, inbox: inbox);
        var side = await server.AcceptAsync();
        await side.WelcomeAsync(heartbeatSeconds: heartbeatSeconds);
        return (await connecting.WaitAsync(Patience), side);
    }

    private sealed class MemoryInbox : IInboxStore
    {
        private readonly HashSet<string> _seen = [];

        public string? Cursor { get; private set; }

        public Exception? Failure { get; init; }

        public ValueTask<string?> GetCursorAsync(CancellationToken cancellationToken) => ValueTask.FromResult(Cursor);

        public ValueTask<bool> ContainsAsync(string eventId, CancellationToken cancellationToken) => ValueTask.FromResult(_seen.Contains(eventId));

        public ValueTask SaveAsync(string cursor, string? eventId, CancellationToken cancellationToken)
        {
            if (Failure is not null)
            {
                throw Failure;
            }

            Cursor = cursor;
            _seen.Add(eventId ?? "");
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Collects what happens and lets the test wait for it.</summary>
    private sealed class Recorder<T>
    {
        private readonly ConcurrentQueue<T> _all = new();
        private readonly Channel<bool> _added = Channel.CreateUnbounded<bool>();
        private int _awaited;

        public IReadOnlyList<T> All => [.. _all];

        public void Add(T item)
        {
            _all.Enqueue(item);
            _added.Writer.TryWrite(true);
        }

        public Task AddAsync(T item)
        {
            Add(item);
            return Task.CompletedTask;
        }

        /// <summary>All from the first on, once there are so many.</summary>
        public async Task<IReadOnlyList<T>> TakeAsync(int count)
        {
            for (; _awaited < count; _awaited++)
            {
                var added = async () => await _added.Reader.ReadAsync().AsTask().WaitAsync(Patience);
                await added.Should().NotThrowAsync($"{count} were expected, {_awaited} came: {string.Join(", ", _all)}");
            }

            return All;
        }
    }
}
