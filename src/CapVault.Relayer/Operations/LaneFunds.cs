using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Operations;

/// <summary>The lanes' ETH. Lane 0 is funded by people, and funds the others. What bundles cost comes back to their lane from the paymaster's deposit.</summary>
public sealed class LaneFunds(
    Db db, ChainClient chain, ChainContext context, OperationQueue queue, GasOracle gas, IOptions<RelayerOptions> options, ILogger<LaneFunds> log)
{
    private const long TransferGas = 21_000;

    /// <summary>Queues a transfer to each lane that could not pay for all that it may have on its way at once, at today's fees.</summary>
    public async Task EnsureAsync(CancellationToken cancellationToken)
    {
        var minimum = (BigInteger)options.Value.InFlight * options.Value.BundleGas * gas.MaxFee;
        foreach (var lane in context.Lanes.Skip(1))
        {
            var balance = await chain.GetBalanceAsync(lane.Address, cancellationToken);
            if (balance >= minimum)
            {
                continue;
            }

            log.LogInformation("Lane {Lane}, {Address}, has {Balance} wei, expected at least {Minimum}: filling it up to twice that", lane.Lane, lane.Address, balance, minimum);
            await db.WriteAsync(
                tx => queue.AddOwnAsync(tx, OperationKind.Fund, lane.Eoa, [], (minimum * 2) - balance, TransferGas, eoa: context.Lanes[0].Eoa), cancellationToken);
        }
    }
}
