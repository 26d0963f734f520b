using System.Numerics;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Eth.Transactions;

namespace Nethereum.RPC.NonceServices;

/// <summary>Gives out the nonces of one account.</summary>
public interface INonceService
{
    IClient Client { get; set; }

    Task<HexBigInteger> GetNextNonceAsync();

    Task ResetNonceAsync();
}

/// <summary>The node's pending nonce, or the one behind the last given out where the node lags.</summary>
public class InMemoryNonceService : INonceService
{
    private readonly string account;
    private readonly SemaphoreSlim gate = new(1, 1);

    public InMemoryNonceService(string account, IClient client)
    {
        this.account = account;
        Client = client;
    }

    /// <summary>The last one given out; -1 before the first.</summary>
    public BigInteger CurrentNonce { get; set; } = -1;

    public IClient Client { get; set; }

    public async Task<HexBigInteger> GetNextNonceAsync()
    {
        await gate.WaitAsync();
        try
        {
            var pending = await new EthGetTransactionCount(Client).SendRequestAsync(account, BlockParameter.CreatePending());
            CurrentNonce = BigInteger.Max(pending.Value, CurrentNonce + 1);
            return new HexBigInteger(CurrentNonce);
        }
        finally
        {
            gate.Release();
        }
    }

    /// <summary>Forgets what was given out, after a transaction that was never sent.</summary>
    public async Task ResetNonceAsync()
    {
        await gate.WaitAsync();
        CurrentNonce = -1;
        gate.Release();
    }
}
