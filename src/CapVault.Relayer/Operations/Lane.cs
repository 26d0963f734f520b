using System.Globalization;
using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Model;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Relayer.Operations;

/// <summary>
/// Drives one EOA: look → fill → simulate → sign → claim → send, while what was sent before waits to be mined. The signed bytes are committed before they
/// are sent, and whoever finds them sends the same bytes again, so a crash at any point can only repeat what is persisted. Whether a transaction was
/// mined is learned from blocks (<see cref="InclusionTracker"/>), never from the answer to a send.
/// </summary>
public sealed class Lane(
    byte[] eoa,
    LaneKey? key,
    LaneBook book,
    ChainClient chain,
    ChainContext context,
    GasOracle gas,
    Follower follower,
    Bundler bundler,
    BundleSimulator simulator,
    PaymasterDeposit deposit,
    LaneFunds funds,
    OperationQueue queue,
    RelayerOptions options,
    TimeProvider time,
    ILogger<Lane> log)
{
    /// <summary>Transactions of any kind that one EOA may have unmined: what nodes keep of one sender (16 in geth).</summary>
    private const int MaxUnmined = 16;

    /// <summary>A pass of <see cref="StepAsync"/> that has changed something is followed by the next at once.</summary>
    private const long AtOnce = 0;

    private readonly string _address = AddressUtil.Current.ConvertToChecksumAddress(eoa);
    private readonly BundlePolicy _policy = new(options.BundleSize, options.BundleGas, options.BundleAgeMilliseconds, options.InFlight);

    // What is on its way, by its row. The database has it all; this saves reading and decoding it again each time.
    private readonly Dictionary<long, Sent> _sent = [];

    // Operations that cannot travel on top of a block, and that block. Nobody else waits for them.
    private readonly HashSet<long> _held = [];
    private byte[]? _heldAt;
    private long _epoch;

    // What a transaction needs that the EOA could not pay for, wei; at first anything.
    private BigInteger _needs = BigInteger.One;

    /// <summary>Runs until it is cancelled; others may go on then.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await DriveAsync(cancellationToken);
        await book.ReleaseAsync(CancellationToken.None);
    }

    private async Task DriveAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var (queued, applied) = (key is null ? Task.Delay(Timeout.Infinite, cancellationToken) : queue.QueuedFor(key).Next, follower.Applied.Next);
            long? pause = null;
            try
            {
                pause = await book.HoldAsync(cancellationToken) ? await StepAsync(cancellationToken) : null;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                log.LogWarning(exception, "Lane {Address} could not go on; trying again with the next block", _address);
            }

            if (pause != AtOnce)
            {
                // A bundle that waits for company is not woken by each that comes.
                var patience = TimeSpan.FromMilliseconds(Math.Min(pause ?? options.ResendMilliseconds, options.ResendMilliseconds));
                await (pause is null ? Task.WhenAny(queued, applied) : applied).WaitAsync(patience, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Does what is to be done. Returns after how many milliseconds there is more, or null if something must happen first.</summary>
    private async Task<long?> StepAsync(CancellationToken cancellationToken)
    {
        if (_epoch != book.Epoch)
        {
            _epoch = book.Epoch;
            _sent.Clear();
            _held.Clear();
        }

        var view = await bundler.LookAsync(eoa, _held, options.BundleSize * 4, cancellationToken);
        if (!view.TipHash.AsSpan().SequenceEqual(_heldAt))
        {
            (_heldAt, var any) = (view.TipHash, _held.Count > 0);
            _held.Clear();
            if (any)
            {
                return AtOnce;
            }
        }

        await TendAsync(view, cancellationToken);

        // Before the chain is read to its head, what looks open may have happened already.
        if (key is null || view.TipHash is null || !follower.IsCaughtUp)
        {
            return null;
        }

        if (view.IsUntidy)
        {
            await book.TidyAsync(cancellationToken);
            return AtOnce;
        }

        return gas.IsTooDear || (view.Candidates.Count == 0 && view.Own.Count == 0 && !view.OwnWait) || !await CanPayAsync(cancellationToken)
            ? null
            : await SendNextAsync(key, view, view.TipHash, cancellationToken);
    }

    /* SENT, NOT MINED */

    private sealed record Sent(Attempt Attempt, LaneCall Call, bool IsBundle)
    {
        public long? At { get; init; }
    }

    /// <summary>Sends again what is not mined, lowest nonce first.</summary>
    private async Task TendAsync(LaneView view, CancellationToken cancellationToken)
    {
        foreach (var done in _sent.Keys.Except(view.Unmined.Select(row => row.LaneTxId)).ToList())
        {
            _sent.Remove(done);
        }

        var unknown = view.Unmined.Select(row => row.LaneTxId).Where(id => !_sent.ContainsKey(id)).ToList();
        if (unknown.Count > 0)
        {
            (await book.AttemptsAsync(unknown, cancellationToken)).ForEach(Remember);
        }

        var isLowest = true;
        foreach (var row in view.Unmined)
        {
            var sent = _sent[row.LaneTxId];
            if (sent.At is not { } at || time.GetElapsedTime(at).TotalMilliseconds >= options.ResendMilliseconds)
            {
                if (isLowest && sent.At is not null)
                {
                    await FillGapAsync(row.Nonce, cancellationToken);
                }

                await ResendAsync(sent.Attempt with { State = row.State }, cancellationToken);
            }

            isLowest = false;
        }
    }

    private void Remember(Attempt attempt)
    {
        var call = LaneCall.Of(attempt.Raw);
        _sent[attempt.LaneTxId] = new Sent(attempt, call, call.To.IsTheSameHex(context.EntryPoint) && call.Value.IsZero);
    }

    /// <summary>The same bytes again; or the same nonce with higher fees where the base fee has outgrown them.</summary>
    private async Task ResendAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var maxFee = BigInteger.Parse(attempt.MaxFee, CultureInfo.InvariantCulture);
        if (key is null || gas.BaseFee < maxFee)
        {
            await SendAsync([attempt], cancellationToken);
            return;
        }

        // Where that would cost more than we may offer, a no-op uses the nonce up: little gas at any price. Whichever of them is mined decides.
        var isTooDear = attempt.Cancels || gas.IsTooDear || Raised(gas.MaxFee, attempt.MaxFee) > options.MaxFee;
        log.LogWarning(
            "Nonce {Nonce} of {Address} is priced out: it offers {MaxFee} wei, the base fee is {BaseFee}; {What} it", attempt.Nonce, _address, maxFee, gas.BaseFee, isTooDear ? "cancelling" : "replacing");
        var call = isTooDear ? LaneCall.Of(new Bundle([]), key, context.EntryPoint) : _sent[attempt.LaneTxId].Call;
        var raised = Sign(key, call, attempt.Nonce, isTooDear ? gas.LastingFee : gas.MaxFee, attempt) with { LaneTxId = attempt.LaneTxId, State = attempt.State, Cancels = isTooDear };
        await book.ReplaceAsync(raised, cancellationToken);
        Remember(raised);
        await SendAsync([raised], cancellationToken);
    }

    // A nonce that somebody else had used, and that a reorganisation has freed: nothing behind it is ever mined unless something has it.
    private async Task FillGapAsync(long lowest, CancellationToken cancellationToken)
    {
        if (key is null)
        {
            return;
        }

        for (var nonce = await chain.GetNonceAsync(_address, block: null, cancellationToken); nonce < lowest; nonce++)
        {
            if (await book.FillAsync(Sign(key, LaneCall.Of(new Bundle([]), key, context.EntryPoint), nonce, gas.LastingFee) with { Cancels = true }, cancellationToken) is { } noOp)
            {
                log.LogWarning("Nobody has nonce {Nonce} of {Address}, and {Lowest} waits behind it: a no-op takes it", nonce, _address, lowest);
                Remember(noOp);
                await SendAsync([noOp], cancellationToken);
            }
        }
    }

    /// <summary>Sends what is committed.</summary>
    private async Task SendAsync(IReadOnlyList<Attempt> attempts, CancellationToken cancellationToken)
    {
        var accepted = new List<long>();
        foreach (var attempt in attempts)
        {
            _sent[attempt.LaneTxId] = _sent[attempt.LaneTxId] with { At = time.GetTimestamp() };
            try
            {
                await chain.SendRawAsync(attempt.Raw, cancellationToken);
                if (attempt.State == LaneTxState.Signed)
                {
                    accepted.Add(attempt.LaneTxId);
                }
            }
            catch (RpcResponseException exception)
            {
                await NotTakenAsync(attempt, exception.RpcError.Message, cancellationToken);
            }
        }

        if (accepted.Count > 0)
        {
            await book.AcceptAsync(accepted, cancellationToken);
        }
    }

    // Nodes word their refusals differently, and some refuse what they have. What is behind it must go out all the same.
    private async Task NotTakenAsync(Attempt attempt, string reason, CancellationToken cancellationToken)
    {
        if (reason.Contains("nonce too low", StringComparison.OrdinalIgnoreCase))
        {
            await NonceUsedAsync(attempt, cancellationToken);
            return;
        }

        log.LogWarning("The node does not take nonce {Nonce} of {Address} now: {Reason}", attempt.Nonce, _address, reason);
        if (reason.Contains("insufficient funds", StringComparison.OrdinalIgnoreCase))
        {
            _needs = _sent[attempt.LaneTxId].Call.Gas * BigInteger.Parse(attempt.MaxFee, CultureInfo.InvariantCulture);
            await funds.EnsureAsync(cancellationToken);
        }
    }

    /// <summary>
    /// The nonce is used: by an attempt of ours, in a block that is about to be applied, or by a transaction that we do not know (another process
    /// with the same key). A receipt that is missing proves nothing, it may be asked of another branch. Only when the nonce is used as of
    /// a final block, and the follower has seen no attempt of ours, are the operations free for another transaction. Their own nonces keep
    /// them from running twice.
    /// </summary>
    private async Task NonceUsedAsync(Attempt attempt, CancellationToken cancellationToken)
    {
        var finalBlock = follower.Block - options.FinalityBlocks;
        if (!follower.IsCaughtUp || finalBlock < 0 || await chain.GetNonceAsync(_address, finalBlock, cancellationToken) <= attempt.Nonce)
        {
            return;
        }

        log.LogError("Nonce {Nonce} of {Address} was used by a transaction that is not ours: is another relayer running with this key?", attempt.Nonce, _address);
        await book.GiveUpAsync(attempt, await chain.GetNonceAsync(_address, block: null, cancellationToken), cancellationToken);
    }

    /* NEXT */

    /// <summary>Sends what can go now: the relayer's own transactions, and a bundle where it is its time.</summary>
    private async Task<long?> SendNextAsync(LaneKey lane, LaneView view, byte[] tip, CancellationToken cancellationToken)
    {
        var room = MaxUnmined - view.Unmined.Count;
        if (view.OwnWait && room > view.Own.Count)
        {
            await book.TakeOwnAsync(room - view.Own.Count, cancellationToken);
            return AtOnce;
        }

        List<Bundle> bundles = [.. view.Own.Take(Math.Max(0, room)).Select(own => new Bundle([own]))];
        var available = await deposit.AtAsync(tip, cancellationToken) / PaymasterDeposit.Gwei;
        var (bundle, wait) = room > bundles.Count ? await NextBundleAsync(view, available, cancellationToken) : (null, null);
        if (bundle is not null)
        {
            bundles.Add(bundle);
        }

        if (bundles.Count == 0)
        {
            return wait;
        }

        var sendable = await SimulatedAsync(lane, view, tip, bundles, cancellationToken);
        if (sendable.Count > 0)
        {
            var signed = sendable.Select((one, index) => (Sign(lane, LaneCall.Of(one, lane, context.EntryPoint), view.NextNonce + index, gas.MaxFee), one)).ToList();
            if (await book.ClaimAsync(signed, available, cancellationToken) is { } claimed)
            {
                claimed.ForEach(Remember);
                await SendAsync(claimed, cancellationToken);
            }
        }

        return AtOnce;
    }

    /// <summary>The next bundle if it is its time, or else how long to wait for it.</summary>
    private async Task<(Bundle? Bundle, long? Wait)> NextBundleAsync(LaneView view, BigInteger available, CancellationToken cancellationToken)
    {
        if (view.Candidates.Count == 0)
        {
            return (null, null);
        }

        var filling = _policy.Fill(view.Candidates, (long)BigInteger.Min(available - view.Prefund, long.MaxValue));
        if (filling.Operations.Count == 0)
        {
            // There may be nothing but what waits for another; or the deposit has no room for even one.
            await deposit.EnsureAsync((view.Prefund + (BigInteger)view.Candidates[0].Prefund) * PaymasterDeposit.Gwei, cancellationToken);
            return (null, null);
        }

        var age = time.GetUtcNow().ToUnixTimeMilliseconds() - filling.Operations.Min(operation => operation.UpdatedAt);
        var wait = _policy.WaitFor(filling.IsFull, age, view.Unmined.Count(row => _sent[row.LaneTxId].IsBundle));
        if (wait != AtOnce)
        {
            return (null, wait);
        }

        var loaded = await bundler.LoadAsync(filling.Operations, cancellationToken);
        return loaded.Count == filling.Operations.Count ? (new Bundle(loaded), AtOnce) : (null, AtOnce);
    }

    /// <summary>
    /// What of them can be sent. Whoever is named leaves, with those behind it in its nonce lane; where nobody is named half of them are tried, and the others
    /// wait for the next bundle. Each round has fewer operations, so it ends, and whoever spoils bundles ends up alone.
    /// </summary>
    private async Task<List<Bundle>> SimulatedAsync(LaneKey lane, LaneView view, byte[] tip, List<Bundle> bundles, CancellationToken cancellationToken)
    {
        List<LaneCall> before = [.. view.Unmined.Select(row => _sent[row.LaneTxId].Call)];
        while (bundles.Count > 0)
        {
            var simulation = await simulator.RunAsync(lane, tip, before, bundles, cancellationToken);
            if (simulation.IsClean)
            {
                break;
            }

            bundles = await WithoutAsync(bundles, simulation, tip, cancellationToken);
        }

        return bundles;
    }

    private async Task<List<Bundle>> WithoutAsync(List<Bundle> bundles, Simulation simulation, byte[] tip, CancellationToken cancellationToken)
    {
        if (simulation.Refused.Count > 0)
        {
            await RefuseAsync(simulation.Refused, tip, cancellationToken);
            return Without(bundles, [.. simulation.Refused.Select(refusal => refusal.Operation)]);
        }

        switch (simulation.Fault)
        {
            case Fault.Nonce:
                await HoldAsync(simulation.Operation!, tip, cancellationToken);
                return Without(bundles, [simulation.Operation!]);
            case Fault.Deposit:
                // It has shrunk since the block: somebody has withdrawn from it, or another lane was faster.
                log.LogWarning("The paymaster's deposit at the EntryPoint is too low for a bundle of {Count} ({Reason})", simulation.Bundle!.Operations.Count, simulation.Reason);
                await deposit.EnsureAsync(simulation.Bundle.Operations.Sum(operation => operation.Prefund) * (BigInteger)PaymasterDeposit.Gwei, cancellationToken);
                return Without(bundles, [simulation.Operation!]);
            case Fault.Together:
                log.LogWarning("A bundle of {Count} would fail as a whole ({Reason}): trying half of it", simulation.Bundle!.Operations.Count, simulation.Reason);
                return [.. bundles.Select(bundle => bundle == simulation.Bundle ? Half(bundle) : bundle)];
            case Fault.Unrunnable when bundles is [{ Operations: [var alone] }]:
                log.LogWarning("The node will not run operation {OperationId}: {Reason}", alone.OperationId, simulation.Reason);
                await book.StrikeAsync(alone, simulation.Reason, cancellationToken);
                _held.Add(alone.OperationId);
                return [];
            case Fault.Unrunnable:
                return bundles.Count == 1 ? [Half(bundles[0])] : bundles[..(bundles.Count / 2)];
            default:
                _held.UnionWith(bundles.SelectMany(bundle => bundle.Operations).Select(operation => operation.OperationId));
                return [];
        }
    }

    // What would fail on top of a block may go through on top of the next: the money came with it, and whoever asked for the operation has seen that.
    private async Task RefuseAsync(IReadOnlyList<Refusal> refused, byte[] tip, CancellationToken cancellationToken)
    {
        if (!(await chain.GetHeadAsync(cancellationToken)).BlockHash.HexToByteArray().AsSpan().SequenceEqual(tip))
        {
            _held.UnionWith(refused.Select(refusal => refusal.Operation.OperationId));
            return;
        }

        foreach (var (operation, state, reason) in refused)
        {
            log.LogInformation("Operation {OperationId} ({Kind} {Step}) is {State}: {Reason}", operation.OperationId, operation.Kind, operation.Step, state, reason);
        }

        await book.RefuseAsync(refused, cancellationToken);
    }

    // Its place in the nonce lane is not the next one. Who has called EntryPoint.incrementNonce directly, or has sent operations past us, is found by asking;
    // then it is signed for another place, or ends. Else the one before it waits, and so does this one. Nobody else does.
    private async Task HoldAsync(Operation operation, byte[] tip, CancellationToken cancellationToken)
    {
        _held.Add(operation.OperationId);
        var place = new BigInteger(operation.UserOp!.AsSpan(32, 32), isUnsigned: true, isBigEndian: true); // the second word: keys of others' accounts are longer than a column
        var next = await chain.QueryNumberAtAsync(
            context.EntryPoint, new GetNonceFunction { Sender = operation.Sender!.ToHex(true), Key = place >> 64 }, tip, cancellationToken);
        await book.AdvanceAsync(operation, NonceLane.Of(next).Sequence, cancellationToken);
    }

    private static Bundle Half(Bundle bundle) => new([.. bundle.Operations.Take(bundle.Operations.Count / 2)]);

    private static List<Bundle> Without(List<Bundle> bundles, List<Operation> gone) =>
    [
        .. bundles
            .Select(bundle => new Bundle([.. bundle.Operations.Where(operation => !gone.Exists(one => one.OperationId == operation.OperationId || IsBehind(operation, one)))]))
            .Where(bundle => bundle.Operations.Count > 0),
    ];

    private static bool IsBehind(Operation operation, Operation other) =>
        operation.Sender is { } account && account.AsSpan().SequenceEqual(other.Sender) && operation.NonceKey == other.NonceKey && operation.NonceSeq > other.NonceSeq;

    /* MONEY AND SIGNATURES */

    // A lane that has no ETH yet leaves the relayer's own transactions to others, and what must go by it to a later block.
    private async Task<bool> CanPayAsync(CancellationToken cancellationToken)
    {
        if (_needs > 0 && await chain.GetBalanceAsync(_address, cancellationToken) >= _needs)
        {
            _needs = 0;
        }

        return _needs.IsZero;
    }

    private Attempt Sign(LaneKey lane, LaneCall call, long nonce, BigInteger fee, Attempt? replaced = null)
    {
        var (maxFee, priorityFee) = (Raised(fee, replaced?.MaxFee), Raised(gas.PriorityFee, replaced?.MaxPriorityFee));
        var transaction = new Transaction1559(context.ChainId, nonce, priorityFee, maxFee, call.Gas, call.To, call.Value, call.Input, []);
        var raw = new Transaction1559Signer().SignTransaction(lane.Key, transaction).HexToByteArray();
        return new Attempt
        {
            Nonce = nonce,
            Raw = raw,
            TxHash = Sha3Keccack.Current.CalculateHash(raw),
            MaxFee = maxFee.ToString(CultureInfo.InvariantCulture),
            MaxPriorityFee = priorityFee.ToString(CultureInfo.InvariantCulture),
        };
    }

    // Nodes take a replacement only with both fees 12.5 % higher (10 % with most).
    private static BigInteger Raised(BigInteger fee, string? replaced) =>
        replaced is null ? fee : BigInteger.Max(fee, (BigInteger.Parse(replaced, CultureInfo.InvariantCulture) * 9 / 8) + 1);
}
