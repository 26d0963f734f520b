using System.Globalization;
using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace CapVault.IntegrationTests;

/// <summary>What the relayer counts on, of every database that it runs on.</summary>
public abstract class DatabaseTests : IAsyncLifetime
{
    private Db _db = null!;

    /// <summary>Opens the same database each time.</summary>
    protected abstract Task<Db> OpenAsync();

    public async Task InitializeAsync() => _db = await OpenAsync();

    public virtual async Task DisposeAsync() => await _db.DisposeAsync();

    [Fact]
    public async Task Work_that_throws_leaves_nothing_behind_and_harms_no_other_work_of_its_group()
    {
        var works = Enumerable.Range(0, 50).Select(number => _db.WriteAsync(
            async tx =>
            {
                await AddAsync(tx, number);
                return number % 5 == 0 ? throw new InvalidOperationException($"work {number}") : number;
            },
            default)).ToList();

        foreach (var (work, number) in works.Select((work, number) => (work, number)))
        {
            if (number % 5 == 0)
            {
                (await FluentActions.Awaiting(() => work).Should().ThrowAsync<InvalidOperationException>()).WithMessage($"work {number}");
            }
            else
            {
                (await work).Should().Be(number);
            }
        }

        (await NumbersAsync()).Should().BeEquivalentTo(Enumerable.Range(0, 50).Where(number => number % 5 != 0));
    }

    [Fact]
    public async Task A_statement_that_fails_takes_its_whole_work_along_and_the_next_goes_on()
    {
        await _db.WriteAsync(tx => AddAsync(tx, 1), default);
        var twice = () => _db.WriteAsync(
            async tx =>
            {
                await AddAsync(tx, 2);
                await AddAsync(tx, 1);
            },
            default);

        await twice.Should().ThrowAsync<System.Data.Common.DbException>();

        await _db.WriteAsync(tx => AddAsync(tx, 3), default);
        (await NumbersAsync()).Should().BeEquivalentTo([1, 3]);
    }

    [Fact]
    public async Task Wake_ups_run_after_the_commit_and_not_without_one()
    {
        var woken = new List<string>();
        await _db.WriteAsync(
            async tx =>
            {
                await AddAsync(tx, 1);
                tx.OnCommitted(() => woken.Add("committed"));
            },
            default);
        await FluentActions.Awaiting(() => _db.WriteAsync(
            tx =>
            {
                tx.OnCommitted(() => woken.Add("failed"));
                throw new InvalidOperationException();
            },
            default)).Should().ThrowAsync<InvalidOperationException>();
        await _db.WriteAsync(tx => Task.CompletedTask, default);

        woken.Should().Equal("committed");
    }

