using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.AgentAccount;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Sdk.Transport;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Util;
using Nethereum.Web3;
using Account = Nethereum.Web3.Accounts.Account;

namespace CapVault.Sdk;

/// <summary>
/// An agent's account in its Owner's hands, with nothing but a node between them: for when the relayer is gone, or does not do what it should. Each call is a
/// transaction of the Owner's own address, which pays its gas, and returns when that is mined. Every method throws <see cref="CapApiException"/>
/// when the node cannot be asked, or the call would fail.
/// </summary>
public sealed class OwnerAccount
{
    private readonly string _rpcUrl;
    private readonly string _account;
    private readonly EthECKey _owner;

    /// <summary>Nothing is sent yet.</summary>
    /// <param name="rpcUrl">Address of a JSON-RPC node (http or https).</param>
    /// <param name="account">The agent's account (<see cref="Agent.WalletAddress"/>), deployed.</param>
    /// <param name="owner">The Owner's key; its address needs a little ETH.</param>
    /// <exception cref="ArgumentException">The addresses are none.</exception>
    public OwnerAccount(string rpcUrl, string account, EthECKey owner)
    {
        ArgumentNullException.ThrowIfNull(owner);
        _rpcUrl = NodeCalls.Address(rpcUrl);
        _account = Address(account, nameof(account));
        _owner = owner;
    }

    /// <summary>What the Executor may spend of a token, and has spent today, in its base units.</summary>
    /// <param name="token">Address of the token.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<LimitsOutputDTO> GetLimitsAsync(string token, CancellationToken cancellationToken = default) =>
        AskAsync(account => account.LimitsQueryAsync(Address(token, nameof(token))), cancellationToken);

    /// <summary>Sets what the Executor may spend.</summary>
    /// <param name="token">Address of a token of 6 decimals.</param>
    /// <param name="perOrder">Decimal string, on one order: <c>"10.00"</c>.</param>
    /// <param name="perDay">Decimal string, between one midnight UTC and the next.</param>
    /// <param name="cancellationToken">Stops waiting; what was sent may still be mined.</param>
    /// <returns>Hash of the transaction.</returns>
    public Task<string> SetLimitsAsync(string token, string perOrder, string perDay, CancellationToken cancellationToken = default)
    {
        var (order, day) = (Amount(perOrder, nameof(perOrder), OwnerCalls.MaxLimit), Amount(perDay, nameof(perDay), OwnerCalls.MaxLimit));
        var to = Address(token, nameof(token));
        return SendAsync((account, stop) => account.SetLimitsRequestAndWaitForReceiptAsync(to, order, day, stop), cancellationToken);
    }

    /// <summary>Replaces the Executor: the one before can do nothing any more.</summary>
    /// <param name="executor">Address of the new key; the zero address leaves the account without one.</param>
    /// <param name="cancellationToken">Stops waiting; what was sent may still be mined.</param>
    /// <returns>Hash of the transaction.</returns>
    public Task<string> SetExecutorAsync(string executor, CancellationToken cancellationToken = default)
    {
        var address = Address(executor, nameof(executor));
        return SendAsync((account, stop) => account.SetExecutorRequestAndWaitForReceiptAsync(address, stop), cancellationToken);
    }

    /// <summary>Takes money out of the account.</summary>
    /// <param name="token">Address of a token of 6 decimals.</param>
    /// <param name="to">Who gets it.</param>
    /// <param name="amount">Decimal string.</param>
    /// <param name="cancellationToken">Stops waiting; what was sent may still be mined.</param>
    /// <returns>Hash of the transaction.</returns>
    public Task<string> WithdrawAsync(string token, string to, string amount, CancellationToken cancellationToken = default)
    {
        var transfer = new TransferFunction { To = Address(to, nameof(to)), Value = Amount(amount, nameof(amount), BigInteger.Pow(2, 256) - 1) };
        var call = new Call { Target = Address(token, nameof(token)), Value = 0, Data = transfer.GetCallData() };
        return SendAsync((account, stop) => account.ExecuteRequestAndWaitForReceiptAsync([call], stop), cancellationToken);
    }

    private async Task<string> SendAsync(Func<AgentAccountService, CancellationTokenSource, Task<TransactionReceipt>> send, CancellationToken cancellationToken)
    {
        var owner = await AskAsync(account => account.OwnerQueryAsync(), cancellationToken);
        if (!owner.IsTheSameHex(_owner.GetPublicAddress()))
        {
            throw new CapApiException(0, ErrorCodes.Forbidden, $"Found a key of {_owner.GetPublicAddress()}, expected that of {owner}, the Owner of {_account}.");
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        return NodeCalls.Proven(await AskAsync(account => send(account, stop), cancellationToken));
    }

    private Task<T> AskAsync<T>(Func<AgentAccountService, Task<T>> ask, CancellationToken cancellationToken) => NodeCalls.AskAsync(
        _rpcUrl,
        async () =>
        {
            var reading = new Web3(_rpcUrl);
            var chainId = await reading.Eth.ChainId.SendRequestAsync().WaitAsync(cancellationToken);
            var code = await reading.Eth.GetCode.SendRequestAsync(_account).WaitAsync(cancellationToken);
            if (code is null or "0x")
            {
                throw new CapApiException(0, ErrorCodes.AgentNotFound, $"Found nothing at {_account} on chain {chainId.Value}, expected an agent's account that is deployed.");
            }

            return await ask(new AgentAccountService(new Web3(new Account(_owner, chainId.Value), _rpcUrl), _account)).WaitAsync(cancellationToken);
        });

    private static string Address(string address, string name) => AddressUtil.Current.IsValidEthereumAddressHexFormat(address)
        ? AddressUtil.Current.ConvertToChecksumAddress(address)
        : throw new ArgumentException($"Found '{address}', expected an address: 0x and 40 hex digits.", name);

    private static BigInteger Amount(string text, string name, BigInteger maximum) => Money.TryParse(text, out var amount) && amount <= maximum
        ? amount
        : throw new ArgumentException($"Found '{text}', expected a decimal string such as \"1.00\", at most {Money.Format(maximum)}.", name);
}
