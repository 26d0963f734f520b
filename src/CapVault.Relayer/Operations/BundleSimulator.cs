using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;

namespace CapVault.Relayer.Operations;

/// <summary>An operation that would have no effect.</summary>
/// <param name="Operation">Which.</param>
/// <param name="State">How it ends: REJECTED, EXPIRED or FAILED.</param>
/// <param name="Reason">For people.</param>
public sealed record Refusal(Operation Operation, string State, string Reason);

/// <summary>Why a bundle cannot be sent as it is.</summary>
public enum Fault
{
    /// <summary>It can.</summary>
    None,

    /// <summary>It fails as a whole, and nobody is named: a part of it must be tried.</summary>
    Together,

    /// <summary>The paymaster's deposit is too low for it.</summary>
    Deposit,

    /// <summary>An operation is not at the next place of its nonce lane.</summary>
    Nonce,

    /// <summary>The node will not run it.</summary>
    Unrunnable,

    /// <summary>The node does not have the block any more, or not yet: a reorganisation, or another node behind a balancer.</summary>
    BlockGone,
}

/// <summary>What transactions would do.</summary>
/// <param name="Refused">Operations that would have no effect.</param>
/// <param name="Fault">Why they cannot be sent as they are.</param>
/// <param name="Bundle">Which of them has the fault.</param>
/// <param name="Operation">The operation that is named.</param>
/// <param name="Reason">For people.</param>
public sealed record Simulation(IReadOnlyList<Refusal> Refused, Fault Fault = Fault.None, Bundle? Bundle = null, Operation? Operation = null, string Reason = "")
{
    /// <summary>Whether all of them may be sent.</summary>
    public bool IsClean => Refused.Count == 0 && Fault == Fault.None;
}

/// <summary>
/// Runs the exact transactions before they are sent, on top of what their lane has on its way. Validation can pass while the inner call reverts, and what
/// passes alone may fail together (the paymaster's deposit is shared): only the whole bundle tells.
/// </summary>
public sealed class BundleSimulator(ChainClient chain, ChainContext context, ChainClock clock)
{
    private static readonly string OperationEvent = "0x" + Event<UserOperationEventEventDTO>.GetEventABI().Sha3Signature;
    private static readonly string RevertReason = "0x" + Event<UserOperationRevertReasonEventDTO>.GetEventABI().Sha3Signature;

    /// <summary>Simulates transactions of a lane.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="block">The block to begin with, by its hash.</param>
    /// <param name="before">What the lane has on its way as of that block.</param>
    /// <param name="bundles">What comes next.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    public async Task<Simulation> RunAsync(LaneKey lane, byte[] block, IReadOnlyList<LaneCall> before, IReadOnlyList<Bundle> bundles, CancellationToken cancellationToken)
    {
        SimulatedCall[] calls;
        try
        {
            // The next block's time is not before the chain clock's, and after the head's.
            calls = await chain.SimulateAsync(
                lane.Address,
                [.. before, .. bundles.Select(bundle => LaneCall.Of(bundle, lane, context.EntryPoint))],
                block,
                Math.Max(clock.Now, clock.HeadTime + 1),
                cancellationToken);
        }
        catch (RpcResponseException exception)
        {
            return new Simulation([], IsAboutBlock(exception) ? Fault.BlockGone : Fault.Unrunnable, Reason: exception.RpcError.Message);
        }

        var refused = new List<Refusal>();
        foreach (var (bundle, call) in bundles.Zip(calls.Skip(before.Count)))
        {
            if (Judge(bundle, call, refused) is { } fault)
            {
                // What comes after it was run without it: that proves nothing.
                return fault with { Refused = refused };
            }
        }

        return new Simulation(refused);
    }

    private Simulation? Judge(Bundle bundle, SimulatedCall call, List<Refusal> refused)
    {
        if (bundle.IsUserOps)
        {
            if (!call.Succeeded)
            {
                return Blame(bundle, call, refused);
            }

            refused.AddRange(Reverting(bundle, call));
        }
        else if (!call.Succeeded)
        {
            refused.Add(new Refusal(bundle.Operations[0], OperationState.Rejected, Describe(call)));
        }

        return null;
    }

    // The bundle goes through; which of its calls would revert? Whole bundles of logs pass here, so only those that matter are decoded.
    private static IEnumerable<Refusal> Reverting(Bundle bundle, SimulatedCall call)
    {
        const int successWord = 1; // nonce, success, actualGasCost, actualGasUsed
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var log in call.Logs)
        {
            var signature = log.Topics[0].ToString();
            if (signature == RevertReason)
            {
                var reverted = log.DecodeEvent<UserOperationRevertReasonEventDTO>().Event;
                reasons[log.Topics[1].ToString()!] = Reverts.Describe(reverted.RevertReason);
            }
            else if (signature == OperationEvent && log.Data[2 + ((successWord + 1) * 64) - 1] == '0')
            {
                var hash = log.Topics[1].ToString()!;
                if (bundle.Operations.FirstOrDefault(item => item.UserOpHash!.ToHex(true) == hash) is { } operation)
                {
                    yield return new Refusal(operation, OperationState.Rejected, reasons.GetValueOrDefault(hash, "the call would revert without a reason"));
                }
            }
        }
    }

    // The EntryPoint names the operation whose validation fails.
    private Simulation? Blame(Bundle bundle, SimulatedCall call, List<Refusal> refused)
    {
        if (Reverts.FailedOperation(call.RevertData) is not { } failed || failed.Index >= bundle.Operations.Count)
        {
            return Together(bundle, Describe(call), refused);
        }

        var operation = bundle.Operations[(int)failed.Index];
        switch (failed.Reason.Split(' ')[0].TrimEnd(':'))
        {
            case "AA31":
                return new Simulation([], Fault.Deposit, bundle, operation, failed.Reason);
            case "AA25":
                return new Simulation([], Fault.Nonce, bundle, operation, failed.Reason);
            case "AA95":
                return Together(bundle, failed.Reason, refused); // the bundle's gas limit was too low, whoever used it up
            default:
                // The EntryPoint refuses the operation as such; the order's step was not even tried.
                refused.Add(new Refusal(operation, operation.ValidUntil <= clock.Now ? OperationState.Expired : OperationState.Failed, failed.Reason));
                return null;
        }
    }

    // Nobody is named, but one alone is the one.
    private static Simulation? Together(Bundle bundle, string reason, List<Refusal> refused)
    {
        if (bundle.Operations.Count > 1)
        {
            return new Simulation([], Fault.Together, bundle, Reason: reason);
        }

        refused.Add(new Refusal(bundle.Operations[0], OperationState.Failed, reason));
        return null;
    }

    // Nodes word it differently.
    private static bool IsAboutBlock(RpcResponseException exception) =>
        ((string[])["not found", "unknown block", "OutOfRange"]).Any(words => exception.RpcError.Message.Contains(words, StringComparison.OrdinalIgnoreCase));

    private static string Describe(SimulatedCall call) =>
        call.RevertData is { Length: > 0 } data ? Reverts.Describe(data) : call.Error?.Message ?? "it would revert without a reason";
}
