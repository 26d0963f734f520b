using System.Numerics;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Accounts;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Fee1559Suggestions;
using Nethereum.RPC.TransactionReceipts;

namespace Nethereum.RPC.TransactionManagers;

/// <summary>Completes, signs and sends the transactions of one account.</summary>
public interface ITransactionManager
{
    IClient Client { get; set; }

    IAccount Account { get; }

    BigInteger? ChainId { get; }

    IFee1559SuggestionStrategy Fee1559SuggestionStrategy { get; set; }

    ITransactionReceiptService TransactionReceiptService { get; set; }

    /// <summary>Fills in what is missing (chain id, fees, gas, nonce), signs and sends; returns the transaction hash.</summary>
    Task<string> SendTransactionAsync(TransactionInput transactionInput);

    /// <summary>Like SendTransactionAsync, but returns the bytes as hexadecimal without 0x instead of sending them.</summary>
    Task<string> SignTransactionAsync(TransactionInput transaction);

    Task<TransactionReceipt> SendTransactionAndWaitForReceiptAsync(TransactionInput transactionInput, CancellationToken cancellationToken = default);

    Task<HexBigInteger> EstimateGasAsync(CallInput callInput);
}