    [Fact]
    public async Task Work_that_was_cancelled_before_it_started_is_not_done()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await FluentActions.Awaiting(() => _db.WriteAsync(tx => AddAsync(tx, 1), cancelled.Token)).Should().ThrowAsync<OperationCanceledException>();
        (await NumbersAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task What_was_committed_is_there_after_reopening()
    {
        await _db.WriteAsync(tx => AddAsync(tx, 7), default);
        await ReopenAsync();
        (await NumbersAsync()).Should().Equal(7);
    }

    [Fact]
    public async Task Amounts_hashes_and_texts_come_back_as_they_went()
    {
        const string amount = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        const string text = "grüße 🙂 'quoted' \"twice\" \\ % _ @name {0}";
        var hash = Enumerable.Range(0, 32).Select(number => (byte)(number * 8)).ToArray();
        await _db.WriteAsync(
            tx => tx.ExecuteAsync(
                """
                INSERT INTO operation (kind, state, live, order_id, call_data, target, value, gas_limit, failure_reason, created_at, updated_at)
                VALUES ('own', 'QUEUED', 1, @hash, @empty, NULL, @amount, @most, @text, @least, 0)
                """,
                new { hash, empty = Array.Empty<byte>(), amount, most = long.MaxValue, text, least = long.MinValue }),
            default);

        var row = await _db.ReadAsync(
            connection => connection.QuerySingleAsync<Relayer.Operations.Operation>("SELECT * FROM operation WHERE order_id = @hash", new { hash }), default);

        row.Should().BeEquivalentTo(new
        {
            OrderId = hash,
            CallData = Array.Empty<byte>(),
            Target = (byte[]?)null,
            Value = amount,
            GasLimit = long.MaxValue,
            FailureReason = text,
            CreatedAt = long.MinValue,
            Live = true,
        });
    }

    [Fact]
    public async Task A_NUL_in_a_text_harms_nobody()
    {
        var order = new byte[32];
        await _db.WriteAsync(
            tx => tx.ExecuteAsync(
                """
                INSERT INTO operation (kind, state, live, order_id, call_data, value, gas_limit, failure_reason, created_at, updated_at)
                VALUES ('own', 'FAILED', 0, @order, @order, '0', 0, @reason, 0, 0)
                """,
                new { order, reason = "reverted: a\0b" }),
            default);
        (await _db.ReadAsync(connection => connection.QueryAsync<string>("SELECT kind FROM operation WHERE failure_reason LIKE 'reverted: a%'"), default)).Should().ContainSingle();
        (await _db.ReadAsync(connection => connection.QueryAsync<string>("SELECT kind FROM operation WHERE kind = @kind", new { kind = "ow\0n" }), default)).Should().BeEmpty();
    }

    [Fact]
    public async Task Conditions_are_true_or_false_and_so_are_flags()
    {
        await _db.WriteAsync(tx => AddAsync(tx, 1), default);
        var flag = true;
        (await _db.WriteAsync(tx => tx.SingleAsync<bool>("SELECT EXISTS (SELECT 1 FROM eoa WHERE next_nonce = @flag)", new { flag }), default)).Should().BeTrue();
        (await _db.WriteAsync(tx => tx.SingleAsync<bool>("SELECT count(*) FROM eoa WHERE next_nonce > 1"), default)).Should().BeFalse();
    }

    [Fact]
    public async Task Lists_of_any_length_are_looked_for()
    {
        await _db.WriteAsync(
            async tx =>
            {
                await AddAsync(tx, 1);
                await AddAsync(tx, 2);
                await AddAsync(tx, 3);
            },
            default);
        (await ThoseAsync([])).Should().BeEmpty();
        (await ThoseAsync([2])).Should().Equal(2);
        (await ThoseAsync([1, 3, 9])).Should().BeEquivalentTo([1, 3]);

        Task<List<int>> ThoseAsync(int[] numbers)
        {
            var addresses = numbers.Select(BitConverter.GetBytes);
            return _db.ReadAsync(async connection => (await connection.QueryAsync<int>("SELECT next_nonce FROM eoa WHERE address IN @addresses", new { addresses })).AsList(), default);
        }
    }

    [Fact]
    public async Task Texts_are_ordered_by_their_bytes()
    {
        string[] ids = ["B", "_", "a", "A", "é", "0"];
        await _db.WriteAsync(
            async tx =>
            {
                foreach (var tag in ids)
                {
                    await tx.ExecuteAsync("INSERT INTO service_tag (tag, service_id) VALUES (@tag, 'svc_1')", new { tag });
                }
            },
            default);
        (await _db.ReadAsync(connection => connection.QueryAsync<string>("SELECT tag FROM service_tag ORDER BY tag"), default)).Should().Equal("0", "A", "B", "_", "a", "é");
    }

    [Fact]
    public async Task Of_two_with_the_same_name_one_is_refused()
    {
        const string live = "INSERT INTO operation (kind, state, live, order_id, step, call_data, value, gas_limit, created_at, updated_at) VALUES ('user_op', 'QUEUED', @live, @order, 'pay', @order, '0', 0, 0, 0)";
        var order = new byte[32];
        await _db.WriteAsync(tx => tx.ExecuteAsync(live, new { live = 1, order }), default);
        await FluentActions.Awaiting(() => _db.WriteAsync(tx => tx.ExecuteAsync(live, new { live = 1, order }), default)).Should().ThrowAsync<System.Data.Common.DbException>();
        await _db.WriteAsync(tx => tx.ExecuteAsync(live, new { live = 0, order }), default);
    }

    [Fact]
    public async Task Who_locks_a_subject_decides_alone()
    {
        const int room = 5;
        await _db.WriteAsync(tx => AddAsync(tx, 0), default);
        await Parallel.ForAsync(0, 40, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (_, cancellationToken) => await _db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync("subject");
                var taken = await tx.SingleAsync<int>("SELECT next_nonce FROM eoa");
                if (taken < room)
                {
                    await tx.ExecuteAsync("UPDATE eoa SET next_nonce = @next", new { next = taken + 1 });
                }
            },
            cancellationToken));
        (await NumbersAsync()).Should().Equal(room);
    }

    [Fact]
    public async Task What_is_posted_happens_in_its_place_and_fails_its_work()
    {
        var seen = await _db.WriteAsync(
            async tx =>
            {
                await PostAsync(tx, 1);
                await PostAsync(tx, 2);
                var both = await tx.QueryAsync<int>("SELECT next_nonce FROM eoa ORDER BY next_nonce");
                await PostAsync(tx, 3);
                var changed = await tx.ExecuteAsync("UPDATE eoa SET next_nonce = next_nonce + 10 WHERE next_nonce <> 2");
                await PostAsync(tx, 4);
                var first = await tx.FirstOrDefaultAsync<int>("SELECT next_nonce FROM eoa ORDER BY next_nonce DESC");
                await PostAsync(tx, 5);
                return (both, changed, first);
            },
            default);
        await FluentActions.Awaiting(() => _db.WriteAsync(tx => PostAsync(tx, 5), default)).Should().ThrowAsync<System.Data.Common.DbException>("there is one with this address");
        await FluentActions.Awaiting(() => _db.WriteAsync(
            async tx =>
            {
                await PostAsync(tx, 6);
                await PostAsync(tx, 5);
                await tx.QueryAsync<int>("SELECT next_nonce FROM eoa");
            },
            default)).Should().ThrowAsync<System.Data.Common.DbException>();

        seen.both.Should().Equal(1, 2);
        seen.changed.Should().Be(2);
        seen.first.Should().Be(13);
        (await NumbersAsync()).Should().Equal(2, 4, 5, 11, 13);

        static Task PostAsync(Tx tx, int number) => tx.PostAsync("INSERT INTO eoa (address, next_nonce) VALUES (@address, @number)", new { address = BitConverter.GetBytes(number), number });
    }

    [Fact]
    public async Task A_lease_has_one_holder_and_who_lost_it_writes_nothing()
    {
        var (first, second) = (new Leases(_db, TimeProvider.System).Of("lane"), new Leases(_db, TimeProvider.System).Of("lane"));
        (await first.HoldAsync(default)).Should().BeTrue();
        (await second.HoldAsync(default)).Should().BeFalse();
        await WriteAsync(first, 1);
        await FluentActions.Awaiting(() => WriteAsync(second, 2)).Should().ThrowAsync<LeaseLostException>();

        // As if the first had been silent for too long; it does not know.
        await _db.WriteAsync(tx => tx.ExecuteAsync("UPDATE lease SET until = 0"), default);
        var successor = new Leases(_db, TimeProvider.System).Of("lane");
        (await successor.HoldAsync(default)).Should().BeTrue();
        successor.Epoch.Should().Be(first.Epoch + 1);
        await FluentActions.Awaiting(() => WriteAsync(first, 3)).Should().ThrowAsync<LeaseLostException>();
        await WriteAsync(successor, 4);
        (await first.HoldAsync(default)).Should().BeFalse();

        await successor.ReleaseAsync(default);
        var third = new Leases(_db, TimeProvider.System).Of("lane");
        (await third.HoldAsync(default)).Should().BeTrue("nobody waits for what was given back");
        (await NumbersAsync()).Should().Equal(1, 4);

        Task WriteAsync(Lease lease, int number) => _db.WriteAsync(
            async tx =>
            {
                await lease.RequireAsync(tx);
                await AddAsync(tx, number);
            },
            default);
    }

    [Fact]
    public async Task Of_many_that_want_a_lease_at_once_one_gets_it()
    {
        var wanting = Enumerable.Range(0, 12).Select(_ => new Leases(_db, TimeProvider.System).Of("lane")).ToList();
        var held = await Task.WhenAll(wanting.Select(lease => Task.Run(() => lease.HoldAsync(default))));
        held.Count(isHeld => isHeld).Should().Be(1);
    }

    [Fact]
    public async Task Locks_that_are_taken_crosswise_hold_nobody_up()
    {
        byte[][] subjects = [[1], [2], [3]];
        await Parallel.ForAsync(0, 30, new ParallelOptions { MaxDegreeOfParallelism = 10 }, async (number, cancellationToken) => await _db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(number % 2 == 0 ? subjects : [.. subjects.Reverse()]);
                await AddAsync(tx, number);
            },
            cancellationToken));
        (await NumbersAsync()).Should().HaveCount(30);
    }

    [Fact]
    public async Task Two_workers_never_claim_the_same()
    {
        const int count = 200;
        await _db.WriteAsync(
            async tx =>
            {
                for (var number = 0; number < count; number++)
                {
                    await tx.ExecuteAsync(
                        "INSERT INTO operation (kind, state, live, call_data, target, value, gas_limit, created_at, updated_at) VALUES ('sweep', 'QUEUED', 1, @data, @data, '0', 0, 0, 0)",
                        new { data = BitConverter.GetBytes(number) });
                }
            },
            default);

        var claimed = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var mine = new List<long>();
            List<long> batch;
            do
            {
                batch = await _db.WriteAsync(
                    async tx =>
                    {
                        var ids = await tx.QueryAsync<long>("SELECT operation_id FROM operation WHERE state = 'QUEUED' ORDER BY operation_id LIMIT 7");
                        return await tx.QueryAsync<long>("UPDATE operation SET state = 'ASSIGNED' WHERE operation_id IN @ids AND state = 'QUEUED' RETURNING operation_id", new { ids });
                    },
                    default);
                mine.AddRange(batch);
            }
            while (batch.Count > 0 || await _db.ReadAsync(connection => connection.ExecuteScalarAsync<long>("SELECT count(*) FROM operation WHERE state = 'QUEUED'"), default) > 0);
            return mine;
        })));

        claimed.SelectMany(ids => ids).Should().HaveCount(count).And.OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task Events_of_many_writers_are_numbered_without_a_gap_and_no_reader_skips_one()
    {
        const int count = 300;
        var events = new EventLog(_db, TimeProvider.System);
        var sequencers = Enumerable.Range(0, 3).Select(_ => new Sequencer(_db, events, new EventFeed(events), NullLogger<Sequencer>.Instance)).ToList();
        foreach (var sequencer in sequencers)
        {
            await sequencer.StartAsync(default);
        }

        var reading = ReadAsync(events, count);
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (number, cancellationToken) => await _db.WriteAsync(
            tx => events.AddAsync(tx, EventOf(number)), cancellationToken));
        var read = await reading;
        foreach (var sequencer in sequencers)
        {
            await sequencer.StopAsync(default);
        }

        read.Should().Equal(Enumerable.Range(1, count).Select(number => (long)number));
        (await events.BoundsAsync(default)).Head.Should().Be(count);
    }

    [Fact]
    public async Task A_schema_of_a_newer_relayer_is_refused()
    {
        await _db.WriteAsync(tx => tx.ExecuteAsync("INSERT INTO migration (number, name, checksum) VALUES (9999, '9999_later', @none)", new { none = new byte[1] }), default);
        await ReopenShouldFailAsync("*9999_later*newer relayer*");
    }

    [Fact]
    public async Task A_migration_that_was_altered_after_it_was_applied_is_refused()
    {
        await _db.WriteAsync(tx => tx.ExecuteAsync("UPDATE migration SET checksum = @none WHERE number = 1", new { none = new byte[1] }), default);
        await ReopenShouldFailAsync("*0001_initial was altered*");
    }

    [Fact]
    public async Task A_migration_of_a_branch_that_this_relayer_does_not_have_is_refused()
    {
        await _db.WriteAsync(tx => tx.ExecuteAsync("UPDATE migration SET number = 11, name = '0011_other' WHERE number = 12"), default);
        await ReopenShouldFailAsync("*0011_other*");
    }

    protected static Task<int> AddAsync(Tx tx, int number) =>
        tx.ExecuteAsync("INSERT INTO eoa (address, next_nonce) VALUES (@address, @number)", new { address = BitConverter.GetBytes(number), number });

    protected Db Database => _db;

    protected Task<List<int>> NumbersAsync() =>
        _db.ReadAsync(async connection => (await connection.QueryAsync<int>("SELECT next_nonce FROM eoa ORDER BY next_nonce")).AsList(), default);

    private static CapEvent EventOf(int number) => new()
    {
        Seq = 0,
        Cursor = "",
        EventId = string.Create(CultureInfo.InvariantCulture, $"evt_{number}"),
        Type = EventType.OrderCreated,
        Aliases = [],
        OccurredAt = DateTimeOffset.UnixEpoch,
    };

    private static async Task<List<long>> ReadAsync(EventLog events, int count)
    {
        var read = new List<long>();
        var reader = new EventReader(null, All: true);
        await Eventually.TrueAsync(
            async () =>
            {
                read.AddRange((await events.ReadAsync(reader, read.Count == 0 ? 0 : read[^1], limit: 20, default)).Select(row => row.Seq));
                return read.Count >= count;
            },
            () => $"{count} events are read; there are {read.Count}");
        return read;
    }

    private async Task ReopenAsync()
    {
        await _db.DisposeAsync();
        _db = await OpenAsync();
    }

    private async Task ReopenShouldFailAsync(string message)
    {
        (await FluentActions.Awaiting(ReopenAsync).Should().ThrowAsync<InvalidOperationException>()).WithMessage(message);
    }
}

