using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Orders;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.IntegrationTests;

/// <summary>What the chain itself says of orders.</summary>
internal static class ChainOrders
{
    /// <summary>The vault's state of an order.</summary>
    public static Task<OrderStateOutputDTO> StateOfAsync(this SandboxChain chain, string chainOrderId) =>
        chain.Vault.OrderStateQueryAsync(chainOrderId.HexToByteArray());

    /// <summary>The vault's phase of an order.</summary>
    public static async Task<Phase> PhaseOfAsync(this SandboxChain chain, string chainOrderId) =>
        (Phase)(await chain.StateOfAsync(chainOrderId)).Phase;

    /// <summary>With what the vault, or another contract, would refuse a call; null if it would go through.</summary>
    /// <param name="chain">The chain.</param>
    /// <param name="call">The call.</param>
    /// <param name="from">Who calls.</param>
    /// <param name="time">Block time, unix seconds; the newest block's by default.</param>
    /// <param name="to">The contract; the vault by default.</param>
    public static async Task<ContractError?> RefusalAsync<T>(this SandboxChain chain, T call, string from, long? time = null, string? to = null)
        where T : FunctionMessage, new()
    {
        call.FromAddress = from;
        object[] parameters = [call.CreateCallInput(to ?? chain.Deployment.Vault), "latest"];
        if (time is { } seconds)
        {
            parameters = [.. parameters, new Dictionary<string, object>(StringComparer.Ordinal), new { time = new HexBigInteger(seconds).HexValue }];
        }

        try
        {
            await chain.Node.RequestAsync<string>("eth_call", parameters);
            return null;
        }
        catch (RpcResponseException exception)
        {
            return ContractErrors.Decode(exception.RpcError.GetDataAsString())
                ?? throw new InvalidOperationException($"Found a revert that none of our contracts makes: {exception.RpcError.Message}.", exception);
        }
    }

    /// <summary>All logs of one event of the vault about an order.</summary>
    public static async Task<List<EventLog<T>>> LogsAsync<T>(this SandboxChain chain, string chainOrderId)
        where T : IEventDTO, new()
    {
        var vaultEvent = new Event<T>(chain.Node.Rpc, chain.Deployment.Vault);
        return await vaultEvent.GetAllChangesAsync(vaultEvent.CreateFilterInput([chainOrderId.HexToByteArray()], BlockParameter.CreateEarliest(), BlockParameter.CreateLatest()));
    }

    /// <summary>All logs of the vault.</summary>
    public static Task<FilterLog[]> VaultLogsAsync(this SandboxChain chain) => chain.Web3.Eth.Filters.GetLogs.SendRequestAsync(new NewFilterInput
    {
        Address = [chain.Deployment.Vault],
        FromBlock = BlockParameter.CreateEarliest(),
        ToBlock = BlockParameter.CreateLatest(),
    });

    /// <summary>The receipt of a transaction that is mined.</summary>
    public static async Task<TransactionReceipt> ReceiptAsync(this SandboxChain chain, string? txHash) =>
        await chain.Web3.Eth.Transactions.GetTransactionReceipt.SendRequestAsync(txHash)
        ?? throw new InvalidOperationException($"Transaction {txHash} is not mined.");

    /// <summary>The ERC-4337 operations of an account that a transaction carries.</summary>
    public static List<UserOperationEventEventDTO> OperationsOf(this TransactionReceipt receipt, string account) =>
    [
        .. receipt.DecodeAllEvents<UserOperationEventEventDTO>().Select(log => log.Event).Where(operation => operation.Sender.IsTheSameHex(account)),
    ];

    /// <summary>Block time of a transaction, unix seconds.</summary>
    public static async Task<long> TimeOfAsync(this SandboxChain chain, string? txHash)
    {
        var receipt = await chain.ReceiptAsync(txHash);
        var block = await chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(receipt.BlockNumber);
        return (long)block.Timestamp.Value;
    }
}
