using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Relayer.Chain;

/// <summary>What is derived from logs. Applied and taken back in the transaction that stores or orphans their block.</summary>
public interface IProjection
{
    /// <summary>Takes a log of the canonical chain, in order. Logs of other contracts are for other projections.</summary>
    Task ApplyAsync(Tx tx, ChainLog log);

    /// <summary>Takes back what blocks above <paramref name="ancestor"/> said. They are marked as orphaned already.</summary>
    Task RevertAsync(Tx tx, long ancestor);
}

/// <summary>A transaction of ours that a block includes.</summary>
public sealed record MinedTransaction(byte[] TxHash, bool Succeeded, BlockRow Block);

/// <summary>A row of <c>block</c>.</summary>
public sealed record BlockRow
{
    /// <summary>Its hash.</summary>
    public byte[] Hash { get; init; } = [];

    /// <summary>Its number.</summary>
    public long Number { get; init; }

    /// <summary>Hash of the block before it.</summary>
    public byte[] Parent { get; init; } = [];

    /// <summary>Unix seconds.</summary>
    public long BlockTime { get; init; }
}

/// <summary>
/// Follows the chain block by block. Headers polled by number are the truth; a parent that does not match is a reorg: back to the
/// common ancestor, orphan the branch (never delete: it is evidence), take its effects back, go on.
/// </summary>
public sealed class Follower(
    Db db,
    ChainClient chain,
    ChainContext context,
    ChainClock clock,
    GasOracle gas,
    Operations.InclusionTracker inclusion,
    IEnumerable<IProjection> projections,
    IOptions<RelayerOptions> options,
    ILogger<Follower> log) : BackgroundService
{
    private readonly string[] _addresses = [context.Vault, context.EntryPoint, context.AccountFactory];
    private BlockRow? _tip;

    /// <summary>The last block that was applied.</summary>
    public long Block { get; private set; } = -1;

    /// <summary>The node's newest block when last asked.</summary>
    public long ChainHead { get; private set; } = -1;

    /// <summary>Fires after a block was applied.</summary>
    public Signal Applied { get; } = new();

    /// <summary>Whether everything that the node had when last asked is applied.</summary>
    public bool IsCaughtUp => Block >= 0 && Block >= ChainHead;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.PollMilliseconds));
        do
        {
            try
            {
                await CatchUpAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // The node is away or lies: nothing was applied half, so asking again is all there is to do.
                log.LogWarning(exception, "Following the chain stopped at block {Block}; trying again", Block);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        _tip ??= await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<BlockRow?>(
                "SELECT hash, number, parent, block_time FROM block WHERE canonical = 1 ORDER BY number DESC LIMIT 1"),
            cancellationToken);
        ChainHead = await chain.GetHeadNumberAsync(cancellationToken);
        if (_tip is not null && ChainHead <= _tip.Number)
        {
            if (await IsStillCanonicalAsync(_tip, cancellationToken))
            {
                Block = _tip.Number;
            }
            else
            {
                // Not left until the chain grows: meanwhile the order book would say what is not true any more.
                await HandleReorgAsync(cancellationToken);
            }

            return;
        }

        for (var number = _tip is null ? context.DeployBlock : _tip.Number + 1; number <= ChainHead; number = _tip!.Number + 1)
        {
            var block = await chain.GetBlockAsync(number, cancellationToken);
            if (block is null)
            {
                // The head went back while we were reading.
                await HandleReorgAsync(cancellationToken);
                return;
            }

            var row = RowOf(block);
            if (_tip is not null && !row.Parent.AsSpan().SequenceEqual(_tip.Hash))
            {
                await HandleReorgAsync(cancellationToken);
                return;
            }

            await ApplyAsync(block, row, cancellationToken);
        }
    }

    // A node behind a balancer may answer with an older head than before: that is no reorg as long as our tip is known there.
    private async Task<bool> IsStillCanonicalAsync(BlockRow tip, CancellationToken cancellationToken)
    {
        var block = await chain.GetBlockAsync(Math.Min(tip.Number, ChainHead), cancellationToken);
        if (block is null)
        {
            return false;
        }

        var row = RowOf(block);
        var ours = row.Number == tip.Number ? tip.Hash : await CanonicalHashAsync(row.Number, cancellationToken);
        return ours is not null && row.Hash.AsSpan().SequenceEqual(ours);
    }

    private async Task ApplyAsync(BlockWithTransactionHashes block, BlockRow row, CancellationToken cancellationToken)
    {
        var mined = await MinedAsync(block, row, cancellationToken);
        var logs = (block.TransactionHashes ?? []).Length == 0
            ? []
            : (await chain.GetLogsAsync(block.BlockHash, _addresses, cancellationToken))
                .Select(entry => ChainLog.From(entry, row.BlockTime))
                .OrderBy(entry => entry.LogIndex)
                .ToList();
        await db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync(
                    """
                    INSERT INTO block (hash, number, parent, block_time, canonical) VALUES (@Hash, @Number, @Parent, @BlockTime, 1)
                    ON CONFLICT (hash) DO UPDATE SET canonical = 1
                    """,
                    row);
                foreach (var transaction in mined)
                {
                    await inclusion.MinedAsync(tx, transaction);
                }

                foreach (var entry in logs)
                {
                    foreach (var projection in projections)
                    {
                        await projection.ApplyAsync(tx, entry);
                    }
                }

                await inclusion.FinaliseAsync(tx, row.Number - options.Value.FinalityBlocks);
            },
            cancellationToken);
        clock.Observe(row.BlockTime);
        gas.Observe(block.BaseFeePerGas?.Value ?? 0);
        _tip = row;
        Block = row.Number;
        // Only now: whoever it wakes looks at Block and at the clock, and would go back to sleep.
        Applied.Set();
    }

    private async Task<List<MinedTransaction>> MinedAsync(BlockWithTransactionHashes block, BlockRow row, CancellationToken cancellationToken)
    {
        var ours = await inclusion.OursAsync([.. (block.TransactionHashes ?? []).Select(hash => hash.HexToByteArray())], cancellationToken);
        var mined = new List<MinedTransaction>();
        foreach (var txHash in ours)
        {
            var receipt = await chain.GetReceiptAsync(txHash, cancellationToken);
            if (receipt is null || !receipt.BlockHash.IsTheSameHex(block.BlockHash))
            {
                throw new InvalidOperationException($"The node shows {txHash.ToHex(true)} in block {row.Number}, but its receipt elsewhere: it is reorganising.");
            }

            mined.Add(new MinedTransaction(txHash, receipt.Status?.Value == 1, row));
        }

        return mined;
    }

    private async Task HandleReorgAsync(CancellationToken cancellationToken)
    {
        var ancestor = _tip!.Number;
        while (true)
        {
            var ours = await CanonicalHashAsync(ancestor, cancellationToken);
            if (ours is null)
            {
                throw new InvalidOperationException(
                    $"The chain reorganised below block {ancestor}, the first that this database knows. It belongs to another chain: use a new data directory.");
            }

            if (await chain.GetBlockAsync(ancestor, cancellationToken) is { } block && block.BlockHash.HexToByteArray().AsSpan().SequenceEqual(ours))
            {
                break;
            }

            ancestor--;
        }

        var depth = _tip.Number - ancestor;
        if (depth == 0)
        {
            return;
        }

        log.LogWarning("The chain reorganised: {Depth} blocks above {Ancestor} are orphaned", depth, ancestor);
        await db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync("UPDATE block SET canonical = 0 WHERE canonical = 1 AND number > @ancestor", new { ancestor });
                await inclusion.RevertAsync(tx, ancestor);
                foreach (var projection in projections)
                {
                    await projection.RevertAsync(tx, ancestor);
                }
            },
            cancellationToken);
        _tip = null;
        Block = ancestor;
        Applied.Set();
    }

    private Task<byte[]?> CanonicalHashAsync(long number, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<byte[]?>("SELECT hash FROM block WHERE canonical = 1 AND number = @number", new { number }),
        cancellationToken);

    private static BlockRow RowOf(BlockWithTransactionHashes block) => new()
    {
        Hash = block.BlockHash.HexToByteArray(),
        Number = (long)block.Number.Value,
        Parent = block.ParentHash.HexToByteArray(),
        BlockTime = (long)block.Timestamp.Value,
    };
}
