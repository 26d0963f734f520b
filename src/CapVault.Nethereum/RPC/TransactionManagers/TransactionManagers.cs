using System.Numerics;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.Model;
using Nethereum.RPC.Accounts;
using Nethereum.RPC.Eth;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Eth.Transactions;
using Nethereum.RPC.Fee1559Suggestions;
using Nethereum.RPC.TransactionReceipts;
using Nethereum.Signer;
using Nethereum.Util;

namespace Nethereum.RPC.TransactionManagers;

/// <summary>What managers share: fees, gas, receipts.</summary>
internal abstract class TransactionManagerCommon(IClient client) : ITransactionManager
{
    private IFee1559SuggestionStrategy fees;
    private ITransactionReceiptService receipts;

    public IClient Client { get; set; } = client;

    public IAccount Account { get; protected set; }

    public BigInteger? ChainId { get; protected set; }

    public IFee1559SuggestionStrategy Fee1559SuggestionStrategy
    {
        get => fees ??= new LatestBlockFeeSuggestion(Client);
        set => fees = value;
    }

    public ITransactionReceiptService TransactionReceiptService
    {
        get => receipts ??= new TransactionReceiptPollingService(this);
        set => receipts = value;
    }

    public abstract Task<string> SendTransactionAsync(TransactionInput transactionInput);

    public abstract Task<string> SignTransactionAsync(TransactionInput transaction);

    public Task<TransactionReceipt> SendTransactionAndWaitForReceiptAsync(TransactionInput transactionInput, CancellationToken cancellationToken = default) =>
        TransactionReceiptService.SendRequestAndWaitForReceiptAsync(transactionInput, cancellationToken);

    public Task<HexBigInteger> EstimateGasAsync(CallInput callInput) => new EthEstimateGas(Client).SendRequestAsync(callInput);
}

/// <summary>Sends through accounts that the node holds (eth_sendTransaction).</summary>
internal sealed class NodeTransactionManager(IClient client) : TransactionManagerCommon(client)
{
    public override Task<string> SendTransactionAsync(TransactionInput transactionInput) =>
        Client.SendRequestAsync<string>("eth_sendTransaction", null, transactionInput);

    public override Task<string> SignTransactionAsync(TransactionInput transaction) =>
        throw new InvalidOperationException("Found no account, expected one with a private key: give Web3 an Account.");
}

/// <summary>Signs with a private key and sends the raw bytes.</summary>
internal sealed class SigningTransactionManager : TransactionManagerCommon
{
    private readonly EthECKey key;

    public SigningTransactionManager(IClient client, IAccount account, EthECKey key, BigInteger? chainId) : base(client)
    {
        Account = account;
        ChainId = chainId;
        this.key = key;
    }

    public override async Task<string> SendTransactionAsync(TransactionInput transactionInput) =>
        await new EthSendRawTransaction(Client).SendRequestAsync(await SignTransactionAsync(transactionInput));

    public override async Task<string> SignTransactionAsync(TransactionInput transaction)
    {
        transaction.From ??= Account.Address;
        if (!AddressUtil.Current.AreAddressesTheSame(transaction.From, Account.Address))
        {
            throw new ArgumentException($"Found a transaction from {transaction.From}, expected {Account.Address}, whose key signs.", nameof(transaction));
        }

        ChainId ??= (await new EthChainId(Client).SendRequestAsync()).Value;
        await SetFeesAsync(transaction);
        // Gas before the nonce: an estimate that fails must not leave a gap.
        transaction.Gas ??= await EstimateGasAsync(transaction);
        transaction.Nonce ??= await Account.NonceService.GetNextNonceAsync();
        return new Transaction1559Signer().SignTransaction(key, new Transaction1559(
            ChainId.Value,
            transaction.Nonce.Value,
            transaction.MaxPriorityFeePerGas.Value,
            transaction.MaxFeePerGas.Value,
            transaction.Gas.Value,
            transaction.To,
            transaction.Value?.Value ?? BigInteger.Zero,
            transaction.Data,
            accessList: null));
    }

    private async Task SetFeesAsync(TransactionInput transaction)
    {
        if (transaction.GasPrice is not null)
        {
            throw new NotSupportedException("Found a gas price, expected MaxFeePerGas and MaxPriorityFeePerGas: transactions are sent with EIP-1559 fees.");
        }

        if (transaction.MaxFeePerGas is not null && transaction.MaxPriorityFeePerGas is not null)
        {
            return;
        }

        var fee = await Fee1559SuggestionStrategy.SuggestFeeAsync(transaction.MaxPriorityFeePerGas?.Value);
        transaction.MaxPriorityFeePerGas ??= new HexBigInteger(fee.MaxPriorityFeePerGas.Value);
        transaction.MaxFeePerGas ??= new HexBigInteger(fee.MaxFeePerGas.Value);
    }
}
