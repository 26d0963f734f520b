using CapVault.Contracts;
using Nethereum.Contracts;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Sdk.Transport;

/// <summary>What goes to a node and past the relayer, with the errors of the rest of the SDK.</summary>
internal static class NodeCalls
{
    /// <summary>The address of a node.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static string Address(string rpcUrl) =>
        Uri.TryCreate(rpcUrl, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            ? rpcUrl
            : throw new ArgumentException($"Found '{rpcUrl}', expected the http or https address of a JSON-RPC node.", nameof(rpcUrl));

    /// <summary>Asks a node.</summary>
    /// <exception cref="CapApiException">The contract refuses, or the node cannot be asked.</exception>
    public static async Task<T> AskAsync<T>(string rpcUrl, Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (SmartContractCustomErrorRevertException e)
        {
            throw new CapApiException(0, ErrorCodes.RelayFailed, $"Nothing was sent: {ContractErrors.Decode(e.ExceptionEncodedData)?.ToString() ?? e.Message}.", e);
        }
        catch (Exception e) when (e is RpcClientUnknownException or RpcClientTimeoutException or RpcResponseException)
        {
            throw new CapApiException(0, ErrorCodes.RelayerUnavailable, $"Could not ask the node at {new Uri(rpcUrl).Authority}: {e.Message}", e) { Retryable = true };
        }
    }

    /// <summary>Hash of a transaction that had its effect.</summary>
    /// <exception cref="CapApiException">It had none.</exception>
    public static string Proven(TransactionReceipt receipt) => receipt.Status?.Value == 1
        ? receipt.TransactionHash
        : throw new CapApiException(0, ErrorCodes.RelayFailed, $"The transaction {receipt.TransactionHash} was mined without effect: something has changed since it was sent. Look, then try again.");
}
