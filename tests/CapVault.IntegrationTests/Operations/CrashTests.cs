using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>The relayer is killed, again and again, while orders are on their way: what it acknowledged happens, and happens once.</summary>
public sealed class CrashTests : IAsyncLifetime
{
    private const int Kills = 6;

    private readonly int _seed = Random.Shared.Next();
    private SandboxChain _chain = null!;
    private RelayerProcess _relayer = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _relayer = await RelayerProcess.StartAsync(_chain);
    }

    public async Task DisposeAsync()
    {
        await _relayer.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task No_order_is_lost_or_doubled_by_kills_at_random_moments()
    {
        using var setup = new SetupClient(new Config { BaseUrl = _relayer.Url }, _relayer.OperatorKey);
        using var load = new OrderLoad(_chain, [_relayer], _seed);
        await load.PrepareAsync(setup);
        var random = new Random(_seed);
        await load.RunAsync(setup, async () =>
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                await Task.Delay(random.Next(100, 2500)); // the random moment, possibly before it is up
                await _relayer.KillAsync();
                _relayer.Launch();
            }

            await _relayer.ReadyAsync();
        });
    }
}
