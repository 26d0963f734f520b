using System.Globalization;
using System.Text.Json;

namespace CapVault.IntegrationTests.Faults;

/// <summary>The relayers of a campaign: what kills them, and starts them again as a supervisor would.</summary>
internal sealed class Fleet : IAsyncDisposable
{
    private const string Unnumbered = "SELECT count(*) FROM event WHERE seq IS NULL";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(300);

    private readonly SandboxChain _chain;
    private readonly FaultProxy _proxy;
    private readonly List<RelayerProcess> _relayers = [];
    private readonly Dictionary<KillPoint, (int Kills, int Hits)> _kills = [];

    private Fleet(SandboxChain chain, FaultProxy proxy) => (_chain, _proxy) = (chain, proxy);

    public IReadOnlyList<RelayerProcess> Relayers => _relayers;

    /// <summary>Per point, how often a relayer was killed for it, and how often exactly there.</summary>
    public IReadOnlyDictionary<KillPoint, (int Kills, int Hits)> Kills => _kills;

    /// <summary>How often a relayer has ended by itself.</summary>
    public int Ends { get; private set; }

    public static async Task<Fleet> StartAsync(SandboxChain chain, FaultProxy proxy, int instances)
    {
        var fleet = new Fleet(chain, proxy);
        fleet._relayers.Add(await RelayerProcess.StartAsync(chain, fleet.Arguments(0)));
        while (fleet._relayers.Count < instances)
        {
            fleet._relayers.Add(await fleet._relayers[0].StartAnotherAsync(fleet.Arguments(fleet._relayers.Count)));
        }

        return fleet;
    }

    /// <summary>Kills one at a point, or wherever it is when the point does not come; returns which one.</summary>
    public async Task<int> KillAsync(KillPoint at, int otherwise)
    {
        var started = TimeProvider.System.GetTimestamp();
        Hit? hit = at == KillPoint.Anywhere ? new Hit(otherwise, IsExact: true) : null;
        while (hit is null && TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            var sprung = new TaskCompletionSource<Hit?>(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var look = await _relayers[otherwise].LookAsync();
            _proxy.Set(at, async instance =>
            {
                try
                {
                    sprung.TrySetResult(await KillAtAsync(at, instance, look));
                }
                catch (Exception exception)
                {
                    sprung.TrySetException(exception);
                }
            });
            if (await Task.WhenAny(sprung.Task, Task.Delay(Patience)) == sprung.Task || !_proxy.Disarm())
            {
                hit = await sprung.Task;
            }
        }

        hit ??= new Hit(otherwise, IsExact: false);
        await _relayers[hit.Instance].KillAsync();
        var (kills, hits) = _kills.GetValueOrDefault(at);
        _kills[at] = (kills + 1, hits + (hit.IsExact ? 1 : 0));
        return hit.Instance;
    }

    /// <summary>Returns when all take orders; what has ended is started again.</summary>
    public async Task ReadyAsync()
    {
        foreach (var relayer in _relayers)
        {
            var (started, ready) = (TimeProvider.System.GetTimestamp(), false);
            while (!ready)
            {
                try
                {
                    await relayer.ReadyAsync();
                    ready = true;
                }
                catch (TimeoutException) when (TimeProvider.System.GetElapsedTime(started) < LongestStart)
                {
                    // A busy machine.
                }
                catch (HttpRequestException)
                {
                    Ends++;
                    await relayer.KillAsync();
                    relayer.Launch();
                }
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        for (var i = _relayers.Count - 1; i >= 0; i--)
        {
            await _relayers[i].DisposeAsync();
        }
    }

    /// <summary>The call has got to the point: kills where it is true that the relayer has, and no further. Null if it has not, and lives.</summary>
    private async Task<Hit?> KillAtAsync(KillPoint at, int instance, RelayerDatabase.Look look)
    {
        var relayer = _relayers[instance];
        switch (at)
        {
            case KillPoint.AcceptMined:
                await using (await _chain.Node.StopMiningAsync())
                {
                    var pending = (await _chain.Node.RequestAsync<JsonElement>("txpool_status")).GetProperty("pending").GetString();
                    if (Convert.ToInt32(pending, 16) == 0 || !await HoldsAsync(look, "SELECT count(*) FROM lane_tx WHERE state = 'ACCEPTED'"))
                    {
                        return null; // a block was faster
                    }

                    await relayer.KillAsync();
                    return new Hit(instance, IsExact: true);
                }

            case KillPoint.IndexedPublished:
                if (!await HoldsAsync(look, Unnumbered))
                {
                    return null; // nothing in this block is told
                }

                await relayer.KillAsync();
                return new Hit(instance, await look.CountAsync(Unnumbered) > 0);
            default:
                await relayer.KillAsync();
                return new Hit(instance, IsExact: true);
        }
    }

    // Without a pause in between: what is waited for lasts a few milliseconds.
    private static async Task<bool> HoldsAsync(RelayerDatabase.Look look, string count)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(started) < Glance)
        {
            if (await look.CountAsync(count) > 0)
            {
                return true;
            }
        }

        return false;
    }

    private string[] Arguments(int instance) =>
    [
        string.Create(CultureInfo.InvariantCulture, $"--CapVault:RpcUrl={_proxy.Url}/{instance}"),
        // One for all instances, and small intervals, so that the keeper's own transactions are among what is killed.
        $"--CapVault:MasterKey={TestKeys.Sponsor.GetPrivateKey()}",
        "--CapVault:SweepIntervalSeconds=5",
    ];

    /// <param name="Instance">Which one was killed.</param>
    /// <param name="IsExact">Whether it was where it was to be.</param>
    private sealed record Hit(int Instance, bool IsExact);
}
