using CapVault.Contracts;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Accounts;

/// <summary>What agents that hold their Executor themselves send, and Owners: signatures.</summary>
internal static class SelfHeld
{
    private const int TextLength = 2 + (2 * ExecutorSignature.Length);

    /// <inheritdoc cref="RequireSignature(byte[], string, byte[], string)"/>
    public static byte[] RequireSignature(AgentRow agent, byte[] digest, string signature) => RequireSignature(agent.Executor, "Executor", digest, signature);

    /// <summary>Checks a signature as the agent's account would on chain.</summary>
    /// <exception cref="ApiException">400 if it is none, 422 if the account would not take it.</exception>
    public static byte[] RequireSignature(byte[] signer, string who, byte[] digest, string signature)
    {
        var bytes = signature.Length == TextLength && signature.StartsWith("0x", StringComparison.Ordinal) && signature.IsHex()
            ? signature.HexToByteArray()
            : throw ApiException.Invalid("signature", signature, $"0x and {2 * ExecutorSignature.Length} hex digits: R, S and V");
        return ExecutorSignature.IsBy(signer, digest, bytes)
            ? bytes
            : throw new ApiException(
                422,
                ErrorCodes.InvalidSignature,
                $"signature: found one that is not of this agent's {who}, or not over this digest. Sign the typed data exactly as it was returned, with the key of the "
                    + $"{who} that the account has now; V must be 27 or 28, and S in the lower half.",
                new { field = "signature", digest = digest.ToHex(true) });
    }
}
