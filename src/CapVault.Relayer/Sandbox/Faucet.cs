using System.Numerics;
using CapVault.Contracts.SandboxUSDC.ContractDefinition;
using CapVault.Relayer.Chain;
using Microsoft.Extensions.Options;
using Nethereum.Contracts;
using Nethereum.JsonRpc.Client;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;

namespace CapVault.Relayer.Sandbox;

/// <summary>Mints sandbox USDC, with a key of its own: the lane's nonces are the lane's.</summary>
public sealed class Faucet(IClient rpc, ChainContext context, IOptions<RelayerOptions> options) : IDisposable
{
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    /// <summary>Mints and waits until it is mined. Returns the transaction's hash.</summary>
    public async Task<string> MintAsync(string to, BigInteger amount, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            var web3 = new Web3(new Account(options.Value.FaucetKey, context.ChainId), rpc);
            var receipt = await web3.Eth.GetContractTransactionHandler<MintFunction>()
                .SendRequestAndWaitForReceiptAsync(context.Usdc, new MintFunction { To = to, Amount = amount }, cancellationToken);
            return receipt.TransactionHash;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _oneAtATime.Dispose();
}
