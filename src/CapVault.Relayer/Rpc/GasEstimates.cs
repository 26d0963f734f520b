using System.Numerics;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Sponsoring;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Util;

namespace CapVault.Relayer.Rpc;

/// <summary>
/// Estimates an operation's gas by calling what the EntryPoint would call, as the EntryPoint: the factory, the account's validation, the paymaster's, the
/// account's call. So a signature that is not good yet, or an account without money, is no obstacle.
/// </summary>
public sealed class GasEstimates(ChainClient chain, ChainContext context, ChainClock clock, SponsorPolicy policy, AccountCode code)
{
    private const long Transaction = 21_000;

    /// <summary>What the EntryPoint counts as validation beside the calls: the first use of a nonce lane, cold accounts, its own work.</summary>
    private const long Validation = 45_000;

    /// <summary>How often the call is tried with a quarter more, where less than it uses at most is not enough for it (1/64 stays behind at each depth).</summary>
    private const int MaxTries = 8;

    private static readonly byte[] ValidateUserOp = SelectorOf("validateUserOp((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes),bytes32,uint256)");
    private static readonly byte[] ValidatePaymasterUserOp = SelectorOf("validatePaymasterUserOp((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes),bytes32,uint256)");
    private static readonly byte[] ExecuteUserOp = SelectorOf("executeUserOp((address,uint256,bytes,bytes,bytes32,uint256,bytes32,bytes,bytes),bytes32)");

    private readonly byte[] _paymaster = context.Paymaster.HexToByteArray();
    private string? _senderCreator;

    /// <summary>The limits that it needs.</summary>
    /// <exception cref="RpcException">−32500 or −32501 where validation reverts, −32521 where the call does.</exception>
    public async Task<object> EstimateAsync(RpcUserOperation operation, object? stateOverrides, CancellationToken cancellationToken)
    {
        var calls = await CallsAsync(operation, cancellationToken);
        var results = await RunAsync(calls, stateOverrides, cancellationToken);
        foreach (var (call, result) in calls.Zip(results))
        {
            if (!result.Succeeded)
            {
                throw call.Failed(result);
            }
        }

        var used = calls.Zip(results, (call, result) => (call.Part, Gas: Math.Max(0, Convert.ToInt64(result.GasUsed, 16) - call.Intrinsic))).ToDictionary(item => item.Part, item => item.Gas);
        var verification = used.GetValueOrDefault(Part.Deployment) + used[Part.Validation];
        var estimate = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["preVerificationGas"] = RpcFields.Hex(PreVerification.Of(Largest(operation))),
            ["verificationGasLimit"] = RpcFields.Hex(verification + (verification / 5) + Validation),
            ["callGasLimit"] = RpcFields.Hex(await EnoughAsync(calls, used[Part.Call], stateOverrides, cancellationToken)),
        };
        if (operation.Paymaster is { } paymaster)
        {
            var isOurs = paymaster.AsSpan().SequenceEqual(_paymaster);
            var validation = used.GetValueOrDefault(Part.Paymaster);
            estimate["paymasterVerificationGasLimit"] = RpcFields.Hex(isOurs ? GasLimits.PaymasterVerification : validation + (validation / 5) + 20_000);
            estimate["paymasterPostOpGasLimit"] = RpcFields.Hex(isOurs ? 0 : operation.PaymasterPostOpGasLimit);
        }

