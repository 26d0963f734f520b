using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using Dapper;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Util;

namespace CapVault.Relayer.Rpc;

/// <summary>What became of operations, in the shapes of ERC-7769. Of one that is not known there is nothing to say: null.</summary>
public sealed class OperationViews(Db db, ChainClient chain, ChainContext context)
{
    private static readonly string OperationEvent = "0x" + Event<UserOperationEventEventDTO>.GetEventABI().Sha3Signature;
    private static readonly string BeforeExecution = "0x" + Event<BeforeExecutionEventDTO>.GetEventABI().Sha3Signature;

    /// <summary>The operation itself, with its block once it is in one.</summary>
    public async Task<object?> ByHashAsync(byte[] hash, CancellationToken cancellationToken) =>
        await FindAsync(hash, cancellationToken) is { UserOp: { } packed } row
            ? new
            {
                userOperation = RpcUserOperation.Write(new ABIEncode().DecodeEncodedComplexType<PackedUserOperation>(packed)),
                entryPoint = context.EntryPoint,
                transactionHash = row.BlockHash is null ? null : row.TxHash?.ToHex(prefix: true),
                blockHash = row.BlockHash?.ToHex(prefix: true),
                blockNumber = row.BlockNumber is { } number ? RpcFields.Hex(number) : null,
            }
            : null;

    /// <summary>How it ended; null until a block includes it.</summary>
    public async Task<object?> ReceiptAsync(byte[] hash, CancellationToken cancellationToken)
    {
        if (await FindAsync(hash, cancellationToken) is not { BlockHash: { } block, TxHash: { } txHash }
            || await chain.GetReceiptAsync(txHash, cancellationToken) is not { } receipt || !receipt.BlockHash.IsTheSameHex(block.ToHex(prefix: true)))
        {
            return null;
        }

        // An operation's logs are those between the event of the one before it, or the end of validation, and its own.
        var end = Array.FindIndex(receipt.Logs, log => log.Topics is [string signature, string about, ..] && signature == OperationEvent && about.IsTheSameHex(hash.ToHex(prefix: true)));
        if (end < 0)
        {
            return null;
        }

        var start = Array.FindLastIndex(receipt.Logs, end - 1 < 0 ? 0 : end - 1, log => log.Topics is [string signature, ..] && (signature == OperationEvent || signature == BeforeExecution)) is var before && end > 0 ? before + 1 : 0;
        var included = receipt.Logs[end].DecodeEvent<UserOperationEventEventDTO>().Event;
        var reason = receipt.Logs[start..end].FirstOrDefault(log => log.IsLogForEvent<UserOperationRevertReasonEventDTO>())?.DecodeEvent<UserOperationRevertReasonEventDTO>().Event.RevertReason;
        var answer = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["userOpHash"] = hash.ToHex(prefix: true),
            ["entryPoint"] = context.EntryPoint,
            ["sender"] = included.Sender,
            ["nonce"] = RpcFields.Hex(included.Nonce),
            ["paymaster"] = included.Paymaster,
            ["actualGasCost"] = RpcFields.Hex(included.ActualGasCost),
            ["actualGasUsed"] = RpcFields.Hex(included.ActualGasUsed),
            ["success"] = included.Success,
            ["logs"] = receipt.Logs[start..end].Select(View),
            ["receipt"] = View(receipt),
        };
        if (reason is not null)
        {
            answer["reason"] = reason.ToHex(prefix: true);
        }

        return answer;
    }

    /// <summary>Pimlico's words for where it is.</summary>
    public async Task<object> StatusAsync(byte[] hash, CancellationToken cancellationToken)
    {
        var row = await FindAsync(hash, cancellationToken);
        var status = row?.State switch
        {
            null => "not_found",
            OperationState.Included or OperationState.Final => row.Success == true ? "included" : "reverted",
            OperationState.Broadcast or OperationState.Assigned => "submitted",
            OperationState.Rejected or OperationState.Superseded or OperationState.Expired => "rejected",
            OperationState.Failed => "failed",
            _ => "not_submitted",
        };
        return new { status, transactionHash = row?.TxHash?.ToHex(prefix: true) };
    }

    private Task<Row?> FindAsync(byte[] hash, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<Row?>("SELECT state, success, user_op, tx_hash, block_hash, block_number FROM operation WHERE user_op_hash = @hash", new { hash }),
        cancellationToken);

    private static object View(FilterLog log) => new
    {
        address = log.Address,
        topics = log.Topics,
        data = log.Data,
        blockHash = log.BlockHash,
        blockNumber = Hex(log.BlockNumber),
        transactionHash = log.TransactionHash,
        transactionIndex = Hex(log.TransactionIndex),
        logIndex = Hex(log.LogIndex),
        removed = false,
    };

    private static object View(TransactionReceipt receipt) => new
    {
        transactionHash = receipt.TransactionHash,
        transactionIndex = Hex(receipt.TransactionIndex),
        blockHash = receipt.BlockHash,
        blockNumber = Hex(receipt.BlockNumber),
        from = receipt.From,
        to = receipt.To,
        cumulativeGasUsed = Hex(receipt.CumulativeGasUsed),
        gasUsed = Hex(receipt.GasUsed),
        effectiveGasPrice = Hex(receipt.EffectiveGasPrice),
        contractAddress = receipt.ContractAddress,
        status = Hex(receipt.Status),
        type = Hex(receipt.Type),
        logs = receipt.Logs.Select(View),
    };

    private static string? Hex(HexBigInteger? number) => number is null ? null : RpcFields.Hex(number.Value);

    private sealed record Row
    {
        public string State { get; init; } = "";

        public bool? Success { get; init; }

        public byte[]? UserOp { get; init; }

        public byte[]? TxHash { get; init; }

        public byte[]? BlockHash { get; init; }

        public long? BlockNumber { get; init; }
    }
}
