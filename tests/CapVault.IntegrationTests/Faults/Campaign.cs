using System.Globalization;
using System.Numerics;
using CapVault.Sdk;

namespace CapVault.IntegrationTests.Faults;

/// <summary>What a campaign is.</summary>
/// <param name="Kills">How often a relayer is killed.</param>
/// <param name="Seed">Decides everything else.</param>
/// <param name="Instances">Relayers on one database; more than one needs PostgreSQL.</param>
internal sealed record CampaignOptions(int Kills, int Seed, int Instances = 1);

/// <summary>
/// Agents trade through a relayer that is killed again and again, on a node that cannot be trusted, on a chain that takes blocks back. In the end
/// everything is well for a while, and the <see cref="Checker"/> looks at what is left.
/// </summary>
internal sealed class Campaign : IAsyncDisposable
{
    private const int Pairs = 4;
    private const int Workers = 12;
    private const string Funds = "100000.00";

    private static readonly string[] Prices = ["1.00", "0.75", "2.50", "10.01"];
    private static readonly string[] Ended = ["INCLUDED", "FINAL", "REJECTED", "EXPIRED", "FAILED", "SUPERSEDED"];

    // As long as anything gets on, it may take its time.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly CampaignOptions _options;
    private readonly Action<string> _say;
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private readonly TemporaryFolder _folder = new();
    private readonly Ledger _ledger = new();
    private readonly List<Trader> _traders = [];
    private readonly List<Consumer> _consumers = [];
    private readonly Dictionary<string, BigInteger> _before = new(StringComparer.Ordinal);
    private Task _restarting = Task.CompletedTask;
    private SandboxChain _chain = null!;
    private FaultProxy _proxy = null!;
    private Fleet _fleet = null!;
    private SetupClient _setup = null!;

    private Campaign(CampaignOptions options, Action<string> say) => (_options, _say) = (options, say);

    /// <summary>Runs one.</summary>
    /// <param name="options">Which.</param>
    /// <param name="say">Takes a line at a time, the verdict's last.</param>
    /// <param name="keep">The folder for what the relayers say; null for none.</param>
    public static async Task<Verdict> RunAsync(CampaignOptions options, Action<string> say, string? keep = null)
    {
        await using var campaign = new Campaign(options, say);
        var verdict = await campaign.RunAsync();
        if (keep is not null)
        {
            Directory.CreateDirectory(keep);
            foreach (var (relayer, number) in campaign._fleet.Relayers.Select((relayer, number) => (relayer, number)))
            {
                await File.WriteAllTextAsync(Path.Combine(keep, string.Create(CultureInfo.InvariantCulture, $"relayer-{options.Seed}-{number}.log")), relayer.Output);
            }

            say($"what the relayers said is in {keep}");
        }

        foreach (var finding in verdict.Findings)
        {
            say($"{finding.Wrong}: {finding.What}");
        }

        say(verdict.Line(options.Seed));
        return verdict;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var consumer in _consumers)
        {
            await consumer.DisposeAsync();
        }

        foreach (var trader in _traders)
        {
            trader.Hasty.Dispose();
            trader.Party.Client.Dispose();
        }

