using System.Globalization;
using System.Numerics;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.ABI;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>
/// What the chain says of orders: a pure function of the vault's logs. A reorg drops the rows of the orders concerned and replays what
/// is left of them; a rebuild does so with all.
/// </summary>
public sealed class OrderBook(ChainContext context, OrderEvents events) : IProjection
{
    private static readonly byte[] Created = SignatureOf<OrderCreatedEventDTO>();
    private static readonly byte[] Approved = SignatureOf<OrderApprovedEventDTO>();
    private static readonly byte[] Paid = SignatureOf<OrderPaidEventDTO>();
    private static readonly byte[] Delivered = SignatureOf<OrderDeliveredEventDTO>();
    private static readonly byte[] Disputed = SignatureOf<OrderDisputedEventDTO>();
    private static readonly byte[] Resolved = SignatureOf<DisputeResolvedEventDTO>();
    private static readonly byte[] Cleared = SignatureOf<OrderClearedEventDTO>();
    private static readonly byte[] Rejected = SignatureOf<OrderRejectedEventDTO>();
    private static readonly byte[] Expired = SignatureOf<OrderExpiredEventDTO>();
    private static readonly byte[] Deferred = SignatureOf<PayoutDeferredEventDTO>();

    private readonly byte[] _vault = context.Vault.HexToByteArray();

    /// <inheritdoc/>
    public async Task ApplyAsync(Tx tx, ChainLog log)
    {
        if (!log.Address.AsSpan().SequenceEqual(_vault) || !IsOfOrder(log))
        {
            return;
        }

        await ChainEvents.StoreAsync(tx, log, orderId: log.Topic(1));
        await ApplyAsync(tx, log, tell: true);
    }

    /// <inheritdoc/>
    public async Task RevertAsync(Tx tx, long ancestor)
    {
        var orderIds = await tx.QueryAsync<byte[]>(
            "SELECT DISTINCT e.order_id FROM block b CROSS JOIN chain_event e WHERE e.block_hash = b.hash AND b.number > @ancestor AND b.canonical = 0 AND e.order_id IS NOT NULL",
            new { ancestor });
        foreach (var orderId in orderIds)
        {
            await RebuildAsync(tx, orderId);
        }

        await events.AddRevertedAsync(tx, ancestor);
        foreach (var orderId in orderIds)
        {
            // One that only its log had told of is not known any more; one that was accepted here stays, waiting to be created.
            await tx.PostAsync(
                """
                DELETE FROM orders WHERE order_id = @orderId AND negotiation_id IS NULL
                  AND NOT EXISTS (SELECT 1 FROM order_state s WHERE s.order_id = orders.order_id) AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.order_id = orders.order_id)
                """,
                new { orderId });
        }
    }

    /// <summary>Drops what the chain said of an order and takes it from its logs again, silently.</summary>
    public async Task RebuildAsync(Tx tx, byte[] orderId)
    {
        await tx.PostAsync("DELETE FROM order_state WHERE order_id = @orderId", new { orderId });
        foreach (var log in await ChainEvents.OfOrderAsync(tx, orderId))
        {
            await ApplyAsync(tx, log, tell: false);
        }
    }

    private static bool IsOfOrder(ChainLog log)
    {
        var signature = log.Topic(0);
        return ((byte[][])[Created, Approved, Paid, Delivered, Disputed, Resolved, Cleared, Rejected, Expired, Deferred]).Any(known => known.AsSpan().SequenceEqual(signature));
    }

