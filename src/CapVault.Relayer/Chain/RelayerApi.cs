using System.Globalization;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Chain;

/// <summary>Routes about the relayer itself: health, configuration, status, operations.</summary>
public static class RelayerApi
{
    /// <summary>Maps <c>/health</c>, for whoever starts and watches the process; needs no key.</summary>
    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", (HttpContext context) => Envelopes.Ok(context, new { status = "live" }));
        app.MapGet("/health/ready", (HttpContext context, Follower follower) => follower.IsCaughtUp
            ? Envelopes.Ok(context, new { status = "ready", block = follower.Block })
            : throw new ApiException(503, ErrorCodes.RelayerUnavailable, $"The relayer is at block {follower.Block} of {follower.ChainHead}. Wait a moment.", retryable: true));
    }

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

        api.MapGet("/relayer/status", async (
            HttpContext context, Db db, Follower follower, ChainContext deployment, ChainClient chain, PaymasterDeposit deposit, ChainClock clock, EventLog events) =>
        {
            context.Caller().RequireOperator();
            var cancellationToken = context.RequestAborted;
            var states = await db.ReadAsync(
                connection => connection.QueryAsync<(string State, long Count)>("SELECT state, count(*) FROM operation GROUP BY state"), cancellationToken);
            var unmined = (await db.ReadAsync(
                connection => connection.QueryAsync<(byte[] Eoa, long Count)>("SELECT eoa, count(*) FROM lane_tx WHERE state IN ('SIGNED', 'ACCEPTED') GROUP BY eoa"), cancellationToken)).ToList();
            var bounds = await events.BoundsAsync(cancellationToken);
            var lanes = new List<LaneStatus>();
            foreach (var lane in deployment.Lanes)
            {
                lanes.Add(new LaneStatus
                {
                    Address = lane.Address,
                    Balance = (await chain.GetBalanceAsync(lane.Address, cancellationToken)).ToString(CultureInfo.InvariantCulture),
                    Unmined = unmined.Find(row => row.Eoa.AsSpan().SequenceEqual(lane.Eoa)).Count,
                });
            }

            return Envelopes.Ok(
                context,
                new RelayerStatus
                {
                    Block = follower.Block,
                    ChainHead = follower.ChainHead,
                    ChainTime = clock.Now,
                    Operations = states.ToDictionary(row => row.State, row => row.Count, StringComparer.Ordinal),
                    PaymasterDeposit = (await deposit.GetAsync(cancellationToken)).ToString(CultureInfo.InvariantCulture),
                    Lanes = lanes,
                    EventHead = EventLog.Cursor(bounds.Epoch, bounds.Head),
                });
        }).NeedsScope(Scopes.Admin);

        api.MapGet("/relayer/ops/{userOpHash}", async (HttpContext context, Db db, string userOpHash) =>
        {
            context.Caller().RequireOperator();
            var hash = userOpHash.Length == 66 && userOpHash.IsHex() ? userOpHash.HexToByteArray() : throw ApiException.Invalid("userOpHash", userOpHash, "0x and 64 hex digits");
            var row = await db.ReadAsync(
                    connection => connection.QueryFirstOrDefaultAsync<Operation?>("SELECT * FROM operation WHERE user_op_hash = @hash", new { hash }), context.RequestAborted)
                ?? throw ApiException.NotFound(ErrorCodes.OperationNotFound, "operation", userOpHash);
            return Envelopes.Ok(
                context,
                new OperationView
                {
                    UserOpHash = row.UserOpHash?.ToHex(true),
                    Kind = row.Kind,
                    Step = row.Step is null ? null : OrderStep.Parse(row.Step),
                    State = row.State,
                    Success = row.Success,
                    Reason = row.FailureReason,
                    TxHash = row.TxHash?.ToHex(true),
                    Attempt = row.Attempt,
                });
        }).NeedsScope(Scopes.Admin);
    }
}
