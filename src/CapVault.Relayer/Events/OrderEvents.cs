using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Events;

/// <summary>Tells of an order: fills in who its parties are and wakes those who wait for it.</summary>
public sealed class OrderEvents(EventLog events, OrderSignals signals, TimeProvider time)
{
    /// <summary>
    /// Tells of what a log says. Its id derives from the log and from how often the chain took the log's block back: a branch that comes
    /// back is told anew, under new ids.
    /// </summary>
    public async Task AddAsync(Tx tx, byte[] orderId, EventType type, ChainLog log, string status, object? data = null, string? reason = null, bool refunded = false, Audience? audience = null)
    {
        var eventId = Ids.Of("evt_", Hash(type, log.BlockHash, BitConverter.GetBytes(log.LogIndex), await WithdrawnAsync(tx, orderId, log.BlockHash)));
        await AddAsync(
            tx,
            orderId,
            new Telling(type, eventId, DateTimeOffset.FromUnixTimeSeconds(log.BlockTime))
            {
                Status = status,
                Reason = reason,
                Data = data,
                Refunded = refunded,
                Audience = audience,
                Chain = new ChainPosition(log.TxHash.ToHex(true), log.BlockNumber, log.LogIndex),
                BlockHash = log.BlockHash,
            });
    }

    /// <summary>Tells of a step that is being taken or has failed.</summary>
    public async Task AddStepAsync(
        Tx tx, byte[] orderId, EventType type, long operationId, string status, string? reason = null, object? data = null, byte[]? blockHash = null, Audience? audience = null)
    {
        var withdrawn = blockHash is null ? [] : await WithdrawnAsync(tx, orderId, blockHash);
        var eventId = Ids.Of("evt_", Hash(type, orderId, BitConverter.GetBytes(operationId), blockHash ?? [], withdrawn));
        await AddAsync(
            tx,
            orderId,
            new Telling(type, eventId, time.GetUtcNow())
            {
                Status = status,
                Reason = reason,
                Data = data,
                Audience = audience,
                BlockHash = blockHash,
            });
    }

    /// <summary>Tells that the chain took back what the events of orphaned blocks said.</summary>
    public async Task AddRevertedAsync(Tx tx, long ancestor)
    {
        var withdrawn = await tx.QueryAsync<Withdrawn>(
            """
            SELECT e.event_id, e.type, e.order_id, e.block_hash FROM block b CROSS JOIN event e
            WHERE e.block_hash = b.hash AND b.number > @ancestor AND b.canonical = 0 AND e.order_id IS NOT NULL AND e.type <> 'order_reverted'
            ORDER BY e.row_id
            """,
            new { ancestor });
        foreach (var row in withdrawn)
        {
            var status = await tx.SingleAsync<string>("SELECT status FROM order_book WHERE order_id = @OrderId", row);
            await AddAsync(
                tx,
                row.OrderId,
                new Telling(EventType.OrderReverted, Ids.Of("evt_", Hash(EventType.OrderReverted, Encoding.ASCII.GetBytes(row.EventId))), time.GetUtcNow())
                {
                    Status = status,
                    Data = new { eventId = row.EventId, type = row.Type },
                    BlockHash = row.BlockHash,
                });
        }
    }

    private async Task AddAsync(Tx tx, byte[] orderId, Telling telling)
    {
        var order = await tx.SingleAsync<Parties>(
            "SELECT public_id, negotiation_id, service_id, requester_agent_id, provider_agent_id FROM orders WHERE order_id = @orderId", new { orderId });
        await events.AddAsync(
            tx,
            new CapEvent
            {
                Seq = 0,
                Cursor = "",
                EventId = telling.EventId,
                Type = telling.Type,
                Aliases = EventKinds.Aliases(telling.Type, telling.Refunded),
                OccurredAt = telling.OccurredAt,
                OrderId = order.PublicId,
                ChainOrderId = orderId.ToHex(true),
                NegotiationId = order.NegotiationId,
                RequesterAgentId = order.RequesterAgentId,
                ProviderAgentId = order.ProviderAgentId,
                ServiceId = order.ServiceId,
                Status = telling.Status,
                Reason = telling.Reason,
                Chain = telling.Chain,
                Data = telling.Data is null ? null : JsonSerializer.SerializeToElement(telling.Data, CapJson.Options),
            },
            telling.Audience,
            orderId,
            telling.BlockHash);
        tx.OnCommitted(() => signals.Set(orderId));
    }

    // How often the chain has taken back what this block said of the order.
    private static async Task<byte[]> WithdrawnAsync(Tx tx, byte[] orderId, byte[] blockHash) => BitConverter.GetBytes(await tx.SingleAsync<long>(
        "SELECT count(*) FROM event WHERE block_hash = @blockHash AND order_id = @orderId AND type = 'order_reverted'", new { blockHash, orderId }));

    private static byte[] Hash(EventType type, params byte[][] parts) =>
        SHA256.HashData([.. Encoding.ASCII.GetBytes(type.Value), .. parts.SelectMany(part => part)]);

    private sealed record Telling(EventType Type, string EventId, DateTimeOffset OccurredAt)
    {
        public string? Status { get; init; }

        public string? Reason { get; init; }

        public object? Data { get; init; }

        public bool Refunded { get; init; }

        public Audience? Audience { get; init; }

        public ChainPosition? Chain { get; init; }

        public byte[]? BlockHash { get; init; }
    }

    private sealed record Parties
    {
        public string PublicId { get; init; } = "";

        public string? NegotiationId { get; init; }

        public string? ServiceId { get; init; }

        public string? RequesterAgentId { get; init; }

        public string? ProviderAgentId { get; init; }
    }

    private sealed record Withdrawn
    {
        public string EventId { get; init; } = "";

        public string Type { get; init; } = "";

        public byte[] OrderId { get; init; } = [];

        public byte[] BlockHash { get; init; } = [];
    }
}
