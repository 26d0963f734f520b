using System.Numerics;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Bench.Relay;

/// <summary>Anvil, which signs for whomever it is told to impersonate: setting up needs no keys and no nonces.</summary>
internal sealed class Node(string url)
{
    private readonly RpcClient _rpc = new(new Uri(url));

    public Task<T> RequestAsync<T>(string method, params object[] parameters) => _rpc.SendRequestAsync<T>(new RpcRequest(1, method, parameters));

    public async Task<BigInteger> ChainIdAsync() => (await RequestAsync<HexBigInteger>("eth_chainId")).Value;

    public Task<string> CallAsync(string to, byte[] data) => RequestAsync<string>("eth_call", new { to, data = data.ToHex(true) }, "latest");

    /// <summary>An address that may send from now on, and can pay.</summary>
    public async Task ImpersonateAsync(string address)
    {
        await RequestAsync<object>("anvil_impersonateAccount", address);
        await RequestAsync<object>("anvil_setBalance", address, new HexBigInteger(BigInteger.Pow(10, 24)).HexValue);
    }

    /// <summary>Sends without waiting; <paramref name="to"/> null creates a contract.</summary>
    public Task<string> SendAsync(string from, string? to, byte[] data, BigInteger value = default) => RequestAsync<string>(
        "eth_sendTransaction",
        new { from, to, data = data.ToHex(true), value = new HexBigInteger(value).HexValue, gas = "0x500000" });

    /// <summary>Waits for a transaction, and insists on its success.</summary>
    public async Task<TransactionReceipt> MinedAsync(string txHash, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await RequestAsync<TransactionReceipt?>("eth_getTransactionReceipt", txHash) is { } receipt)
            {
                return receipt.Status.Value == 1 ? receipt : throw new InvalidOperationException($"{txHash} reverted while the benchmark was being set up.");
            }

            await Task.Delay(20, cancellationToken);
        }
    }
}
