using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.Relayer.Chain;

/// <summary>A log of one of our contracts, as it is stored in <c>chain_event</c>.</summary>
public sealed record ChainLog
{
    /// <summary>Block that holds it.</summary>
    public byte[] BlockHash { get; init; } = [];

    /// <summary>Its index in the block.</summary>
    public long LogIndex { get; init; }

    /// <summary>Number of the block.</summary>
    public long BlockNumber { get; init; }

    /// <summary>Timestamp of the block, unix seconds.</summary>
    public long BlockTime { get; init; }

    /// <summary>Transaction that logged it.</summary>
    public byte[] TxHash { get; init; } = [];

    /// <summary>Contract that logged it.</summary>
    public byte[] Address { get; init; } = [];

    /// <summary>Topics, one after the other.</summary>
    public byte[] Topics { get; init; } = [];

    /// <summary>What is not indexed.</summary>
    public byte[] Data { get; init; } = [];

    /// <summary>A topic of 32 bytes; the first is the event's signature.</summary>
    public byte[] Topic(int index) => Topics.AsSpan(index * 32, 32).ToArray();

    /// <summary>An indexed address.</summary>
    public byte[] AddressTopic(int index) => Topics.AsSpan((index * 32) + 12, 20).ToArray();

    /// <summary>As the generated event classes are decoded from.</summary>
    public FilterLog ToFilterLog() => new()
    {
        Address = Address.ToHex(true),
        BlockHash = BlockHash.ToHex(true),
        BlockNumber = new HexBigInteger(BlockNumber),
        TransactionHash = TxHash.ToHex(true),
        LogIndex = new HexBigInteger(LogIndex),
        Data = Data.ToHex(true),
        Topics = [.. Topics.Chunk(32).Select(topic => (object)topic.ToHex(true))],
    };

    /// <summary>From what the node says.</summary>
    public static ChainLog From(FilterLog log, long blockTime) => new()
    {
        BlockHash = log.BlockHash.HexToByteArray(),
        LogIndex = (long)log.LogIndex.Value,
        BlockNumber = (long)log.BlockNumber.Value,
        BlockTime = blockTime,
        TxHash = log.TransactionHash.HexToByteArray(),
        Address = log.Address.HexToByteArray(),
        Topics = [.. log.Topics.SelectMany(topic => topic.ToString()!.HexToByteArray())],
        Data = log.Data.HexToByteArray(),
    };
}
