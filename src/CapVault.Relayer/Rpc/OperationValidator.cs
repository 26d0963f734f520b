using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;

namespace CapVault.Relayer.Rpc;

/// <summary>Runs an operation at the EntryPoint before it is taken, exactly as its lane would send it: validation and call in one request of the node.</summary>
public sealed class OperationValidator(ChainClient chain, ChainContext context, ChainClock clock)
{
    private static readonly string OperationEvent = "0x" + Event<UserOperationEventEventDTO>.GetEventABI().Sha3Signature;
    private static readonly string RevertReason = "0x" + Event<UserOperationRevertReasonEventDTO>.GetEventABI().Sha3Signature;

    /// <summary>Makes sure that it would go through.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="packed">The same, as the ABI encodes it.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="before">Those that go before it, encoded: it may build on what they do. Those that have landed meanwhile do nothing.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <exception cref="RpcException">It would not; by ERC-7769's codes.</exception>
    public async Task RequireValidAsync(
        RpcUserOperation operation, byte[] packed, byte[] hash, IReadOnlyList<(byte[] UserOp, long Gas)> before, CancellationToken cancellationToken)
    {
        var lane = context.LaneOf(operation.Sender);
        var calls = before.Append((packed, GasOf(operation)))
            .Select(item => (lane.Address, new LaneCall(context.EntryPoint, LaneCall.HandleOpsData([item.Item1], lane.Eoa).ToHex(true), BigInteger.Zero, item.Item2 + Overhead)));
        SimulatedCall result;
        try
        {
            // At the next block's time, as the lane does.
            result = (await chain.SimulateAsync([.. calls], Math.Max(clock.Now, clock.HeadTime + 1), stateOverrides: null, cancellationToken))[^1];
        }
        catch (RpcResponseException exception)
        {
            throw new RpcException(RpcException.Account, $"The node will not run the operation: {exception.RpcError.Message}");
        }

        if (!result.Succeeded)
        {
            throw Refusal(result.RevertData, result.Error?.Message);
        }

        RequireEffect(result, hash.ToHex(prefix: true));
    }

    /// <summary>What an operation may add to the gas of its transaction: all of its limits, 1/63 that each call leaves behind, and what is around it.</summary>
    public static long GasOf(RpcUserOperation operation)
    {
        var limits = operation.Gas - operation.PreVerificationGas;
        return (long)(limits + (limits / 63)) + 40_000 + PreVerification.FloorOf(operation);
    }

    // The transaction's own, and EIP-7623's floor for data.
    private const long Overhead = 100_000;

    private static void RequireEffect(SimulatedCall result, string hash)
    {
        const int successWord = 1; // nonce, success, actualGasCost, actualGasUsed
        foreach (var log in result.Logs)
        {
            var isThis = log.Topics is [_, string topic, ..] && topic == hash;
            if (isThis && log.Topics[0].ToString() == OperationEvent && log.Data[2 + ((successWord + 1) * 64) - 1] == '0')
            {
                var reverted = result.Logs.FirstOrDefault(item => item.Topics is [string signature, string about, ..] && signature == RevertReason && about == hash);
                var data = reverted?.DecodeEvent<UserOperationRevertReasonEventDTO>().Event.RevertReason ?? [];
                throw new RpcException(RpcException.Reverted, $"The operation's call would revert: {Reverts.Describe(data)}", data.ToHex(prefix: true));
            }
        }
    }

    /// <summary>The error for what the EntryPoint refuses with.</summary>
    internal static RpcException Refusal(byte[] revertData, string? message)
    {
        if (Reverts.FailedOperation(revertData) is not { } failed)
        {
            return new RpcException(RpcException.Account, $"The EntryPoint refuses the operation: {(revertData.Length > 0 ? Reverts.Describe(revertData) : message ?? "without a reason")}", revertData.ToHex(prefix: true));
        }

        var code = failed.Reason.Split(' ')[0].TrimEnd(':') switch
        {
            "AA24" or "AA34" => RpcException.Signature,
            "AA22" or "AA32" => RpcException.Time,
            "AA31" => RpcException.PaymasterBalance,
            "AA30" or "AA33" or "AA36" or "AA50" => RpcException.Paymaster,
            _ => RpcException.Account,
        };
        return new RpcException(code, failed.Reason, revertData.ToHex(prefix: true));
    }
}

/// <summary>What the bundler is paid for that the EntryPoint cannot measure: the transaction itself, its data, and the EntryPoint's own work.</summary>
public static class PreVerification
{
    private const long Transaction = 21_000;
    private const long PerOperation = 22_000;

    /// <summary>No operation runs on less than this: its account's validation, with the EntryPoint's bookkeeping.</summary>
    private const long LeastUsed = 30_000;

    /// <summary>The least that an operation must offer, alone in its transaction.</summary>
    public static long Of(RpcUserOperation operation) => Transaction + Math.Max(PerOperation + CalldataOf(operation, zero: 4, other: 16), FloorOf(operation) - LeastUsed);

    /// <summary>What its bytes cost at least, however little is run (EIP-7623).</summary>
    public static long FloorOf(RpcUserOperation operation) => CalldataOf(operation, zero: 10, other: 40);

    private static long CalldataOf(RpcUserOperation operation, long zero, long other) =>
        new ABIEncode().GetABIParamsEncoded(operation.ToPacked()).Sum(octet => octet == 0 ? zero : other);
}
