using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Events;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Monitoring;
using CapVault.Relayer.Objects;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Chain;

/// <summary>
/// Does what nobody asks for: ends what is due, deploys accounts, sweeps fees and objects, keeps the lanes and the paymaster's deposit funded, forgets what is old. Everything that it does
/// on chain anybody could do; without it money only waits.
/// </summary>
public sealed class Keeper(
    Db db,
    ChainClient chain,
    ChainContext context,
    Follower follower,
    Negotiations negotiations,
    OrderSteps steps,
    OperationQueue queue,
    PaymasterDeposit deposit,
    SponsorLedger ledger,
    ChainClock clock,
    LaneFunds funds,
    EventRetention events,
    BlockRetention blocks,
    IdempotentCalls calls,
    ObjectSweep objects,
    Leases leases,
    Draining draining,
    IOptions<RelayerOptions> options,
    TimeProvider time,
    ILogger<Keeper> log) : BackgroundService
{
    // What it does may be done twice without harm, so this only shares the work out.
    private readonly Lease _lease = leases.Of("keeper");
    private long? _lookedAtMoney;
    private long? _sweptObjects;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Has(RelayerRole.Keeper))
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                if (!await _lease.HoldAsync(stoppingToken))
                {
                    continue;
                }

                await negotiations.ExpireDueAsync(stoppingToken);
                await events.PruneAsync(stoppingToken);
                await calls.PruneAsync(stoppingToken);
                await SweepObjectsAsync(stoppingToken);
                if (follower.IsCaughtUp && !draining.IsOn)
                {
                    await db.WriteAsync(tx => ledger.ReleaseExpiredAsync(tx, clock.HeadTime), stoppingToken);
                    await steps.EndDueAsync(stoppingToken);
                    await DeployAccountsAsync(stoppingToken);
                    await LookAfterMoneyAsync(stoppingToken);
                    await blocks.PruneAsync(follower.Block, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                log.LogWarning(exception, "The keeper could not go on; trying again");
            }
        }
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await _lease.ReleaseAsync(cancellationToken);
    }

    /// <summary>Deployments are queued with their agent; this finds those that failed.</summary>
    private Task DeployAccountsAsync(CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            foreach (var agent in await tx.QueryAsync<AgentRow>("SELECT * FROM agent WHERE deployed = 0 LIMIT 20"))
            {
                await AccountBook.QueueDeploymentAsync(tx, queue, context, agent, isNew: false);
            }
        },
        cancellationToken);

    private async Task SweepObjectsAsync(CancellationToken cancellationToken)
    {
        if (IsDue(ref _sweptObjects))
        {
            await objects.RunAsync(cancellationToken);
        }
    }

    private bool IsDue(ref long? last)
    {
        if (last is { } looked && time.GetElapsedTime(looked) < TimeSpan.FromSeconds(options.Value.SweepIntervalSeconds))
        {
            return false;
        }

        last = time.GetTimestamp();
        return true;
    }

    private async Task LookAfterMoneyAsync(CancellationToken cancellationToken)
    {
        if (!IsDue(ref _lookedAtMoney))
        {
            return;
        }

        await funds.EnsureAsync(cancellationToken);
        await SweepFeesAsync(cancellationToken);
        await deposit.EnsureAsync(needed: 0, cancellationToken);
    }

    private async Task SweepFeesAsync(CancellationToken cancellationToken)
    {
        var config = await chain.QueryManyAsync<TokenConfigFunction, TokenConfigOutputDTO>(
            context.Vault, new TokenConfigFunction { Token = context.Usdc }, cancellationToken);
        if (config.AccruedFees >= options.Value.SweepMinimum)
        {
            var sweep = new SweepFeesFunction { Token = context.Usdc }.GetCallData();
            await db.WriteAsync(
                tx => queue.AddOwnAsync(tx, OperationKind.Sweep, context.Vault.HexToByteArray(), sweep, value: 0, GasLimits.Sweep), cancellationToken);
        }
    }
}
