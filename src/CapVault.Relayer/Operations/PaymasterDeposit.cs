using System.Globalization;
using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>The paymaster's deposit at the EntryPoint, out of which every sponsored operation is paid.</summary>
public sealed class PaymasterDeposit(Db db, ChainClient chain, ChainContext context, OperationQueue queue, SponsorPolicy policy, IOptions<RelayerOptions> options, TimeProvider time, ILogger<PaymasterDeposit> log)
{
    private readonly Lock _gate = new();
    private (byte[] BlockHash, Task<BigInteger> Deposit)? _known;

    /// <summary>One gwei in wei.</summary>
    public const long Gwei = 1_000_000_000;

    /// <summary>What somebody must look at: the deposit does not cover what is promised, or today's top-ups are used up. Null: nothing.</summary>
    public string? Alarm { get; private set; }

    /// <summary>Wei at the EntryPoint as of a block; asked once per block, whichever lane wants to know.</summary>
    public Task<BigInteger> AtAsync(byte[] blockHash, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_known is not { } known || !known.BlockHash.AsSpan().SequenceEqual(blockHash) || known.Deposit.IsFaulted || known.Deposit.IsCanceled)
            {
                _known = known = (blockHash, chain.QueryNumberAtAsync(
                    context.EntryPoint, new BalanceOfFunction { Account = context.Paymaster }, blockHash, cancellationToken));
            }

            return known.Deposit;
        }
    }

    /// <summary>Wei at the EntryPoint.</summary>
    public Task<BigInteger> GetAsync(CancellationToken cancellationToken) =>
        chain.QueryAsync<BalanceOfFunction, BigInteger>(context.EntryPoint, new BalanceOfFunction { Account = context.Paymaster }, cancellationToken);

    /// <summary>
    /// Queues a deposit if there is less than the options' minimum, than <paramref name="needed"/> wei, or than all that is promised together. What one
    /// day takes is capped: a deposit that is drained over and over must not take the lane's ETH with it.
    /// </summary>
    public async Task EnsureAsync(BigInteger needed, CancellationToken cancellationToken)
    {
        var promised = GasMoney.ToWei(await db.ReadAsync(SponsorLedger.InFlightAsync, cancellationToken));
        var minimum = BigInteger.Max(options.Value.MinimumDeposit, BigInteger.Max(needed, promised));
        var deposit = await GetAsync(cancellationToken);
        Alarm = deposit < promised ? $"The paymaster's deposit is {deposit} wei, less than the {promised} wei that are promised." : null;
        if (deposit >= minimum)
        {
            return;
        }

        log.LogWarning("The paymaster's deposit is {Deposit} wei, expected at least {Minimum}: topping it up to twice that", deposit, minimum);
        await db.WriteAsync(tx => TopUpAsync(tx, (minimum * 2) - deposit), cancellationToken);
        if (Alarm is { } alarm)
        {
            log.LogError("{Alarm}", alarm);
        }
    }

    private async Task TopUpAsync(Tx tx, BigInteger amount)
    {
        // One that failed (the lane's address has no ETH) is not tried with every block.
        if (await tx.FirstOrDefaultAsync<long?>(
            "SELECT operation_id FROM operation WHERE kind = 'top_up' AND failure_code IS NOT NULL AND updated_at > @since ORDER BY operation_id DESC LIMIT 1",
            new { since = time.GetUtcNow().AddSeconds(-10).ToUnixTimeMilliseconds() }) is not null)
        {
            return;
        }

        var left = GasMoney.ToWei(policy.Budgets.TopUps) - await ToppedUpTodayAsync(tx);
        if (left < amount)
        {
            Alarm = $"The paymaster's deposit needs {amount} wei more, and today's cap on top-ups leaves {BigInteger.Max(left, 0)} wei: find out who drains it, or raise budgets.topUps in the sponsor policy.";
        }

        if (left.Sign > 0)
        {
            await queue.AddOwnAsync(
                tx,
                OperationKind.TopUp,
                context.EntryPoint.HexToByteArray(),
                new DepositToFunction { Account = context.Paymaster }.GetCallData(),
                BigInteger.Min(amount, left),
                GasLimits.TopUp);
        }
    }

    // By this machine's day: the cap is against a drain that goes on, and deposits are none of the chain's time.
    private async Task<BigInteger> ToppedUpTodayAsync(Tx tx)
    {
        var now = time.GetUtcNow();
        var values = await tx.QueryAsync<string>(
            "SELECT value FROM operation WHERE kind = 'top_up' AND created_at >= @midnight AND failure_code IS NULL",
            new { midnight = new DateTimeOffset(now.Date, TimeSpan.Zero).ToUnixTimeMilliseconds() });
        return values.Aggregate(BigInteger.Zero, (sum, value) => sum + BigInteger.Parse(value, CultureInfo.InvariantCulture));
    }

    /// <summary>What the EntryPoint holds back for an operation while it runs: every limit at its highest fee; gwei, rounded up.</summary>
    public static long PrefundOf(PackedUserOperation userOp)
    {
        var (verification, call) = UserOperations.Unpack(userOp.AccountGasLimits);
        var (_, maxFee) = UserOperations.Unpack(userOp.GasFees);
        var (paymasterVerification, postOp) = userOp.PaymasterAndData is { Length: >= 52 } paymaster ? UserOperations.Unpack(paymaster[20..52]) : (0, 0);
        return GasMoney.FromWei((verification + call + paymasterVerification + postOp + userOp.PreVerificationGas) * maxFee);
    }
}
