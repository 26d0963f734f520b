using System.Buffers.Binary;
using System.Numerics;
using CapVault.Relayer.Sponsoring;

namespace CapVault.Relayer.Rpc;

/// <summary>What our paymaster asks of an operation beside its signature.</summary>
internal static class Sponsored
{
    /// <summary>uint48 validAfter ‖ uint48 validUntil ‖ signature.</summary>
    public const int DataLength = 6 + 6 + 65;

    /// <summary>How much time one must have left when it comes, seconds: what goes out must have time to land.</summary>
    private const long TimeToLand = Operations.OperationSigner.TimeToLand;

    /// <summary>The last second in which our sponsorship holds.</summary>
    public static long ValidUntilOf(byte[] paymasterData) => (long)(BinaryPrimitives.ReadUInt64BigEndian(paymasterData.AsSpan(4)) & 0xffff_ffff_ffff);

    /// <summary>A nonce as the ledger has it.</summary>
    public static byte[] NonceOf(RpcUserOperation operation)
    {
        var nonce = new byte[32];
        var bytes = operation.Nonce.ToByteArray(isUnsigned: true, isBigEndian: true);
        bytes.CopyTo(nonce, 32 - bytes.Length);
        return nonce;
    }

    /// <exception cref="RpcException">−32602 for data that is not ours, −32503 where hardly any time is left.</exception>
    public static void RequireTime(byte[] paymasterData, long now)
    {
        if (paymasterData.Length != DataLength)
        {
            throw RpcException.Invalid("paymasterData", $"{paymasterData.Length} bytes", $"the {DataLength} that pm_getPaymasterData returned");
        }

        if (ValidUntilOf(paymasterData) - now < TimeToLand)
        {
            throw new RpcException(RpcException.Time, $"The sponsorship holds until {ValidUntilOf(paymasterData)}, now is {now}, and an operation needs {TimeToLand} s to land. Ask pm_getPaymasterData again.");
        }
    }

    /// <exception cref="RpcException">−32602: a limit or a fee beyond what the policy allows, or more gas than a bundle has.</exception>
    public static void RequireCaps(this RpcUserOperation operation, GasCaps caps, long bundleGas)
    {
        foreach (var (field, value, highest) in new (string, BigInteger, BigInteger)[]
        {
            ("callGasLimit", operation.CallGasLimit, caps.CallGas),
            ("verificationGasLimit", operation.VerificationGasLimit, caps.VerificationGas),
            ("preVerificationGas", operation.PreVerificationGas, caps.PreVerificationGas),
            ("paymasterVerificationGasLimit", operation.PaymasterVerificationGasLimit, caps.VerificationGas),
            ("paymasterPostOpGasLimit", operation.PaymasterPostOpGasLimit, caps.VerificationGas),
            ("maxFeePerGas", operation.MaxFeePerGas, GasMoney.ToWei(caps.MaxFeeGwei)),
            ("maxPriorityFeePerGas", operation.MaxPriorityFeePerGas, GasMoney.ToWei(caps.MaxPriorityFeeGwei)),
        })
        {
            if (value > highest)
            {
                throw RpcException.Invalid(field, RpcFields.Hex(value), $"at most {RpcFields.Hex(highest)}");
            }
        }

        if (OperationValidator.GasOf(operation) > bundleGas)
        {
            throw RpcException.Invalid("callGasLimit", $"{operation.Gas} gas in all limits together", $"at most {bundleGas} with the operation's data: what one transaction may carry");
        }
    }
}
