using System.Globalization;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Monitoring;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Chain;

/// <summary>Routes about the relayer itself: configuration, status, operations, draining.</summary>
public static class RelayerApi
{
    /// <summary>Maps the routes.</summary>
    public static void MapRelayer(this RouteGroupBuilder api)
    {
        api.MapGet("/config", (HttpContext context, ChainContext chain, IOptions<RelayerOptions> options) => Envelopes.Ok(
            context,
            new RelayerConfig
            {
                ChainId = (long)chain.ChainId,
                Vault = chain.Vault,
                EntryPoint = chain.EntryPoint,
                AccountFactory = chain.AccountFactory,
                Paymaster = chain.Paymaster,
                Usdc = chain.Usdc,
                Sandbox = options.Value.Sandbox,
            })).AlsoForOwners();

        var relayer = api.MapGroup("/relayer").NeedsScope(Scopes.Admin);
        relayer.MapGet("/status", StatusAsync);

        relayer.MapGet("/ops", async (HttpContext context, OperationList operations) =>
        {
            context.Caller().RequireOperator();
            return Envelopes.Page(context, await operations.ListAsync(OperationFilter.From(context.Request), Paging.From(context.Request), context.RequestAborted));
        });

        relayer.MapGet("/ops/{userOpHash}", async (HttpContext context, OperationList operations, string userOpHash) =>
        {
            context.Caller().RequireOperator();
            var filter = new OperationFilter { UserOpHash = OperationFilter.HashOf("userOpHash", userOpHash) };
            var found = await operations.ListAsync(filter, new Paging(1, long.MaxValue, ""), context.RequestAborted);
            return Envelopes.Ok(context, found.Items is [var operation] ? operation : throw ApiException.NotFound(ErrorCodes.OperationNotFound, "operation", userOpHash));
        });

        relayer.MapPost("/drain", (HttpContext context, Draining draining, Gauges gauges, ILogger<Draining> log) => DrainAsync(context, draining, gauges, log, isOn: true))
            .AlsoWhileDraining();
        relayer.MapPost("/resume", (HttpContext context, Draining draining, Gauges gauges, ILogger<Draining> log) => DrainAsync(context, draining, gauges, log, isOn: false))
            .AlsoWhileDraining();
    }

    private static async Task<IResult> StatusAsync(
        HttpContext context,
        Db db,
        Follower follower,
        Gauges gauges,
        GasOracle gas,
        Readiness readiness,
        Draining draining,
        ChainClock clock,
        LiveConnections connections,
        PaymasterDeposit deposit,
        EventLog events)
    {
        context.Caller().RequireOperator();
        var cancellationToken = context.RequestAborted;
        var states = await db.ReadAsync(
            connection => connection.QueryAsync<(string State, long Count)>("SELECT state, count(*) FROM operation GROUP BY state"), cancellationToken);
        var bounds = await events.BoundsAsync(cancellationToken);
        var open = await gauges.OpenAsync(cancellationToken);
        var eoas = await gauges.EoasAsync(cancellationToken);
        return Envelopes.Ok(
            context,
            new RelayerStatus
            {
                Version = Gauges.Version,
                Draining = draining.IsOn,
                Checks = await readiness.CheckAsync(cancellationToken),
                Block = follower.Block,
                ChainHead = follower.ChainHead,
                ChainTime = clock.Now,
                BaseFee = gas.BaseFee.ToString(CultureInfo.InvariantCulture),
                Operations = states.ToDictionary(row => row.State, row => row.Count, StringComparer.Ordinal),
                Open = open.Count,
                OldestOpen = open.Oldest is { } oldest ? DateTimeOffset.FromUnixTimeMilliseconds(oldest) : null,
                PaymasterDeposit = (await gauges.DepositAsync(cancellationToken))?.ToString(CultureInfo.InvariantCulture),
                PaymasterPromised = GasMoney.ToWei(await db.ReadAsync(SponsorLedger.InFlightAsync, cancellationToken)).ToString(CultureInfo.InvariantCulture),
                PaymasterAlarm = deposit.Alarm,
                Lanes = eoas.ConvertAll(eoa => new LaneStatus { Address = eoa.Address, Balance = eoa.Balance?.ToString(CultureInfo.InvariantCulture), InFlight = eoa.InFlight }),
                EventHead = EventLog.Cursor(bounds.Epoch, bounds.Head),
                Streams = connections.Count,
            });
    }

    private static async Task<IResult> DrainAsync(HttpContext context, Draining draining, Gauges gauges, ILogger log, bool isOn)
    {
        context.Caller().RequireOperator();
        if (draining.IsOn != isOn)
        {
            log.LogWarning("The relayer {Change}, as the key {KeyId} asks for", isOn ? "takes no new work" : "takes new work again", context.Caller().KeyId);
            draining.IsOn = isOn;
        }

        return Envelopes.Ok(context, new DrainResult { Draining = isOn, Open = (await gauges.OpenAsync(context.RequestAborted)).Count });
    }
}
