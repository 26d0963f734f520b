using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Reflection;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Util;

namespace CapVault.Relayer.Monitoring;

/// <summary>An EOA that submits.</summary>
public sealed record EoaState
{
    /// <summary>0x….</summary>
    public string Address { get; init; } = "";

    /// <summary>Its transactions that are signed and not mined.</summary>
    public long InFlight { get; init; }

    /// <summary>Wei; null where the node does not say.</summary>
    public BigInteger? Balance { get; init; }
}

/// <summary>What can be read about the relayer when somebody asks. What was counted since the start is in <see cref="RelayerMetrics"/>.</summary>
public sealed class Gauges(
    Db db,
    ChainClient chain,
    Follower follower,
    GasOracle gas,
    PaymasterDeposit deposit,
    LiveConnections connections,
    Draining draining,
    Readiness readiness,
    RateLimits limits,
    TimeProvider time)
{
    /// <summary>Operations whose outcome is not known, in SQL.</summary>
    public const string IsOpen = "state IN ('RECEIVED', 'QUEUED', 'ASSIGNED', 'BROADCAST')";

    /// <summary>Of this relayer, without the commit behind it.</summary>
    public static string Version { get; } = typeof(Gauges).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>How long ago something was made; no time at all where there is nothing.</summary>
    public static TimeSpan Since(long? createdAt, TimeProvider time) =>
        createdAt is { } then && time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(then) is { Ticks: > 0 } age ? age : TimeSpan.Zero;

    /// <summary>The addresses that submit, lane 0 first, and those that no longer do. Without a node that answers, without their balances.</summary>
    public async Task<List<EoaState>> EoasAsync(CancellationToken cancellationToken)
    {
        var rows = await db.ReadAsync(
            connection => connection.QueryAsync<(byte[] Address, long InFlight)>(
                """
                SELECT e.address, count(l.lane_tx_id) FROM eoa e LEFT JOIN lane_tx l ON l.eoa = e.address AND l.state IN ('SIGNED', 'ACCEPTED')
                GROUP BY e.address, e.lane ORDER BY CASE WHEN e.lane IS NULL THEN 1 ELSE 0 END, e.lane, e.address
                """),
            cancellationToken);
        var eoas = new List<EoaState>();
        foreach (var (bytes, inFlight) in rows)
        {
            var address = AddressUtil.Current.ConvertToChecksumAddress(bytes.ToHex(true));
            eoas.Add(new() { Address = address, InFlight = inFlight, Balance = await AskAsync(chain.GetBalanceAsync(address, cancellationToken)) });
        }

        return eoas;
    }

    /// <summary>The paymaster's deposit, wei; null where the node does not say.</summary>
    public Task<BigInteger?> DepositAsync(CancellationToken cancellationToken) => AskAsync(deposit.GetAsync(cancellationToken));

    /// <summary>How many operations are open, and when the oldest was taken, unix milliseconds.</summary>
    public Task<(long Count, long? Oldest)> OpenAsync(CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QuerySingleAsync<(long, long?)>($"SELECT count(*), min(created_at) FROM operation WHERE {IsOpen}"), cancellationToken);

    /// <summary>Writes everything. What cannot be read now is left out.</summary>
    public async Task WriteAsync(PrometheusText text, CancellationToken cancellationToken)
    {
        WriteProcess(text);
        WriteChain(text);
        foreach (var check in await readiness.CheckAsync(cancellationToken))
        {
            Gauge(text, "capvault_ready", "Whether /health/ready finds this in order, 1 or 0.", check.Ok ? 1 : 0, ("check", check.Name));
        }

        Gauge(text, "capvault_draining", "Whether new work is refused, 1 or 0.", draining.IsOn ? 1 : 0);
        Gauge(text, "capvault_streams", "Streams that are open: WebSocket, SSE, waiting long-polls.", connections.Count);
        Gauge(text, "capvault_callers", "Callers whose budget of requests is remembered: those of late, and some before.", limits.Callers);
        Gauge(text, "capvault_db_queue", "Writes that are asked for and not committed yet.", db.Queued);
        await WriteDatabaseAsync(text, cancellationToken);
        await WriteMoneyAsync(text, cancellationToken);
    }

    private static void WriteProcess(PrometheusText text)
    {
        using var process = Process.GetCurrentProcess();
        Gauge(text, "capvault_build_info", "1, with the version.", 1, ("version", Version));
        Gauge(text, "process_resident_memory_bytes", "Memory of the process.", process.WorkingSet64);
        Gauge(text, "process_start_time_seconds", "When the process started, unix seconds.", new DateTimeOffset(process.StartTime).ToUnixTimeSeconds());
        text.Header("process_cpu_seconds_total", "counter", "Processor time of the process.");
        text.Sample("process_cpu_seconds_total", "", process.TotalProcessorTime.TotalSeconds);
    }

    private void WriteChain(PrometheusText text)
    {
        Gauge(text, "capvault_node_up", "Whether the node answered as it should when last asked, 1 or 0.", follower.Failure is null ? 1 : 0);
        Gauge(text, "capvault_chain_head_block", "The node's newest block.", follower.ChainHead);
        Gauge(text, "capvault_chain_head_age_seconds", "How long the node's newest block has been the newest.", follower.HeadAge.TotalSeconds);
        Gauge(text, "capvault_follower_block", "The last block that was applied.", follower.Block);
        Gauge(text, "capvault_follower_lag_seconds", "How long ago everything that the node had was applied.", follower.Lag.TotalSeconds);
        Gauge(text, "capvault_base_fee_wei", "Base fee of the newest block, per gas.", (double)gas.BaseFee);
    }

    private async Task WriteDatabaseAsync(PrometheusText text, CancellationToken cancellationToken)
    {
        var operations = await db.ReadAsync(
            connection => connection.QueryAsync<(string Kind, string State, long Count)>(
                """
                SELECT kind, state, count(*) FROM operation WHERE state IN ('RECEIVED', 'QUEUED', 'ASSIGNED', 'BROADCAST', 'INCLUDED')
                GROUP BY kind, state ORDER BY kind, state
                """),
            cancellationToken);
        text.Header("capvault_operations", "gauge", "Operations that are not final, by kind and state.");
        foreach (var (kind, state, count) in operations)
        {
            Gauge(text, "capvault_operations", "", count, ("kind", kind), ("state", state));
        }

        var events = await db.ReadAsync(
            connection => connection.QuerySingleAsync<(long Head, long Waiting, long? Oldest)>(
                """
                SELECT (SELECT seq FROM event_head), (SELECT count(*) FROM event WHERE seq IS NULL), (SELECT min(created_at) FROM event WHERE seq IS NULL)
                """),
            cancellationToken);
        Gauge(text, "capvault_event_head", "Number of the newest event.", events.Head);
        Gauge(text, "capvault_events_unnumbered", "Events that are committed and not told yet.", events.Waiting);
        var open = await OpenAsync(cancellationToken);
        Gauge(text, "capvault_oldest_due_seconds", "How long the oldest row has been waiting.", Since(open.Oldest, time).TotalSeconds, ("of", "operation"));
        Gauge(text, "capvault_oldest_due_seconds", "", Since(events.Oldest, time).TotalSeconds, ("of", "event"));
    }

    private async Task WriteMoneyAsync(PrometheusText text, CancellationToken cancellationToken)
    {
        var eoas = await EoasAsync(cancellationToken);
        text.Header("capvault_lane_in_flight", "gauge", "Transactions of an EOA that are signed and not mined.");
        eoas.ForEach(eoa => Gauge(text, "capvault_lane_in_flight", "", eoa.InFlight, ("eoa", eoa.Address)));
        text.Header("capvault_lane_balance_wei", "gauge", "ETH of an EOA.");
        foreach (var eoa in eoas.Where(eoa => eoa.Balance is not null))
        {
            Gauge(text, "capvault_lane_balance_wei", "", (double)eoa.Balance!.Value, ("eoa", eoa.Address));
        }

        text.Header("capvault_paymaster_deposit_wei", "gauge", "ETH of the paymaster at the EntryPoint.");
        if (await DepositAsync(cancellationToken) is { } wei)
        {
            Gauge(text, "capvault_paymaster_deposit_wei", "", (double)wei);
        }
    }

    private static void Gauge(PrometheusText text, string name, string help, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        text.Header(name, "gauge", help);
        var tags = new KeyValuePair<string, object?>[labels.Length];
        for (var label = 0; label < labels.Length; label++)
        {
            tags[label] = new(labels[label].Name, labels[label].Value);
        }

        text.Sample(name, PrometheusText.LabelsOf(tags), value);
    }

    private static async Task<BigInteger?> AskAsync(Task<BigInteger> answer)
    {
        try
        {
            return await answer.WaitAsync(Patience);
        }
        catch (Exception exception) when (exception is RpcClientUnknownException or RpcClientTimeoutException or RpcResponseException or HttpRequestException or TimeoutException)
        {
            return null;
        }
    }
}