    private Task ApplyAsync(Tx tx, ChainLog log, bool tell)
    {
        var signature = log.Topic(0).AsSpan();
        return signature.SequenceEqual(Created) ? CreatedAsync(tx, log, tell)
            : signature.SequenceEqual(Approved) ? ApprovedAsync(tx, log, tell)
            : signature.SequenceEqual(Paid) ? PaidAsync(tx, log, tell)
            : signature.SequenceEqual(Delivered) ? DeliveredAsync(tx, log, tell)
            : signature.SequenceEqual(Disputed) ? DisputedAsync(tx, log, tell)
            : signature.SequenceEqual(Resolved) ? ResolvedAsync(tx, log, tell)
            : signature.SequenceEqual(Cleared) ? ClearedAsync(tx, log, tell)
            : signature.SequenceEqual(Rejected) ? RejectedAsync(tx, log, tell)
            : signature.SequenceEqual(Expired) ? ExpiredAsync(tx, log, tell)
            : DeferredAsync(tx, log, tell);
    }

    private async Task CreatedAsync(Tx tx, ChainLog log, bool tell)
    {
        var created = Decode<OrderCreatedEventDTO>(log);
        // Orders that were accepted here have their row; one that was created on chain directly gets it from its log, which carries the terms.
        await tx.PostAsync(
            """
            INSERT INTO orders (order_id, public_id, requester_agent_id, provider_agent_id, terms, created_at)
            VALUES (@OrderId, @publicId, (SELECT agent_id FROM agent WHERE account = @requester), (SELECT agent_id FROM agent WHERE account = @provider), @terms, @createdAt)
            ON CONFLICT (order_id) DO NOTHING
            """,
            new
            {
                created.OrderId,
                publicId = Ids.Of("ord_", created.OrderId),
                requester = log.AddressTopic(2),
                provider = log.AddressTopic(3),
                terms = new ABIEncode().GetABIParamsEncoded(created.Order),
                createdAt = log.BlockTime * 1000,
            });
        await tx.PostAsync(
            "INSERT INTO order_state (order_id, phase, deadline_time, create_tx, created_time) VALUES (@OrderId, 1, @deadline, @TxHash, @BlockTime)",
            new { created.OrderId, deadline = (long)created.Order.PayDeadline, log.TxHash, log.BlockTime });
        if (tell)
        {
            await events.AddAsync(
                tx, created.OrderId, EventType.OrderCreated, log, OrderStatus.Created.Value,
                new { amount = Text(created.Order.Amount), payDeadline = created.Order.PayDeadline });
        }
    }

    private async Task ApprovedAsync(Tx tx, ChainLog log, bool tell)
    {
        var approved = Decode<OrderApprovedEventDTO>(log);
        await tx.PostAsync(
            "UPDATE order_state SET approve_tx = @TxHash, approved_time = @BlockTime WHERE order_id = @OrderId", new { approved.OrderId, log.TxHash, log.BlockTime });
        if (tell)
        {
            await events.AddAsync(tx, approved.OrderId, EventType.OrderApproved, log, await StatusAsync(tx, approved.OrderId));
        }
    }

    private async Task PaidAsync(Tx tx, ChainLog log, bool tell)
    {
        var paid = Decode<OrderPaidEventDTO>(log);
        await tx.PostAsync(
            """
            UPDATE order_state SET phase = 2, deadline_time = @slaDeadline, sla_deadline_time = @slaDeadline, pay_tx = @TxHash, paid_time = @BlockTime
            WHERE order_id = @OrderId
            """,
            new { paid.OrderId, slaDeadline = (long)paid.SlaDeadline, log.TxHash, log.BlockTime });
        if (tell)
        {
            await events.AddAsync(tx, paid.OrderId, EventType.OrderPaid, log, OrderStatus.Paid.Value, new { slaDeadline = (long)paid.SlaDeadline });
        }
    }

