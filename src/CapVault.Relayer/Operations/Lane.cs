using System.Globalization;
using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Model;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Relayer.Operations;

/// <summary>
/// One EOA and its nonces: claim → simulate → sign → commit → send. The signed bytes are committed before they are sent, and whoever
/// finds them sends the same bytes again, so a crash at any point can only repeat what is persisted. Whether a transaction was
/// mined is learned from blocks (<see cref="InclusionTracker"/>), never from the answer to a send.
/// </summary>
public sealed class Lane(
    Db db,
    ChainClient chain,
    ChainContext context,
    GasOracle gas,
    Follower follower,
    Bundler bundler,
    BundleSimulator simulator,
    PaymasterDeposit deposit,
    StepOutcomes outcomes,
    OperationQueue queue,
    IOptions<RelayerOptions> options,
    TimeProvider time,
    ILogger<Lane> log) : BackgroundService
{
    private readonly byte[] _eoa = context.LaneKey.GetPublicAddressAsBytes();
    private readonly Dictionary<long, long> _sentAt = [];
    private bool _isDepositLow;

    /// <summary>The address that submits.</summary>
    public string Address { get; } = context.LaneKey.GetPublicAddress();

    /// <summary>
    /// At start: takes the chain's word for nonces that this database does not know. More of them than it has given out means that it is an
    /// old backup: events after it are lost, and cursors from then must not be taken for ones of now, so this comes before
    /// the first request.
    /// </summary>
    public async Task RecoverAsync(CancellationToken cancellationToken)
    {
        var mined = await chain.GetNonceAsync(Address, block: null, cancellationToken);
        await db.WriteAsync(
            async tx =>
            {
                var known = await tx.FirstOrDefaultAsync<long?>("SELECT next_nonce FROM eoa WHERE address = @_eoa", new { _eoa });
                if (known < mined)
                {
                    log.LogError("Nonce {Nonce} of {Address} is used, this database has given out {Known}: it is an old backup, or another relayer runs with this key", mined - 1, Address, known);
                    await tx.ExecuteAsync("UPDATE event_head SET epoch = epoch + 1");
                }

                await tx.ExecuteAsync(
                    "INSERT INTO eoa (address, next_nonce) VALUES (@_eoa, @mined) ON CONFLICT (address) DO UPDATE SET next_nonce = excluded.next_nonce WHERE eoa.next_nonce < excluded.next_nonce",
                    new { _eoa, mined });
                // A nonce that was given up, and that a reorganisation has freed: what is sent next takes it, or it would be a gap for ever.
                await tx.ExecuteAsync("UPDATE lane_tx SET state = 'BUILT' WHERE eoa = @_eoa AND state = 'CANCELLED' AND nonce >= @mined", new { _eoa, mined });
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var wake = Task.WhenAny(queue.Queued.Next, follower.Applied.Next);
            try
            {
                if (!await HasUnminedAsync(stoppingToken) && await SendNextAsync(stoppingToken))
                {
                    continue;
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                log.LogWarning(exception, "The lane could not go on; trying again with the next block");
            }

            await Task.WhenAny(wake, Task.Delay(options.Value.ResendMilliseconds, stoppingToken));
        }
    }

    /* SENT, NOT MINED */

    /// <summary>Sends again what is not mined, lowest nonce first. Only then may something new go out.</summary>
    private async Task<bool> HasUnminedAsync(CancellationToken cancellationToken)
    {
        var unmined = await db.ReadAsync(
            async connection => (await connection.QueryAsync<SignedTx>(
                """
                SELECT l.lane_tx_id, l.nonce, l.state, a.tx_hash, a.raw, a.max_fee, a.max_priority_fee FROM lane_tx l JOIN attempt a ON a.lane_tx_id = l.lane_tx_id
                WHERE l.eoa = @_eoa AND l.state IN ('SIGNED', 'ACCEPTED') ORDER BY l.nonce, length(a.max_fee), a.max_fee
                """,
                new { _eoa })).AsList(),
            cancellationToken);
        foreach (var attempts in unmined.GroupBy(signed => signed.LaneTxId))
        {
            if (!_sentAt.TryGetValue(attempts.Key, out var sentAt) || time.GetElapsedTime(sentAt).TotalMilliseconds >= options.Value.ResendMilliseconds)
            {
                await ResendAsync(attempts.Last(), cancellationToken);
            }
        }

        foreach (var done in _sentAt.Keys.Except(unmined.Select(signed => signed.LaneTxId)).ToList())
        {
            _sentAt.Remove(done);
        }

        return unmined.Count > 0;
    }

    /// <summary>The same bytes again; or the same nonce with higher fees where the base fee has outgrown them.</summary>
    private async Task ResendAsync(SignedTx signed, CancellationToken cancellationToken)
    {
        var maxFee = BigInteger.Parse(signed.MaxFee, CultureInfo.InvariantCulture);
        if (gas.BaseFee < maxFee)
        {
            await SendAsync(signed, cancellationToken);
            return;
        }

        log.LogWarning("Nonce {Nonce} is priced out: it offers {MaxFee} wei, the base fee is {BaseFee}; replacing it", signed.Nonce, maxFee, gas.BaseFee);
        var operations = await db.WriteAsync(tx => Bundler.OfAsync(tx, signed.LaneTxId), cancellationToken);
        await SendAsync(await SignAsync(new Bundle(signed.LaneTxId, signed.Nonce, operations), signed, cancellationToken), cancellationToken);
    }

    private async Task SendAsync(SignedTx signed, CancellationToken cancellationToken)
    {
        _sentAt[signed.LaneTxId] = time.GetTimestamp();
        try
        {
            await chain.SendRawAsync(signed.Raw, cancellationToken);
        }
        catch (RpcResponseException exception) when (exception.RpcError.Message.Contains("nonce too low", StringComparison.OrdinalIgnoreCase))
        {
            await NonceUsedAsync(signed, cancellationToken);
            return;
        }
        catch (RpcResponseException exception)
        {
            // Nodes word their refusals differently, and some refuse what they have. What is behind it must go out all the same.
            log.LogWarning("The node does not take nonce {Nonce} now: {Reason}", signed.Nonce, exception.RpcError.Message);
            return;
        }

        if (signed.State == LaneTxState.Signed)
        {
            await AcceptedAsync(signed, cancellationToken);
        }
    }

    private Task AcceptedAsync(SignedTx signed, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await tx.ExecuteAsync("UPDATE lane_tx SET state = 'ACCEPTED' WHERE lane_tx_id = @LaneTxId AND state = 'SIGNED'", signed);
            await tx.ExecuteAsync("UPDATE operation SET state = 'BROADCAST' WHERE lane_tx_id = @LaneTxId AND state = 'ASSIGNED'", signed);
        },
        cancellationToken);

    /// <summary>
    /// The nonce is used: by this transaction, in a block that is about to be applied, or by one that we do not know (another process
    /// with the same key). A receipt that is missing proves nothing, it may be asked of another branch. Only when the nonce is used as of
    /// a final block, and the follower has seen no attempt of ours, are the operations free for another transaction. Their own nonces keep
    /// them from running twice.
    /// </summary>
    private async Task NonceUsedAsync(SignedTx signed, CancellationToken cancellationToken)
    {
        var finalBlock = follower.Block - options.Value.FinalityBlocks;
        if (!follower.IsCaughtUp || finalBlock < 0 || await chain.GetNonceAsync(Address, finalBlock, cancellationToken) <= signed.Nonce)
        {
            return;
        }

        log.LogError("Nonce {Nonce} of {Address} was used by a transaction that is not ours: is another relayer running with this key?", signed.Nonce, Address);
        await db.WriteAsync(
            async tx =>
            {
                var dropped = await tx.ExecuteAsync("UPDATE lane_tx SET state = 'CANCELLED' WHERE lane_tx_id = @LaneTxId AND state IN ('SIGNED', 'ACCEPTED')", signed);
                if (dropped > 0)
                {
                    await RequeueAsync(tx, await Bundler.OfAsync(tx, signed.LaneTxId));
                }
            },
            cancellationToken);
        await RecoverAsync(cancellationToken);
    }

    /* NEXT */

    private async Task<bool> SendNextAsync(CancellationToken cancellationToken)
    {
        // Before the chain is read to its head, what looks open may have happened already.
        if (!follower.IsCaughtUp || await ClaimAsync(cancellationToken) is not { } bundle)
        {
            return false;
        }

        var simulation = await SimulateAsync(bundle, cancellationToken);
        if (simulation is null)
        {
            return false;
        }

        if (simulation.Suspect || simulation.Refused.Count > 0)
        {
            await RefuseAsync(bundle, simulation, cancellationToken);
            return true;
        }

        await SendAsync(await SignAsync(bundle, replaced: null, cancellationToken), cancellationToken);
        return true;
    }

    private async Task<Bundle?> ClaimAsync(CancellationToken cancellationToken)
    {
        var own = _isDepositLow ? await bundler.ClaimAsync(_eoa, ownOnly: true, cancellationToken) : null;
        _isDepositLow = false;
        return own ?? await bundler.ClaimAsync(_eoa, ownOnly: false, cancellationToken);
    }

    /// <summary>The simulation, or null if the bundle was let go because nothing can be sent now.</summary>
    private async Task<Simulation?> SimulateAsync(Bundle bundle, CancellationToken cancellationToken)
    {
        try
        {
            return await simulator.RunAsync(bundle, cancellationToken);
        }
        catch (LaneStalledException exception)
        {
            log.LogWarning("{Reason}", exception.Message);
            await bundler.ReleaseAsync(bundle, cancellationToken);
            return null;
        }
        catch (DepositTooLowException exception)
        {
            log.LogWarning("{Reason}", exception.Message);
            await bundler.ReleaseAsync(bundle, cancellationToken);
            _isDepositLow = true;
            await deposit.EnsureAsync(PaymasterDeposit.PrefundOf(bundle), cancellationToken);
            return null;
        }
    }

    private Task RefuseAsync(Bundle bundle, Simulation simulation, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            if (simulation.Suspect)
            {
                // Nobody is named. All go back; with an attempt behind them they travel alone, and the culprit shows itself.
                log.LogWarning("A bundle of {Count} would fail as a whole ({Reason}): its operations go alone", bundle.Operations.Count, simulation.Reason);
                await RequeueAsync(tx, bundle.Operations);
                return;
            }

            foreach (var (operation, state, reason) in simulation.Refused)
            {
                log.LogInformation("Operation {OperationId} ({Kind} {Step}) is {State}: {Reason}", operation.OperationId, operation.Kind, operation.Step, state, reason);
                if (state == OperationState.Rejected)
                {
                    await outcomes.RejectedAsync(tx, operation, reason);
                }
                else
                {
                    await outcomes.LostAsync(tx, operation, state, reason);
                }
            }
        },
        cancellationToken);

    private async Task<SignedTx> SignAsync(Bundle bundle, SignedTx? replaced, CancellationToken cancellationToken)
    {
        var (to, data, value) = LaneTransaction.Content(bundle, context);
        var (maxFee, priorityFee) = (Raised(gas.MaxFee, replaced?.MaxFee), Raised(gas.PriorityFee, replaced?.MaxPriorityFee));
        var transaction = new Transaction1559(
            context.ChainId, bundle.Nonce, priorityFee, maxFee, LaneTransaction.GasLimit(bundle), to, value, data.ToHex(true), []);
        var raw = new Transaction1559Signer().SignTransaction(context.LaneKey, transaction).HexToByteArray();
        var signed = new SignedTx
        {
            LaneTxId = bundle.LaneTxId,
            Nonce = bundle.Nonce,
            State = LaneTxState.Signed,
            Raw = raw,
            TxHash = Sha3Keccack.Current.CalculateHash(raw),
            MaxFee = maxFee.ToString(CultureInfo.InvariantCulture),
            MaxPriorityFee = priorityFee.ToString(CultureInfo.InvariantCulture),
        };
        await db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync(
                    "INSERT INTO attempt (tx_hash, lane_tx_id, raw, max_fee, max_priority_fee, created_at) VALUES (@TxHash, @LaneTxId, @Raw, @maxFee, @priorityFee, @now)",
                    new { signed.TxHash, signed.LaneTxId, signed.Raw, maxFee = signed.MaxFee, priorityFee = signed.MaxPriorityFee, now = time.GetUtcNow().ToUnixTimeMilliseconds() });
                await tx.ExecuteAsync("UPDATE lane_tx SET state = 'SIGNED' WHERE lane_tx_id = @LaneTxId AND state = 'BUILT'", signed);
                await tx.ExecuteAsync("UPDATE operation SET tx_hash = @TxHash WHERE lane_tx_id = @LaneTxId AND state IN ('ASSIGNED', 'BROADCAST')", signed);
            },
            cancellationToken);
        return signed;
    }

    // Nodes take a replacement only with both fees 12.5 % higher (10 % with most).
    private static BigInteger Raised(BigInteger fee, string? replaced) =>
        replaced is null ? fee : BigInteger.Max(fee, (BigInteger.Parse(replaced, CultureInfo.InvariantCulture) * 9 / 8) + 1);

    private static async Task RequeueAsync(Tx tx, IEnumerable<Operation> operations)
    {
        foreach (var operation in operations)
        {
            await InclusionTracker.RequeueAsync(tx, operation);
        }
    }

    private sealed record SignedTx
    {
        public long LaneTxId { get; init; }

        public long Nonce { get; init; }

        public string State { get; init; } = "";

        public byte[] TxHash { get; init; } = [];

        public byte[] Raw { get; init; } = [];

        public string MaxFee { get; init; } = "";

        public string MaxPriorityFee { get; init; } = "";
    }
}
