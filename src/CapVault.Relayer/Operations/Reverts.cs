using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>Reverts, in words.</summary>
internal static class Reverts
{
    /// <summary>The custom error that is the cause, with its arguments; the bytes where it is none of ours.</summary>
    public static string Describe(byte[] revertData) =>
        ContractErrors.Decode(revertData)?.Cause.ToString() ?? (revertData.Length == 0 ? "reverted without a reason" : $"reverted with {revertData.ToHex(true)}");

    /// <summary>Which operation of a bundle the EntryPoint refuses, and why; null where it names none.</summary>
    public static (BigInteger Index, string Reason)? FailedOperation(byte[] revertData) => ContractErrors.Decode(revertData)?.Value switch
    {
        FailedOpError failed => (failed.OpIndex, failed.Reason),
        FailedOpWithRevertError failed => (failed.OpIndex, $"{failed.Reason}: {Describe(failed.Inner)}"),
        _ => null,
    };
}