/// <summary>SQLite, and what only it must.</summary>
public sealed class SqliteTests : DatabaseTests
{
    private readonly TemporaryFolder _folder = new();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_second_process_is_refused_and_told_who_has_the_database()
    {
        var second = () => SqliteDb.OpenAsync(_folder.Path, default);
        (await second.Should().ThrowAsync<InvalidOperationException>()).WithMessage($"*in use by process {Environment.ProcessId}*");
    }

    protected override async Task<Db> OpenAsync() => await SqliteDb.OpenAsync(_folder.Path, default);
}

/// <summary>PostgreSQL, and what only it must.</summary>
public sealed class PostgresTests : DatabaseTests
{
    private string? _database;

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        await (await PostgresServer.GetAsync()).DropDatabaseAsync(_database!);
    }

    [Fact]
    public async Task Work_that_the_database_undoes_for_its_order_is_done_again()
    {
        var runs = 0;
        await Database.WriteAsync(tx => AddAsync(tx, 0), default);
        await Database.WriteAsync(
            async tx =>
            {
                runs++;
                await tx.ExecuteAsync("UPDATE eoa SET next_nonce = next_nonce + 1");
                if (runs < 3)
                {
                    await tx.ExecuteAsync($"DO $$ BEGIN RAISE EXCEPTION 'undone' USING ERRCODE = '{(runs == 1 ? PostgresErrorCodes.SerializationFailure : PostgresErrorCodes.DeadlockDetected)}'; END $$");
                }
            },
            default);

        runs.Should().Be(3);
        (await NumbersAsync()).Should().Equal(1);
    }

    [Fact]
    public async Task Two_that_wait_for_each_other_both_get_done()
    {
        await Database.WriteAsync(
            async tx =>
            {
                await AddAsync(tx, 0);
                await AddAsync(tx, 10);
            },
            default);
        using var both = new Barrier(2);
        var met = false;
        await Task.WhenAll(RaiseAsync([0, 10]), RaiseAsync([10, 0]));
        (await NumbersAsync()).Should().Equal(2, 12);

        Task RaiseAsync(int[] order) => Task.Run(() => Database.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync("UPDATE eoa SET next_nonce = next_nonce + 1 WHERE address = @address", new { address = BitConverter.GetBytes(order[0]) });
                if (!met)
                {
                    both.SignalAndWait();
                    met = true;
                }

                await tx.ExecuteAsync("UPDATE eoa SET next_nonce = next_nonce + 1 WHERE address = @address", new { address = BitConverter.GetBytes(order[1]) });
            },
            default));
    }

    [Fact]
    public async Task Several_processes_that_start_at_once_on_an_empty_database_all_find_its_schema()
    {
        var server = await PostgresServer.GetAsync();
        var empty = await server.CreateDatabaseAsync();
        var opened = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => PostgresDb.OpenAsync(empty, default)));
        foreach (var db in opened)
        {
            await db.DisposeAsync();
        }

        await server.DropDatabaseAsync(empty);
    }

    [Theory]
    [InlineData("Hots=here", "*Database:*Host=*")]
    [InlineData("Host=/nowhere/at/all;Username=somebody;Password=hunter2;Database=x", "*Database:*/nowhere/at/all*")]
    public async Task What_is_no_database_is_said_without_its_password(string connectionString, string message)
    {
        var open = () => PostgresDb.OpenAsync(connectionString, default);
        (await open.Should().ThrowAsync<InvalidOperationException>()).WithMessage(message).Which.Message.Should().NotContain("hunter2");
    }

    protected override async Task<Db> OpenAsync() => await PostgresDb.OpenAsync(_database ??= await (await PostgresServer.GetAsync()).CreateDatabaseAsync(), default);
}
