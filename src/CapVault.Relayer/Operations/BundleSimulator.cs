using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;

namespace CapVault.Relayer.Operations;

/// <summary>What a bundle would do on top of the newest block.</summary>
/// <param name="Refused">Operations that would have no effect, with the reason.</param>
/// <param name="Suspect">Whether the bundle fails as a whole and nobody is named: its operations must be tried apart.</param>
/// <param name="Reason">Why, for the log.</param>
public sealed record Simulation(IReadOnlyList<(Operation Operation, string State, string Reason)> Refused, bool Suspect, string Reason);

/// <summary>
/// Runs the exact transaction before it is sent. Validation can pass while the inner call reverts, and what passes alone may fail
/// together (the paymaster's deposit is shared): only the whole bundle tells.
/// </summary>
public sealed class BundleSimulator(ChainClient chain, ChainContext context, ChainClock clock, TimeProvider time)
{
    private static readonly TimeSpan NoncePatience = TimeSpan.FromSeconds(5);

    private readonly string _lane = context.LaneKey.GetPublicAddress();
    private (long OperationId, int Attempt, long Since) _stalled;

    /// <summary>Simulates a bundle.</summary>
    public async Task<Simulation> RunAsync(Bundle bundle, CancellationToken cancellationToken)
    {
        var (to, data, value) = LaneTransaction.Content(bundle, context);
        SimulatedCall call;
        try
        {
            // The next block's time is not before the chain clock's, and after the head's.
            call = await chain.SimulateAsync(_lane, to, data, value, LaneTransaction.GasLimit(bundle), Math.Max(clock.Now, clock.HeadTime + 1), cancellationToken);
        }
        catch (RpcResponseException exception)
        {
            // The node will not even run it (no funds, over its gas cap): waiting with it would hold everything behind it.
            return Give(bundle, exception.RpcError.Message);
        }

        if (!bundle.IsUserOps)
        {
            return call.Succeeded ? Passed : Refuse(bundle.Operations[0], OperationState.Rejected, Describe(call));
        }

        return call.Succeeded ? Judge(bundle, call) : Blame(bundle, call);
    }

    // Nobody is named: apart they show whose fault it is, and one alone is the one.
    private static Simulation Give(Bundle bundle, string reason) =>
        bundle.Operations.Count == 1 ? Refuse(bundle.Operations[0], OperationState.Failed, reason) : new Simulation([], Suspect: true, reason);

    private static Simulation Passed { get; } = new([], Suspect: false, "");

    private static Simulation Refuse(Operation operation, string state, string reason) => new([(operation, state, reason)], Suspect: false, reason);

    // The bundle goes through; which of its calls would revert?
    private static Simulation Judge(Bundle bundle, SimulatedCall call)
    {
        var reasons = new Dictionary<string, string>(StringComparer.Ordinal);
        var refused = new List<(Operation, string, string)>();
        foreach (var log in call.Logs)
        {
            if (log.IsLogForEvent<UserOperationRevertReasonEventDTO>())
            {
                var reverted = log.DecodeEvent<UserOperationRevertReasonEventDTO>().Event;
                reasons[reverted.UserOpHash.ToHex()] = Reverts.Describe(reverted.RevertReason);
            }
            else if (log.IsLogForEvent<UserOperationEventEventDTO>())
            {
                var included = log.DecodeEvent<UserOperationEventEventDTO>().Event;
                if (!included.Success && bundle.Operations.FirstOrDefault(item => item.UserOpHash!.AsSpan().SequenceEqual(included.UserOpHash)) is { } operation)
                {
                    refused.Add((operation, OperationState.Rejected, reasons.GetValueOrDefault(included.UserOpHash.ToHex(), "the call would revert without a reason")));
                }
            }
        }

        return new Simulation(refused, Suspect: false, "");
    }

