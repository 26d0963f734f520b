using Nethereum.RPC.Eth.DTOs;
using Nethereum.RPC.Eth.Transactions;
using Nethereum.RPC.TransactionManagers;

namespace Nethereum.RPC.TransactionReceipts;

/// <summary>Waits for receipts.</summary>
public interface ITransactionReceiptService
{
    /// <summary>Asks again and again until the transaction is mined; a reverted one has a receipt too.</summary>
    Task<TransactionReceipt> PollForReceiptAsync(string transaction, CancellationToken cancellationToken = default);

    Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(TransactionInput transactionInput, CancellationToken cancellationToken = default);

    Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(Func<Task<string>> transactionFunction, CancellationToken cancellationToken = default);

    int GetPollingRetryIntervalInMilliseconds();

    void SetPollingRetryIntervalInMilliseconds(int retryMilliseconds);
}

/// <summary>Waits for receipts by asking again and again.</summary>
public class TransactionReceiptPollingService : ITransactionReceiptService
{
    private readonly ITransactionManager transactionManager;
    private int retryMilliseconds;

    public TransactionReceiptPollingService(ITransactionManager transactionManager, int retryMilliseconds = 100)
    {
        this.transactionManager = transactionManager;
        this.retryMilliseconds = retryMilliseconds;
    }

    public int GetPollingRetryIntervalInMilliseconds() => retryMilliseconds;

    public void SetPollingRetryIntervalInMilliseconds(int retryMilliseconds) => this.retryMilliseconds = retryMilliseconds;

    public async Task<TransactionReceipt> PollForReceiptAsync(string transaction, CancellationToken cancellationToken = default)
    {
        var receipts = new EthGetTransactionReceipt(transactionManager.Client);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await receipts.SendRequestAsync(transaction) is { } receipt)
            {
                return receipt;
            }

            await Task.Delay(retryMilliseconds, cancellationToken);
        }
    }

    public Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(TransactionInput transactionInput, CancellationToken cancellationToken = default) =>
        SendRequestAndWaitForReceiptAsync(() => transactionManager.SendTransactionAsync(transactionInput), cancellationToken);

    public async Task<TransactionReceipt> SendRequestAndWaitForReceiptAsync(Func<Task<string>> transactionFunction, CancellationToken cancellationToken = default) =>
        await PollForReceiptAsync(await transactionFunction(), cancellationToken);
}
