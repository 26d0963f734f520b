using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>The relayer's EOAs, and what drives them: a lane each. Lanes know nothing of each other.</summary>
public sealed class LanePool(
    Db db,
    ChainClient chain,
    ChainContext context,
    GasOracle gas,
    Follower follower,
    Bundler bundler,
    BundleSimulator simulator,
    PaymasterDeposit deposit,
    LaneFunds funds,
    InclusionTracker inclusion,
    StepOutcomes outcomes,
    OperationQueue queue,
    Leases leases,
    IOptions<RelayerOptions> options,
    TimeProvider time,
    ILogger<Lane> log) : BackgroundService
{
    private readonly LaneShare _share = new(db, leases, context.Lanes.Count);

    /// <summary>
    /// At start: takes the chain's word for nonces that this database does not know. More of them than it has given out means that it is an
    /// old backup: events after it are lost, and cursors from then must not be taken for ones of now, so this comes before
    /// the first request.
    /// </summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        var mined = new Dictionary<LaneKey, long>();
        foreach (var lane in context.Lanes)
        {
            mined[lane] = await chain.GetNonceAsync(lane.Address, block: null, cancellationToken);
        }

        await db.WriteAsync(
            async tx =>
            {
                var isOld = false;
                await tx.ExecuteAsync("UPDATE eoa SET lane = NULL");
                foreach (var (lane, nonce) in mined)
                {
                    var known = await tx.FirstOrDefaultAsync<long?>("SELECT next_nonce FROM eoa WHERE address = @Eoa", lane);
                    if (known < nonce)
                    {
                        isOld = true;
                        log.LogError("Nonce {Nonce} of {Address} is used, this database has given out {Known}: it is an old backup, or another relayer runs with this key", nonce - 1, lane.Address, known);
                    }

                    await tx.ExecuteAsync(
                        """
                        INSERT INTO eoa (address, next_nonce, lane) VALUES (@Eoa, @nonce, @Lane)
                        ON CONFLICT (address) DO UPDATE SET lane = excluded.lane, next_nonce = CASE WHEN eoa.next_nonce < excluded.next_nonce THEN excluded.next_nonce ELSE eoa.next_nonce END
                        """,
                        new { lane.Eoa, nonce, lane.Lane });
                }

                if (isOld)
                {
                    await tx.ExecuteAsync("UPDATE event_head SET epoch = epoch + 1");
                }

                await MoveAsync(tx);
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.Has(RelayerRole.Lanes))
        {
            return;
        }

        var retired = await db.ReadAsync(
            async connection => (await connection.QueryAsync<byte[]>(
                "SELECT address FROM eoa e WHERE lane IS NULL AND EXISTS (SELECT 1 FROM lane_tx l WHERE l.eoa = e.address AND l.state IN ('SIGNED', 'ACCEPTED'))")).AsList(),
            stoppingToken);
        await Task.WhenAll([ShareAsync(stoppingToken), .. context.Lanes.Select(key => NewLane(key.Eoa, key).RunAsync(stoppingToken)), .. retired.Select(eoa => NewLane(eoa, key: null).RunAsync(stoppingToken))]);
    }

    private async Task ShareAsync(CancellationToken stoppingToken)
    {
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
            do
            {
                try
                {
                    await _share.CountAsync(stoppingToken);
                }
                catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
                {
                    log.LogWarning(exception, "How many relayers drive lanes cannot be asked; trying again");
                }
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await _share.LeaveAsync(CancellationToken.None);
        }
    }

    // With another LaneKey, or more or fewer lanes, accounts belong to other EOAs than their waiting operations were sponsored for. What we sign ourselves
    // is signed anew for the new one. What came signed goes with the old one while that is a lane of ours; otherwise nobody can send it any more.
    private async Task MoveAsync(Tx tx)
    {
        var lanes = context.Lanes.Select(lane => lane.Eoa);
        await tx.ExecuteAsync("UPDATE operation SET eoa = NULL WHERE live = 1 AND state = 'QUEUED' AND kind NOT IN ('user_op', 'fund')");
        await tx.ExecuteAsync("UPDATE operation SET eoa = @Eoa WHERE live = 1 AND state = 'QUEUED' AND kind = 'fund'", context.Lanes[0]);
        foreach (var stranded in await tx.QueryAsync<Operation>("SELECT * FROM operation WHERE live = 1 AND state = 'QUEUED' AND client_signed = 1 AND eoa NOT IN @lanes", new { lanes }))
        {
            await outcomes.LostAsync(tx, stranded, OperationState.Failed, "the relayer sends from other addresses now, and the operation was signed for one of before; prepare the step again");
        }

        foreach (var account in await tx.QueryAsync<byte[]>("SELECT DISTINCT sender FROM operation WHERE live = 1 AND kind = 'user_op' AND state IN ('RECEIVED', 'QUEUED')"))
        {
            var lane = context.LaneOf(account);
            await OperationSigner.WithdrawAsync(tx, "sender = @account AND eoa <> @Eoa", new { account, lane.Eoa });
            await tx.ExecuteAsync("UPDATE operation SET eoa = @Eoa WHERE live = 1 AND state = 'RECEIVED' AND sender = @account", new { account, lane.Eoa });
        }
    }

    private Lane NewLane(byte[] eoa, LaneKey? key) => new(
        eoa, key, new LaneBook(eoa, leases.Of($"lane:{eoa.ToHex(true)}"), key is null ? null : _share, db, bundler, inclusion, outcomes, time), chain, context, gas, follower, bundler, simulator, deposit, funds, queue, options.Value, time, log);
}
