using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Chain;

/// <summary>
/// Does what nobody asks for: ends what is due, deploys accounts, sweeps fees, keeps the paymaster's deposit up. Everything that it does
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
    IOptions<RelayerOptions> options,
    TimeProvider time,
    ILogger<Keeper> log) : BackgroundService
{
    private long? _lookedAtMoney;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Keeper)
        {
            return;
        }

        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await negotiations.ExpireDueAsync(stoppingToken);
                if (follower.IsCaughtUp)
                {
                    await steps.ExpireDueAsync(stoppingToken);
                    await DeployAccountsAsync(stoppingToken);
                    await LookAfterMoneyAsync(stoppingToken);
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

    /// <summary>Deployments are queued with their agent; this finds those that failed.</summary>
    private Task DeployAccountsAsync(CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            foreach (var agent in await tx.QueryAsync<AgentRow>("SELECT * FROM agent WHERE deployed = 0 LIMIT 20"))
            {
                await AccountBook.QueueDeploymentAsync(tx, queue, context, agent);
            }
        },
        cancellationToken);

    private async Task LookAfterMoneyAsync(CancellationToken cancellationToken)
    {
        if (_lookedAtMoney is { } looked && time.GetElapsedTime(looked) < TimeSpan.FromSeconds(options.Value.SweepIntervalSeconds))
        {
            return;
        }

        _lookedAtMoney = time.GetTimestamp();
        await SweepFeesAsync(cancellationToken);
        await TopUpAsync(cancellationToken);
    }

    private async Task SweepFeesAsync(CancellationToken cancellationToken)
    {
        var config = await chain.QueryManyAsync<TokenConfigFunction, TokenConfigOutputDTO>(
            context.Vault, new TokenConfigFunction { Token = context.Usdc }, cancellationToken);
        if (config.AccruedFees >= options.Value.SweepMinimum)
        {
            await QueueAsync(OperationKind.Sweep, context.Vault, new SweepFeesFunction { Token = context.Usdc }.GetCallData(), 0, GasLimits.Sweep, cancellationToken);
        }
    }

    private async Task TopUpAsync(CancellationToken cancellationToken)
    {
        BigInteger minimum = options.Value.MinimumDeposit;
        var deposit = await chain.QueryAsync<BalanceOfFunction, BigInteger>(context.EntryPoint, new BalanceOfFunction { Account = context.Paymaster }, cancellationToken);
        if (deposit >= minimum)
        {
            return;
        }

        log.LogWarning("The paymaster's deposit is {Deposit} wei, expected at least {Minimum}: topping it up", deposit, minimum);
        await QueueAsync(
            OperationKind.TopUp, context.EntryPoint, new DepositToFunction { Account = context.Paymaster }.GetCallData(), (minimum * 2) - deposit, GasLimits.TopUp, cancellationToken);
    }

    private Task QueueAsync(string kind, string target, byte[] callData, BigInteger value, long gasLimit, CancellationToken cancellationToken) => db.WriteAsync(
        tx => queue.AddOwnAsync(tx, kind, target.HexToByteArray(), callData, value, gasLimit), cancellationToken);
}
