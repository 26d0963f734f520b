using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Data.Sqlite;

namespace CapVault.Tests.Relayer;

public sealed class DbTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("capvault-db-").FullName;
    private Db _db = null!;

    public async Task InitializeAsync() => _db = await SqliteDb.OpenAsync(_directory, default);

    public async Task DisposeAsync()
    {
        await _db.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

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
    public async Task A_second_process_is_refused_and_told_who_has_the_database()
    {
        var second = () => SqliteDb.OpenAsync(_directory, default);
        (await second.Should().ThrowAsync<InvalidOperationException>()).WithMessage($"*in use by process {Environment.ProcessId}*");
    }

    [Fact]
    public async Task What_was_committed_is_there_after_reopening()
    {
        await _db.WriteAsync(tx => AddAsync(tx, 7), default);
        await _db.DisposeAsync();
        _db = await SqliteDb.OpenAsync(_directory, default);
        (await NumbersAsync()).Should().Equal(7);
    }

    [Fact]
    public async Task A_schema_of_a_newer_relayer_is_refused()
    {
        await _db.WriteAsync(tx => tx.ExecuteAsync("INSERT INTO migration VALUES (9999, '9999_later', x'00')"), default);
        await ReopenShouldFailAsync("*9999_later*newer relayer*");
    }

    [Fact]
    public async Task A_migration_that_was_altered_after_it_was_applied_is_refused()
    {
        await _db.WriteAsync(tx => tx.ExecuteAsync("UPDATE migration SET checksum = x'00' WHERE number = 1"), default);
        await ReopenShouldFailAsync("*0001_initial was altered*");
    }

    private async Task ReopenShouldFailAsync(string message)
    {
        await _db.DisposeAsync();
        var reopen = () => SqliteDb.OpenAsync(_directory, default);
        (await reopen.Should().ThrowAsync<InvalidOperationException>()).WithMessage(message);
    }

    private static Task<int> AddAsync(Tx tx, int number) => tx.ExecuteAsync("INSERT INTO eoa (address, next_nonce) VALUES (@address, @number)", new { address = BitConverter.GetBytes(number), number });

    private Task<List<int>> NumbersAsync() => _db.ReadAsync(async connection => (await connection.QueryAsync<int>("SELECT next_nonce FROM eoa")).AsList(), default);
}