        return estimate;
    }

    // What a call uses in the end can be less than what it must have had: refunds, and what is held back for callers.
    private async Task<long> EnoughAsync(List<Call> calls, long used, object? stateOverrides, CancellationToken cancellationToken)
    {
        var gas = used + (used / 4) + 5000;
        for (var attempt = 0; attempt < MaxTries && gas < policy.Caps.CallGas; attempt++)
        {
            List<Call> limited = [.. calls.Where(call => call.Part == Part.Deployment), calls[^1] with { Gas = gas + calls[^1].Intrinsic }];
            if ((await RunAsync(limited, stateOverrides, cancellationToken))[^1].Succeeded)
            {
                return gas;
            }

            gas += gas / 4;
        }

        return policy.Caps.CallGas;
    }

    private async Task<SimulatedCall[]> RunAsync(List<Call> calls, object? stateOverrides, CancellationToken cancellationToken)
    {
        try
        {
            return await chain.SimulateAsync(
                calls.ConvertAll(call => (call.From, new LaneCall(call.To, call.Data.ToHex(prefix: true), BigInteger.Zero, call.Gas))),
                Math.Max(clock.Now, clock.HeadTime + 1),
                stateOverrides,
                cancellationToken);
        }
        catch (RpcResponseException exception)
        {
            throw new RpcException(RpcException.Account, $"The node will not run the operation: {exception.RpcError.Message}");
        }
    }

    private async Task<List<Call>> CallsAsync(RpcUserOperation operation, CancellationToken cancellationToken)
    {
        var userOp = operation.ToPacked();
        var hash = context.UserOperations.Hash(userOp, operation.IsDelegated ? await code.DelegateOfAsync(operation.Sender, cancellationToken) : null);
        var packed = new ABIEncode().GetABIParamsEncoded(userOp);
        var calls = new List<Call>();
        if (operation.Deploys)
        {
            _senderCreator ??= await chain.QueryAsync<SenderCreatorFunction, string>(context.EntryPoint, new SenderCreatorFunction(), cancellationToken);
            calls.Add(NewCall(Part.Deployment, _senderCreator, operation.InitCode[..20], operation.InitCode[20..], policy.Caps.VerificationGas));
        }

        calls.Add(NewCall(Part.Validation, context.EntryPoint, operation.Sender, Arguments(ValidateUserOp, packed, hash, new byte[32]), policy.Caps.VerificationGas));
        if (operation.Paymaster is { } paymaster && !paymaster.AsSpan().SequenceEqual(_paymaster))
        {
            calls.Add(NewCall(Part.Paymaster, context.EntryPoint, paymaster, Arguments(ValidatePaymasterUserOp, packed, hash, new byte[32]), policy.Caps.VerificationGas));
        }

        var data = operation.CallData.AsSpan().StartsWith(ExecuteUserOp) ? Arguments(ExecuteUserOp, packed, hash) : operation.CallData;
        calls.Add(NewCall(Part.Call, context.EntryPoint, operation.Sender, data, policy.Caps.CallGas));
        return calls;
    }

    private static Call NewCall(Part part, string from, byte[] to, byte[] data, long gas)
    {
        var intrinsic = Transaction + data.Sum(octet => octet == 0 ? 4L : 16L);
        return new Call(part, from, to.ToHex(prefix: true), data, intrinsic, gas + intrinsic);
    }

    // (userOp, word, word …): the operation's offset, the words, the operation.
    private static byte[] Arguments(byte[] selector, byte[] userOp, params byte[][] words)
    {
        var offset = new byte[32];
        offset[^1] = (byte)(32 * (1 + words.Length));
        return [.. selector, .. offset, .. words.SelectMany(word => word), .. userOp];
    }

    // As many bytes as the final one may have that are not 0.
    private static RpcUserOperation Largest(RpcUserOperation operation) => operation with
    {
        CallGasLimit = 0xffffff,
        VerificationGasLimit = 0xffffff,
        PreVerificationGas = 0xffffff,
        MaxFeePerGas = 0xffffffffffff,
        MaxPriorityFeePerGas = 0xffffffffffff,
        PaymasterVerificationGasLimit = 0xffffff,
        PaymasterPostOpGasLimit = 0xffffff,
        PaymasterData = Filled(operation.PaymasterData.Length),
        Signature = Filled(Math.Max(65, operation.Signature.Length)),
    };

    private static byte[] Filled(int length) => [.. Enumerable.Repeat((byte)0xff, length)];

    private static byte[] SelectorOf(string signature) => Sha3Keccack.Current.CalculateHash(System.Text.Encoding.UTF8.GetBytes(signature))[..4];

    private enum Part
    {
        Deployment,
        Validation,
        Paymaster,
        Call,
    }

    private sealed record Call(Part Part, string From, string To, byte[] Data, long Intrinsic, long Gas)
    {
        public RpcException Failed(SimulatedCall result)
        {
            var reason = result.RevertData is { Length: > 0 } data ? Reverts.Describe(data) : result.Error?.Message ?? "without a reason";
            var revert = result.RevertData.ToHex(prefix: true);
            return Part switch
            {
                Part.Deployment => new RpcException(RpcException.Account, $"AA13 initCode failed or OOG: {reason}", revert),
                Part.Validation => new RpcException(RpcException.Account, $"AA23 reverted: {reason}", revert),
                Part.Paymaster => new RpcException(RpcException.Paymaster, $"AA33 reverted: {reason}", revert),
                _ => new RpcException(RpcException.Reverted, $"The operation's call would revert: {reason}", revert),
            };
        }
    }
}
