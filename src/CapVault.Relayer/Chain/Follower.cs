using CapVault.Relayer.Accounts;
using CapVault.Relayer.Monitoring;
using CapVault.Relayer.Operations;
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
    InclusionTracker inclusion,
    IEnumerable<IProjection> projections,
    Leases leases,
    RelayerMetrics metrics,
    IOptions<RelayerOptions> options,
    TimeProvider time,
    ILogger<Follower> log) : BackgroundService
{
    private readonly string[] _addresses = [context.Vault, context.EntryPoint, context.AccountFactory];
    /// <summary>Whoever holds it writes what the chain says.</summary>
    internal const string LeaseName = "follower";

    private readonly Lease _lease = leases.Of(LeaseName);
    private BlockRow? _tip;
    private long _epoch;
    private volatile bool _isCaughtUp;
    private long _headAt = time.GetTimestamp();
    private long _caughtUpAt = time.GetTimestamp();

    /// <summary>The last block that was applied.</summary>
    public long Block { get; private set; } = -1;

    /// <summary>The node's newest block when last asked.</summary>
    public long ChainHead { get; private set; } = -1;

    /// <summary>Fires after a block was applied or taken back, by whichever process.</summary>
    public Signal Applied { get; } = new();

    /// <summary>Whether the node's newest block, when last asked, is the one that was applied last. False while the node cannot be asked.</summary>
    public bool IsCaughtUp => _isCaughtUp;

    /// <summary>Why the node could not be followed when last asked; null where it could.</summary>
    public string? Failure { get; private set; }

    /// <summary>How long the node's newest block has been the newest.</summary>
    public TimeSpan HeadAge => time.GetElapsedTime(_headAt);

    /// <summary>Whether everything that the node had was applied at least once: until then it is not known how old the order book is.</summary>
    public bool HasCaughtUp { get; private set; }

    /// <summary>How long ago everything that the node had was applied; since the start, where it never was.</summary>
    public TimeSpan Lag => _isCaughtUp ? TimeSpan.Zero : time.GetElapsedTime(_caughtUpAt);

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(options.Value.PollMilliseconds));
        do
        {
            try
            {
                var head = await ObserveHeadAsync(stoppingToken);
                await (options.Value.Has(RelayerRole.Follower) && await _lease.HoldAsync(stoppingToken) ? CatchUpAsync(head, stoppingToken) : WatchAsync(head, stoppingToken));
                Failure = null;
                if (_isCaughtUp)
                {
                    _caughtUpAt = time.GetTimestamp();
                    HasCaughtUp = true;
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // The node is away or lies: nothing was applied half, so asking again is all there is to do.
                _isCaughtUp = false;
                Failure = exception.Message;
                log.LogWarning(exception, "Following the chain stopped at block {Block}; trying again", Block);
                await Task.Delay(TimeSpan.FromSeconds(1), stoppingToken);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await _lease.ReleaseAsync(cancellationToken);
    }

    // Another process applies the blocks; how far it is stands in the database.
    private async Task WatchAsync(BlockWithTransactionHashes head, CancellationToken cancellationToken)
    {
        var before = _tip;
        _tip = null;
        await LoadTipAsync(cancellationToken);
        _isCaughtUp = _tip is not null && RowOf(head).Hash.AsSpan().SequenceEqual(_tip.Hash);
        if (_tip is not null && before?.Hash.AsSpan().SequenceEqual(_tip.Hash) != true)
        {
            Applied.Set();
        }
    }

    private async Task CatchUpAsync(BlockWithTransactionHashes head, CancellationToken cancellationToken)
    {
        if (_epoch != _lease.Epoch)
        {
            (_tip, _epoch) = (null, _lease.Epoch);
        }

        await LoadTipAsync(cancellationToken);
        for (var number = _tip is null ? Math.Max(0, context.DeployBlock - 1) : _tip.Number + 1; number <= ChainHead; number = _tip!.Number + 1)
        {
            _isCaughtUp = false;
            var block = number == ChainHead ? head : await chain.GetBlockAsync(number, cancellationToken);
            if (block is null)
            {
                // Whoever answered has not got so far. That proves nothing about our own blocks.
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

        if (_tip is not null && ChainHead == _tip.Number && !RowOf(head).Hash.AsSpan().SequenceEqual(_tip.Hash))
        {
            await HandleReorgAsync(cancellationToken);
            return;
        }

        // A head below our tip is an older answer from behind a balancer, or a chain that was rolled back and has not regrown: wait for it.
        _isCaughtUp = _tip is not null && ChainHead == _tip.Number;
    }

    /// <summary>
    /// Asks for the newest block and takes note of its time and fees. Now, not when it is applied: while older blocks are still being read,
    /// deadlines are judged and operations signed already.
    /// </summary>
    public async Task<BlockWithTransactionHashes> ObserveHeadAsync(CancellationToken cancellationToken)
    {
        var head = await chain.GetHeadAsync(cancellationToken);
        if (ChainHead != (long)head.Number.Value)
        {
            ChainHead = (long)head.Number.Value;
            _headAt = time.GetTimestamp();
        }

        if (ChainHead >= Block)
        {
            clock.Observe((long)head.Timestamp.Value);
            gas.Observe(head.BaseFeePerGas?.Value ?? 0);
        }

        return head;
    }

    private async Task LoadTipAsync(CancellationToken cancellationToken)
    {
        _tip ??= await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<BlockRow?>(
                "SELECT hash, number, parent, block_time FROM block WHERE canonical = 1 ORDER BY number DESC LIMIT 1"),
            cancellationToken);
        Block = _tip?.Number ?? -1;
    }

    private async Task ApplyAsync(BlockWithTransactionHashes block, BlockRow row, CancellationToken cancellationToken)
    {
        var hasTransactions = (block.TransactionHashes ?? []).Length > 0;
        var logs = hasTransactions ? await LogsAsync(block, row, cancellationToken) : [];
        var mined = hasTransactions ? await MinedAsync(block, row, logs, cancellationToken) : [];
        await db.WriteAsync(
            async tx =>
            {
                await _lease.RequireAsync(tx);
                await tx.PostAsync(
                    """
                    INSERT INTO block (hash, number, parent, block_time, canonical) VALUES (@Hash, @Number, @Parent, @BlockTime, 1)
                    ON CONFLICT (hash) DO UPDATE SET canonical = 1
                    """,
                    row);
                foreach (var entry in logs)
                {
                    foreach (var projection in projections)
                    {
                        await projection.ApplyAsync(tx, entry);
                    }
                }

                // After the logs: an operation that this block includes must not be sent again because another transaction with it reverted.
                foreach (var transaction in mined)
                {
                    await inclusion.MinedAsync(tx, transaction);
                }

                await inclusion.FinaliseAsync(tx, row.Number - options.Value.FinalityBlocks);
                tx.OnCommitted(() =>
                {
                    _tip = row;
                    Block = row.Number;
                    _isCaughtUp = row.Number == ChainHead;
                    Applied.Set();
                });
            },
            cancellationToken);
    }

    // Of accounts there are many, so what they log themselves is asked for by its signature.
    private async Task<List<ChainLog>> LogsAsync(BlockWithTransactionHashes block, BlockRow row, CancellationToken cancellationToken)
    {
        var ofContracts = await chain.GetLogsAsync(block.BlockHash, _addresses, cancellationToken);
        var ofAccounts = await chain.GetLogsOfAllAsync(block.BlockHash, AccountBook.ExecutorSet, cancellationToken);
        return [.. ofContracts.Concat(ofAccounts).Select(entry => ChainLog.From(entry, row.BlockTime)).OrderBy(entry => entry.LogIndex)];
    }

    private bool IsFollowed(FilterLog entry) =>
        _addresses.Any(address => address.IsTheSameHex(entry.Address)) || (entry.Topics is [string signature, ..] && signature.IsTheSameHex(AccountBook.ExecutorSet));

    private async Task<List<MinedTransaction>> MinedAsync(BlockWithTransactionHashes block, BlockRow row, List<ChainLog> logs, CancellationToken cancellationToken)
    {
        var mined = new List<MinedTransaction>();
        foreach (var txHash in await inclusion.OursAsync([.. block.TransactionHashes.Select(hash => hash.HexToByteArray())], cancellationToken))
        {
            var receipt = await chain.GetReceiptAsync(txHash, cancellationToken);
            if (receipt is null || !receipt.BlockHash.IsTheSameHex(block.BlockHash))
            {
                throw new InvalidOperationException($"The node shows {txHash.ToHex(true)} in block {row.Number}, but its receipt elsewhere: it is reorganising.");
            }

            // A node that lags may answer a question for logs with an empty list: what its own receipts say must be there.
            var expected = (receipt.Logs ?? []).Count(IsFollowed);
            if (logs.Count(entry => entry.TxHash.AsSpan().SequenceEqual(txHash)) != expected)
            {
                throw new InvalidOperationException($"The node gives {expected} logs for {txHash.ToHex(true)} in its receipt, and others for block {row.Number}: it is not in step with itself.");
            }

            mined.Add(new MinedTransaction(txHash, receipt.Status?.Value == 1, row));
            if ((receipt.Logs ?? []).Count(InclusionTracker.IsOperation) is var operations and > 0)
            {
                metrics.BundleMined(operations, (double)receipt.GasUsed.Value);
            }
        }

        return mined;
    }

    /// <summary>Goes back to the last block that the node and we agree on. Only another hash proves a reorg: no answer ends the attempt.</summary>
    private async Task HandleReorgAsync(CancellationToken cancellationToken)
    {
        _isCaughtUp = false;
        var tip = _tip!.Number;
        var ancestor = tip;
        while (true)
        {
            var ours = await CanonicalHashAsync(ancestor, cancellationToken) ?? throw new InvalidOperationException(
                $"The chain reorganised below block {ancestor + 1}, the first that this database knows. It belongs to another chain: use a new data directory.");
            if (await chain.GetBlockAsync(ancestor, cancellationToken) is not { } theirs)
            {
                return;
            }

            if (theirs.BlockHash.HexToByteArray().AsSpan().SequenceEqual(ours))
            {
                break;
            }

            ancestor--;
        }

        if (ancestor == tip)
        {
            return;
        }

        metrics.Reorganised();
        log.LogWarning("The chain reorganised: {Depth} blocks above {Ancestor} are orphaned", tip - ancestor, ancestor);
        await db.WriteAsync(
            async tx =>
            {
                await _lease.RequireAsync(tx);
                await tx.ExecuteAsync("UPDATE block SET canonical = 0 WHERE canonical = 1 AND number > @ancestor", new { ancestor });
                foreach (var projection in projections)
                {
                    await projection.RevertAsync(tx, ancestor);
                }

                tx.OnCommitted(() =>
                {
                    _tip = null;
                    Block = ancestor;
                    Applied.Set();
                });
            },
            cancellationToken);
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