        _setup?.Dispose();
        if (_fleet is not null)
        {
            await _fleet.DisposeAsync();
        }

        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }

        if (_chain is not null)
        {
            await _chain.DisposeAsync();
        }

        _folder.Dispose();
    }

    private async Task<Verdict> RunAsync()
    {
        var shops = await PrepareAsync();
        using var over = new CancellationTokenSource();
        using var left = new CancellationTokenSource();
        var working = Task.WhenAll(Enumerable.Range(0, Workers).Select(number => new Worker(
            string.Create(CultureInfo.InvariantCulture, $"{_options.Seed:x8}-{number:D2}"),
            [.. _traders.Take(Pairs)],
            shops,
            new Random(HashCode.Combine(_options.Seed, number)),
            _ledger).RunAsync(over.Token, left.Token)));
        var plan = Plan.Make(_options.Kills, _options.Seed, _consumers.Count, RelayerDatabase.IsPostgres, _options.Instances);
        foreach (var (episode, number) in plan.Select((episode, number) => (episode, number)))
        {
            await SufferAsync(episode, number);
            Say(string.Create(CultureInfo.InvariantCulture, $"kill {number + 1}/{plan.Count} {episode}; {Progress()}"));
        }

        await _fleet.ReadyAsync();
        await _restarting;
        await over.CancelAsync();
        var verdict = await SettleAsync(working);
        await left.CancelAsync();
        await working;
        Summarise(verdict);
        return verdict;
    }

    /* BEFORE */

    private async Task<IReadOnlyList<Shop>> PrepareAsync()
    {
        _chain = await SandboxChain.StartAsync();
        (await _chain.Node.StopMiningAsync()).Resume(); // by this process from now on, which can be paused
        _proxy = await FaultProxy.StartAsync(_chain.RpcUrl, _options.Seed);
        _fleet = await Fleet.StartAsync(_chain, _proxy, _options.Instances);
        _setup = new SetupClient(ConfigOf(0), _fleet.Relayers[0].OperatorKey);
        for (var number = 0; number < 2 * Pairs; number++)
        {
            await AddTraderAsync(number);
        }

        foreach (var requester in _traders.Take(Pairs))
        {
            await _setup.FaucetAsync(requester.Party.Wallet, Funds);
        }

        var shops = new List<Shop>();
        foreach (var (provider, price) in _traders.Skip(Pairs).Zip(Prices))
        {
            shops.Add(new Shop(provider, await _setup.CreateServiceAsync(new() { AgentId = provider.Party.AgentId, Name = "Translation", Price = price, SlaMinutes = 60 * 24 })));
        }

        // No reorganisation goes so deep that it takes the accounts away.
        var block = await _chain.BlockNumberAsync();
        await Eventually.TrueAsync(async () => await _chain.BlockNumberAsync() > block + 12, "the preparations are final");
        foreach (var holding in await HoldingsAsync())
        {
            _before[holding.Owner] = holding.After;
        }

        Say(string.Create(CultureInfo.InvariantCulture, $"seed {_options.Seed}: {_options.Kills} kills, {_options.Instances} relayer(s) on {(RelayerDatabase.IsPostgres ? "PostgreSQL" : "SQLite")}, {2 * Pairs} agents, {Workers} orders at a time"));
        return shops;
    }

    private async Task AddTraderAsync(int number)
    {
        var created = await _setup.CreateSpenderAsync(string.Create(CultureInfo.InvariantCulture, $"trader {number}"));
        var config = ConfigOf(number);
        var party = new Party(created.Agent, created.SdkKey, new AgentClient(config, created.SdkKey));
        _traders.Add(new Trader(party, new AgentClient(config with { OutcomeTimeout = TimeSpan.FromSeconds(1) }, created.SdkKey)));
        var consumer = new Consumer(party, _folder.File(string.Create(CultureInfo.InvariantCulture, $"inbox-{number}")));
        await consumer.StartAsync(CancellationToken.None);
        _consumers.Add(consumer);
    }

    private Config ConfigOf(int trader) => new() { BaseUrl = _fleet.Relayers[trader % _fleet.Relayers.Count].Url, OutcomeTimeout = TimeSpan.FromSeconds(20) };

    /* WHILE */

    private async Task SufferAsync(Episode episode, int number)
    {
        await Task.Delay(episode.Calm);
        if (episode.Consumer < _consumers.Count)
        {
            await _restarting;
            _restarting = _consumers[episode.Consumer].StartAsync(CancellationToken.None);
        }

        _proxy.Fault = episode.Node;
        // To a relayer that is down neither a full disk nor a clock is anything: it is killed while the disk is full.
        var isOfTheLiving = episode.Mishap is Mishap.DiskFull or Mishap.ClockSkew;
        if (!episode.IsMishapWhileDown || isOfTheLiving)
        {
            await HappenAsync(episode, number);
        }

        var killed = await _fleet.KillAsync(episode.Kill, number % _fleet.Relayers.Count);
        if (episode.IsMishapWhileDown && !isOfTheLiving)
        {
            await HappenAsync(episode, number);
        }

        await Task.Delay(episode.Down);
        _fleet.Relayers[killed].Launch();
        await Task.Delay(episode.Tail);
        _proxy.Fault = NodeFault.None;
        if (number % 3 != 0)
        {
            await _fleet.ReadyAsync(); // otherwise the next episode may begin before it is up
        }
    }

    private async Task HappenAsync(Episode episode, int number)
    {
        switch (episode.Mishap)
        {
            case Mishap.Reorg1:
                await TakeBackAsync("anvil_reorg", 1, Array.Empty<object>());
                break;
            case Mishap.Reorg2:
                await TakeBackAsync("anvil_reorg", 2, Array.Empty<object>());
                break;
            case Mishap.Reorg5:
                await TakeBackAsync("anvil_reorg", 5, Array.Empty<object>());
                break;
            case Mishap.Rollback:
                await TakeBackAsync("anvil_rollback", 3);
                break;
            case Mishap.DiskFull:
                await FillDiskAsync(_fleet.Relayers[0], episode.IsMishapWhileDown);
                break;
            case Mishap.DatabaseCrash:
                await (await PostgresServer.GetAsync()).CrashAsync();
                break;
            case Mishap.ClockSkew:
                // Its own clock and the chain's go ahead; those of the others, one of which is killed next, stay where they are.
                await SkewAsync((number + 1) % _fleet.Relayers.Count);
                break;
            default:
                break;
        }
    }

    private static async Task FillDiskAsync(RelayerProcess relayer, bool untilKilled)
    {
        try
        {
            await relayer.LimitFilesAsync(1);
            await Task.Delay(TimeSpan.FromMilliseconds(700));
            if (!untilKilled)
            {
                await relayer.LimitFilesAsync(null);
            }
        }
        catch (InvalidOperationException) when (relayer.IsDown)
        {
            // Ended by itself: what is started next finds the disk as it should be.
        }
    }

    private async Task TakeBackAsync(string method, params object[] parameters)
    {
        await using var mining = await _chain.Node.StopMiningAsync();
        await _chain.Node.RequestAsync<object>(method, parameters);
    }

    private async Task SkewAsync(int instance)
    {
        using var setup = new SetupClient(ConfigOf(instance), _fleet.Relayers[0].OperatorKey);
        try
        {
            await setup.AdvanceClockAsync(15);
        }
        catch (CapApiException)
        {
            // It is away, so its clock stays.
        }
    }

    /* AFTER */

    /// <summary>Waits until nothing is wrong, or nothing gets better; then a while more: what happens twice may happen late.</summary>
    private async Task<Verdict> SettleAsync(Task working)
    {
        var (began, changed, last) = (TimeProvider.System.GetTimestamp(), TimeProvider.System.GetTimestamp(), "");
        Verdict verdict;
        while (true)
        {
            await _fleet.ReadyAsync();
            verdict = Checker.Check(await HistoryAsync());
            var state = $"{Progress()}, {string.Join(' ', verdict.Findings.Select(finding => finding.What))}";
            if (state != last)
            {
                (changed, last) = (TimeProvider.System.GetTimestamp(), state);
            }

            if ((verdict.IsClean && working.IsCompleted) || TimeProvider.System.GetElapsedTime(changed) > Patience || TimeProvider.System.GetElapsedTime(began) > Limit)
            {
                break;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }

        Say(string.Create(CultureInfo.InvariantCulture, $"settled {TimeProvider.System.GetElapsedTime(began).TotalSeconds:F1} s after the last fault; {Progress()}"));
        var block = await _chain.BlockNumberAsync();
        await Eventually.TrueAsync(async () => await _chain.BlockNumberAsync() > block + 15, "everything is final");
        return Checker.Check(await HistoryAsync());
    }

    private async Task<History> HistoryAsync()
    {
        // The operator's word first: what is told later than asked is no loss.
        var live = (await _setup.GetStatusAsync()).Operations.Where(state => !Ended.Contains(state.Key, StringComparer.Ordinal)).Sum(state => state.Value);
        var (negotiations, book) = (new List<(string Key, string Id)>(), new Dictionary<string, BookEntry>(StringComparer.Ordinal));
        foreach (var requester in _traders.Take(Pairs))
        {
            negotiations.AddRange((await AllAsync(filter => requester.Party.Client.ListNegotiationsAsync(filter)))
                .Select(negotiation => (negotiation.Requirements!.Value.GetProperty("story").GetString()!, negotiation.NegotiationId)));
            foreach (var order in await AllAsync(filter => requester.Party.Client.ListOrdersAsync(filter)))
            {
                book[order.ChainOrderId] = new BookEntry(order.Status, order.Pending is not null);
            }
        }

        return new History
        {
            Stories = _ledger.Stories,
            Facts = await _chain.FactsAsync(),
            Holdings = await HoldingsAsync(),
            Inboxes = [.. _consumers.Select(consumer => consumer.ToInbox())],
            Negotiations = negotiations.ToLookup(one => one.Key, one => one.Id, StringComparer.Ordinal),
            Book = book,
            LiveOperations = live,
        };
    }

    private async Task<IReadOnlyList<Holding>> HoldingsAsync()
    {
        var holdings = new List<Holding>();
        foreach (var party in _traders.Select(trader => trader.Party))
        {
            holdings.Add(new Holding(party.AgentId, _before.GetValueOrDefault(party.AgentId), await _chain.UsdcOfAsync(party.Wallet)));
        }

        var platform = await _chain.UsdcOfAsync(_chain.Deployment.Vault) + await _chain.UsdcOfAsync(TestKeys.Treasury.GetPublicAddress());
        return [.. holdings, new Holding(Holding.Platform, _before.GetValueOrDefault(Holding.Platform), platform)];
    }

    private static async Task<List<T>> AllAsync<T>(Func<ListRequest, Task<Page<T>>> list)
    {
        var all = new List<T>();
        string? cursor = null;
        do
        {
            var page = await list(new() { Limit = 100, Cursor = cursor });
            all.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return all;
    }

    private string Progress()
    {
        var stories = _ledger.Stories;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"orders {stories.Count(story => story.Ending != Ending.Open)} of {stories.Count}, acknowledged {stories.Sum(story => story.Acknowledged.Count)}, events {_consumers.Sum(consumer => consumer.EffectCount)}");
    }

    private void Summarise(Verdict verdict)
    {
        var endings = _ledger.Stories.GroupBy(story => story.Ending).OrderBy(group => group.Key).Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Key} {group.Count()}"));
        Say($"orders: {string.Join(", ", endings)}; promises taken back with a reason {_ledger.FailedCount}; proven, orphaned, then refused by the chain, and told so {verdict.TakenBack}; relayers that ended by themselves {_fleet.Ends}");
        Say($"killed, and exactly there: {string.Join(", ", _fleet.Kills.OrderBy(kill => kill.Key).Select(kill => string.Create(CultureInfo.InvariantCulture, $"{kill.Key} {kill.Value.Kills} ({kill.Value.Hits})")))}");
        Say($"calls of the node spoilt: {string.Join(", ", _proxy.Applied.OrderBy(fault => fault.Key).Select(fault => string.Create(CultureInfo.InvariantCulture, $"{fault.Key} {fault.Value}")))}");
        Say($"answers that agents did not want: {string.Join(", ", _ledger.Refusals.OrderBy(refusal => refusal.Key, StringComparer.Ordinal).Select(refusal => string.Create(CultureInfo.InvariantCulture, $"{refusal.Key} {refusal.Value}")))}");
    }

    private void Say(string line) => _say(string.Create(CultureInfo.InvariantCulture, $"[{TimeProvider.System.GetElapsedTime(_started).TotalSeconds,6:F1} s] {line}"));
}
