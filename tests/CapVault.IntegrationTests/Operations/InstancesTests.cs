using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;

namespace CapVault.IntegrationTests;

/// <summary>Three relayers on one PostgreSQL carry one load, and one of them is killed: it is as if there were one that nobody can kill.</summary>
public sealed class InstancesTests : IAsyncLifetime
{
    private const string MasterKey = "MasterKey=0x5555555555555555555555555555555555555555555555555555555555555555";

    private readonly int _seed = Random.Shared.Next();
    private readonly List<RelayerProcess> _relayers = [];
    private SandboxChain _chain = null!;
    private PostgresServer _server = null!;
    private string _database = null!;
    private PgBouncer? _pooler;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.GetAsync();
        _database = await _server.CreateDatabaseAsync();
        _chain = await SandboxChain.StartAsync();
    }

    public async Task DisposeAsync()
    {
        foreach (var relayer in _relayers)
        {
            await relayer.DisposeAsync();
        }

        await (_pooler?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _server.DropDatabaseAsync(_database);
        await _chain.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Three_relayers_carry_one_load_and_the_one_that_does_most_is_killed(bool pooled)
    {
        _pooler = pooled ? await PgBouncer.StartAsync(_server) : null;
        for (var i = 0; i < 3; i++)
        {
            _relayers.Add(await RelayerProcess.StartAsync(_chain, $"--CapVault:Database={_pooler?.To(_database) ?? _database}", $"--CapVault:{MasterKey}"));
        }

        using var setup = new SetupClient(new Config { BaseUrl = _relayers[^1].Url }, _relayers[0].OperatorKey);
        using var load = new OrderLoad(_chain, _relayers, _seed);
        await load.PrepareAsync(setup);
        await using var db = await PostgresDb.OpenAsync(_database, default);
        await Eventually.TrueAsync(async () => await OwnersAsync(db, "lane:%") == 3, "each has lanes of its own");

        // The first one came first: it follows the chain, and keeps.
        var completed = await load.RunAsync(setup, async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3));
            await _relayers[0].KillAsync();
            await Eventually.TrueAsync(async () => await OwnersAsync(db, "lane:%") == 2 && await OwnersAsync(db, "follower") == 1, () => "the others have taken over");
            await Task.Delay(TimeSpan.FromSeconds(3));
        });

        completed.Should().BeGreaterThan(0);
        (await db.ReadAsync(
            connection => connection.QuerySingleAsync<(long, long, long)>("SELECT count(seq), max(seq), (SELECT seq FROM event_head) FROM event"), default)).Should().Match<(long, long, long)>(
                events => events.Item1 == events.Item2 && events.Item2 == events.Item3, $"the log has no gap (seed {_seed})");
    }

    private static Task<long> OwnersAsync(Db db, string name) => db.ReadAsync(
        connection => connection.ExecuteScalarAsync<long>($"SELECT count(DISTINCT owner) FROM lease WHERE name LIKE @name AND until > {db.Now}", new { name }), default);
}
