using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Chain;

/// <summary>The logs that projections were built from, kept so that they can be built again.</summary>
public static class ChainEvents
{
    /// <summary>Keeps a log, under the order or the account that it is about.</summary>
    public static Task StoreAsync(Tx tx, ChainLog log, byte[]? orderId = null, byte[]? account = null) => tx.PostAsync(
        """
        INSERT INTO chain_event (block_hash, log_index, block_number, block_time, tx_hash, address, topics, data, order_id, account)
        VALUES (@BlockHash, @LogIndex, @BlockNumber, @BlockTime, @TxHash, @Address, @Topics, @Data, @orderId, @account)
        ON CONFLICT (block_hash, log_index) DO NOTHING
        """,
        new
        {
            log.BlockHash,
            log.LogIndex,
            log.BlockNumber,
            log.BlockTime,
            log.TxHash,
            log.Address,
            log.Topics,
            log.Data,
            orderId,
            account,
        });

    /// <summary>An order's logs on the canonical chain, oldest first.</summary>
    public static Task<List<ChainLog>> OfOrderAsync(Tx tx, byte[] orderId) => tx.QueryAsync<ChainLog>(
        """
        SELECT e.block_hash, e.log_index, e.block_number, e.block_time, e.tx_hash, e.address, e.topics, e.data
        FROM chain_event e JOIN block b ON b.hash = e.block_hash AND b.canonical = 1
        WHERE e.order_id = @orderId ORDER BY e.block_number, e.log_index
        """,
        new { orderId });
}