    private async Task DeliveredAsync(Tx tx, ChainLog log, bool tell)
    {
        var delivered = Decode<OrderDeliveredEventDTO>(log);
        await tx.PostAsync(
            "UPDATE order_state SET deliverable_hash = @DeliverableHash, deliver_tx = @TxHash, delivered_time = @BlockTime WHERE order_id = @OrderId",
            new { delivered.OrderId, delivered.DeliverableHash, log.TxHash, log.BlockTime });
        var reviewDeadline = (long)delivered.ReviewDeadline;
        if (reviewDeadline == 0)
        {
            return; // settled in the same transaction: OrderCleared tells
        }

        await tx.PostAsync("UPDATE order_state SET phase = 3, deadline_time = @reviewDeadline WHERE order_id = @OrderId", new { delivered.OrderId, reviewDeadline });
        if (tell)
        {
            await events.AddAsync(
                tx, delivered.OrderId, EventType.OrderDelivered, log, await StatusAsync(tx, delivered.OrderId),
                new { deliverableHash = delivered.DeliverableHash.ToHex(true), reviewDeadline });
        }
    }

    // Before delivery it is a flag: the deadline is the SLA's still, and so is the phase.
    private async Task DisputedAsync(Tx tx, ChainLog log, bool tell)
    {
        var disputed = Decode<OrderDisputedEventDTO>(log);
        var resolveDeadline = (long)disputed.ResolveDeadline;
        await tx.PostAsync(
            """
            UPDATE order_state SET phase = CASE phase WHEN 3 THEN 4 ELSE phase END, deadline_time = @resolveDeadline, dispute_tx = @TxHash, disputed_time = @BlockTime,
              disputed_by = @by, dispute_reason_hash = @ReasonHash
            WHERE order_id = @OrderId
            """,
            new { disputed.OrderId, resolveDeadline, log.TxHash, log.BlockTime, by = log.AddressTopic(2), disputed.ReasonHash });
        if (tell)
        {
            await events.AddAsync(
                tx, disputed.OrderId, EventType.OrderDisputed, log, await StatusAsync(tx, disputed.OrderId),
                new { by = disputed.By, reasonHash = disputed.ReasonHash.ToHex(true), resolveDeadline }, await ReasonAsync(tx, disputed.OrderId, disputed.ReasonHash));
        }
    }

    // OrderCleared or OrderRejected follows, with the money.
    private async Task ResolvedAsync(Tx tx, ChainLog log, bool tell)
    {
        var resolved = Decode<DisputeResolvedEventDTO>(log);
        await tx.PostAsync(
            "UPDATE order_state SET resolve_tx = @TxHash, resolved_time = @BlockTime WHERE order_id = @OrderId", new { resolved.OrderId, log.TxHash, log.BlockTime });
        if (tell)
        {
            await events.AddAsync(
                tx, resolved.OrderId, EventType.DisputeResolved, log, await StatusAsync(tx, resolved.OrderId),
                new { providerPart = Text(resolved.ProviderPart), reasonHash = resolved.ReasonHash.ToHex(true) });
        }
    }

    private async Task ClearedAsync(Tx tx, ChainLog log, bool tell)
    {
        var cleared = Decode<OrderClearedEventDTO>(log);
        var amounts = new { toProvider = Text(cleared.ToProvider), fee = Text(cleared.Fee), commission = Text(cleared.Commission), refund = Text(cleared.ToRequester) };
        await tx.PostAsync(
            """
            UPDATE order_state SET phase = 5, deadline_time = NULL, to_provider = @toProvider, fee = @fee, commission = @commission, refund = @refund,
              clear_tx = @TxHash, cleared_time = @BlockTime
            WHERE order_id = @OrderId
            """,
            new { cleared.OrderId, amounts.toProvider, amounts.fee, amounts.commission, amounts.refund, log.TxHash, log.BlockTime });
        if (tell)
        {
            await events.AddAsync(tx, cleared.OrderId, EventType.OrderCompleted, log, OrderStatus.Completed.Value, amounts);
        }
    }