    // The EntryPoint names the operation whose validation fails.
    private Simulation Blame(Bundle bundle, SimulatedCall call)
    {
        var reason = Describe(call);
        if (Reverts.FailedOperation(call.RevertData) is not { } failed || failed.Index >= bundle.Operations.Count)
        {
            return Give(bundle, reason);
        }

        var operation = bundle.Operations[(int)failed.Index];
        if (failed.Reason.StartsWith("AA31", StringComparison.Ordinal))
        {
            throw new DepositTooLowException($"The paymaster's deposit at the EntryPoint is too low for a bundle of {bundle.Operations.Count} ({failed.Reason}).");
        }

        if (failed.Reason.StartsWith("AA25", StringComparison.Ordinal) && MayBeIncluded(operation))
        {
            throw new LaneStalledException($"The nonce of operation {operation.UserOpHash!.ToHex(true)} is used. Waiting for the block that tells by whom.");
        }

        if (failed.Reason.StartsWith("AA95", StringComparison.Ordinal))
        {
            // The bundle's gas limit was too low, whoever used it up.
            return Give(bundle, failed.Reason);
        }

        // The EntryPoint refuses the operation as such; the order's step was not even tried.
        return Refuse(operation, operation.ValidUntil <= clock.Now ? OperationState.Expired : OperationState.Failed, failed.Reason);
    }

    // The block with its event may be one that is just being applied; after a few seconds it is not.
    private bool MayBeIncluded(Operation operation)
    {
        if (_stalled.OperationId != operation.OperationId || _stalled.Attempt != operation.Attempt)
        {
            _stalled = (operation.OperationId, operation.Attempt, time.GetTimestamp());
        }

        return time.GetElapsedTime(_stalled.Since) < NoncePatience;
    }

    private static string Describe(SimulatedCall call) =>
        call.RevertData is { Length: > 0 } data ? Reverts.Describe(data) : call.Error?.Message ?? "it would revert without a reason";
}

/// <summary>Nothing can be sent until a block is applied; nothing is lost by waiting.</summary>
public sealed class LaneStalledException(string message) : Exception(message);

/// <summary>Nothing can be sent until the paymaster has a larger deposit.</summary>
public sealed class DepositTooLowException(string message) : Exception(message);

/// <summary>A lane transaction as it is signed.</summary>
public static class LaneTransaction
{
    private const long NoOpGas = 21_000;

    /// <summary>
    /// The transaction's own 21 000, what handleOps does around its operations, and the largest reserve: before each call the EntryPoint
    /// wants that call's whole limit left (and 1/63 more), but gets the unused part back for the next.
    /// </summary>
    private const long BundleOverhead = 60_000 + (GasLimits.Settle * 64 / 63);

    /// <summary>Recipient, data and wei.</summary>
    public static (string To, byte[] Data, BigInteger Value) Content(Bundle bundle, ChainContext context)
    {
        if (bundle.Operations.Count == 0)
        {
            // A no-op: uses the nonce up.
            return (context.LaneKey.GetPublicAddress(), [], BigInteger.Zero);
        }

        var first = bundle.Operations[0];
        if (!bundle.IsUserOps)
        {
            return (first.Target!.ToHex(true), first.CallData, BigInteger.Parse(first.Value, System.Globalization.CultureInfo.InvariantCulture));
        }

        var call = new HandleOpsFunction
        {
            Ops = [.. bundle.Operations.Select(operation => new ABIEncode().DecodeEncodedComplexType<PackedUserOperation>(operation.UserOp!))],
            Beneficiary = context.LaneKey.GetPublicAddress(),
        };
        return (context.EntryPoint, call.GetCallData(), BigInteger.Zero);
    }

    /// <summary>Gas limit.</summary>
    public static long GasLimit(Bundle bundle) => bundle.Operations.Count == 0
        ? NoOpGas
        : bundle.Operations.Sum(operation => operation.GasLimit) + (bundle.IsUserOps ? BundleOverhead : 0);
}
