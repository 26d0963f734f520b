using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.Contracts;

/// <summary>An Executor's signature as its agent account checks it.</summary>
public static class ExecutorSignature
{
    /// <summary>R ‖ S ‖ V.</summary>
    public const int Length = 65;

    /// <summary>
    /// Whether <paramref name="executor"/> signed. Refuses what the account refuses on chain: another length, V other than 27 or 28, and an S in the
    /// upper half (EIP-2).
    /// </summary>
    /// <param name="executor">20 bytes.</param>
    /// <param name="digest">32 bytes.</param>
    /// <param name="signature">Any bytes.</param>
    public static bool IsBy(byte[] executor, byte[] digest, byte[] signature)
    {
        if (signature is not { Length: Length } || signature[^1] is not (27 or 28))
        {
            return false;
        }

        try
        {
            var parts = MessageSigner.ExtractEcdsaSignature(signature.ToHex(prefix: true));
            return parts.IsLowS && EthECKey.RecoverFromSignature(parts, digest).GetPublicAddressAsBytes().AsSpan().SequenceEqual(executor);
        }
        catch (Exception)
        {
            // Half of all R belong to no point of the curve: no key made such a signature. Libraries say so in different ways.
            return false;
        }
    }
}
