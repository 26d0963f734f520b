using System.Numerics;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Util;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;

namespace CapVault.Relayer.Sandbox;

/// <summary>Mints sandbox USDC, with a key of its own: the lane's nonces are the lane's.</summary>
public sealed class Faucet(Db db, IClient rpc, ChainClient chain, ChainContext context, IOptions<RelayerOptions> options) : IDisposable
{
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    /// <summary>Mints and waits until it is mined. Returns the transaction's hash.</summary>
    public async Task<string> MintAsync(string to, BigInteger amount, IdempotentCall call, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var web3 = new Web3(new Account(options.Value.FaucetKey, context.ChainId), rpc);
            var raw = (call.Made ?? await ClaimAsync(call, await SignAsync(web3, to, amount), cancellationToken)).HexToByteArray();
            var txHash = Sha3Keccack.Current.CalculateHash(raw);
            if (await chain.GetReceiptAsync(txHash, cancellationToken) is null)
            {
                // Not to be cancelled: one that was claimed and never sent would lose its nonce to the next.
                await chain.SendRawAsync(raw, CancellationToken.None);
                await web3.TransactionReceiptPolling.PollForReceiptAsync(txHash.ToHex(true), cancellationToken);
            }

            return txHash.ToHex(true);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _oneAtATime.Dispose();

    private Task<string> SignAsync(Web3 web3, string to, BigInteger amount)
    {
        var mint = new MintFunction { To = to, Amount = amount, FromAddress = web3.TransactionManager.Account.Address };
        return web3.TransactionManager.SignTransactionAsync(mint.CreateTransactionInput(context.Usdc));
    }

    // A repeat sends the same bytes: they can be mined once.
    private Task<string> ClaimAsync(IdempotentCall call, string raw, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            if (!await call.ClaimAsync(tx))
            {
                return call.Made!;
            }

            await call.RememberAsync(tx, raw);
            return raw;
        },
        cancellationToken);
}