    private async Task RejectedAsync(Tx tx, ChainLog log, bool tell)
    {
        var rejected = Decode<OrderRejectedEventDTO>(log);
        // One that was never created has no state yet. Where it was accepted here it is one of ours all the same; its creation will fail.
        await tx.PostAsync(
            """
            INSERT INTO order_state (order_id, phase, rejected_by, reason_hash, refund, reject_tx, rejected_time) VALUES (@OrderId, 6, @by, @ReasonHash, @refund, @TxHash, @BlockTime)
            ON CONFLICT (order_id) DO UPDATE SET phase = 6, deadline_time = NULL, rejected_by = @by, reason_hash = @ReasonHash, refund = @refund,
              reject_tx = @TxHash, rejected_time = @BlockTime
            """,
            new { rejected.OrderId, by = log.AddressTopic(2), rejected.ReasonHash, refund = Text(rejected.Refund), log.TxHash, log.BlockTime });
        if (tell && await tx.SingleAsync<bool>("SELECT EXISTS (SELECT 1 FROM orders WHERE order_id = @OrderId)", rejected))
        {
            await events.AddAsync(
                tx, rejected.OrderId, EventType.OrderRejected, log, OrderStatus.Rejected.Value,
                new { by = rejected.By, reasonHash = rejected.ReasonHash.ToHex(true), refund = Text(rejected.Refund) },
                await ReasonAsync(tx, rejected.OrderId, rejected.ReasonHash), refunded: rejected.Refund > 0);
        }
    }

    private async Task ExpiredAsync(Tx tx, ChainLog log, bool tell)
    {
        var expired = Decode<OrderExpiredEventDTO>(log);
        await tx.PostAsync(
            "UPDATE order_state SET phase = 7, deadline_time = NULL, refund = @refund, expire_tx = @TxHash, expired_time = @BlockTime WHERE order_id = @OrderId",
            new { expired.OrderId, refund = Text(expired.Refund), log.TxHash, log.BlockTime });
        if (tell)
        {
            await events.AddAsync(
                tx, expired.OrderId, EventType.OrderExpired, log, OrderStatus.Expired.Value, new { refund = Text(expired.Refund) }, refunded: expired.Refund > 0);
        }
    }

    private async Task DeferredAsync(Tx tx, ChainLog log, bool tell)
    {
        if (!tell)
        {
            return;
        }

        var deferred = Decode<PayoutDeferredEventDTO>(log);
        var order = await tx.SingleAsync<OrderRow>("SELECT * FROM order_book WHERE order_id = @OrderId", new { deferred.OrderId });
        Audience? audience = order.Order.Requester.IsTheSameHex(deferred.Account) ? Audience.Requester
            : order.Order.Provider.IsTheSameHex(deferred.Account) ? Audience.Provider
            : null; // the second payee's, which is neither's
        await events.AddAsync(
            tx, deferred.OrderId, EventType.PayoutDeferred, log, order.Status,
            new { token = deferred.Token, account = deferred.Account, amount = Text(deferred.Amount) }, audience: audience);
    }

    // The steps in flight are left out: the log that is told of may be the outcome of one.
    private static Task<string> StatusAsync(Tx tx, byte[] orderId) => tx.SingleAsync<string>(
        """
        SELECT CASE WHEN dispute_tx IS NOT NULL THEN 'disputed' WHEN phase = 1 THEN 'created' WHEN phase = 2 THEN 'paid' ELSE 'delivered' END
        FROM order_state WHERE order_id = @orderId
        """,
        new { orderId });

    private static Task<string?> ReasonAsync(Tx tx, byte[] orderId, byte[] reasonHash) => tx.FirstOrDefaultAsync<string>(
        "SELECT text FROM reason WHERE order_id = @orderId AND reason_hash = @reasonHash", new { orderId, reasonHash });

    private static T Decode<T>(ChainLog log)
        where T : Nethereum.ABI.FunctionEncoding.Attributes.IEventDTO, new() => log.ToFilterLog().DecodeEvent<T>().Event;

    private static byte[] SignatureOf<T>()
        where T : Nethereum.ABI.FunctionEncoding.Attributes.IEventDTO, new() => Event<T>.GetEventABI().Sha3Signature.HexToByteArray();

    private static string Text(BigInteger amount) => amount.ToString(CultureInfo.InvariantCulture);
}
