using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>The paymaster's deposit at the EntryPoint, out of which every sponsored operation is paid.</summary>
public sealed class PaymasterDeposit(Db db, ChainClient chain, ChainContext context, OperationQueue queue, IOptions<RelayerOptions> options, TimeProvider time, ILogger<PaymasterDeposit> log)
{
    /// <summary>One gwei in wei.</summary>
    public const long Gwei = 1_000_000_000;

    private readonly Lock _gate = new();
    private (byte[] BlockHash, Task<BigInteger> Deposit)? _known;

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

    /// <summary>Queues a deposit if there is less than the options' minimum, or than <paramref name="needed"/> wei.</summary>
    public async Task EnsureAsync(BigInteger needed, CancellationToken cancellationToken)
    {
        var minimum = BigInteger.Max(options.Value.MinimumDeposit, needed);
        var deposit = await GetAsync(cancellationToken);
        if (deposit >= minimum)
        {
            return;
        }

        log.LogWarning("The paymaster's deposit is {Deposit} wei, expected at least {Minimum}: topping it up to twice that", deposit, minimum);
        await db.WriteAsync(
            async tx =>
            {
                // One that failed (the lane's address has no ETH) is not tried with every block.
                if (await tx.FirstOrDefaultAsync<long?>(
                    "SELECT operation_id FROM operation WHERE kind = 'top_up' AND failure_code IS NOT NULL AND updated_at > @since ORDER BY operation_id DESC LIMIT 1",
                    new { since = time.GetUtcNow().AddSeconds(-10).ToUnixTimeMilliseconds() }) is null)
                {
                    await queue.AddOwnAsync(
                        tx,
                        OperationKind.TopUp,
                        context.EntryPoint.HexToByteArray(),
                        new DepositToFunction { Account = context.Paymaster }.GetCallData(),
                        (minimum * 2) - deposit,
                        GasLimits.TopUp);
                }
            },
            cancellationToken);
    }

    /// <summary>What the EntryPoint holds back for an operation while it runs: every limit at its highest fee; gwei, rounded up.</summary>
    public static long PrefundOf(PackedUserOperation userOp)
    {
        var (verification, call) = UserOperations.Unpack(userOp.AccountGasLimits);
        var (_, maxFee) = UserOperations.Unpack(userOp.GasFees);
        var (paymasterVerification, postOp) = userOp.PaymasterAndData is { Length: >= 52 } paymaster ? UserOperations.Unpack(paymaster[20..52]) : (0, 0);
        return (long)((((verification + call + paymasterVerification + postOp + userOp.PreVerificationGas) * maxFee) + Gwei - 1) / Gwei);
    }
}
