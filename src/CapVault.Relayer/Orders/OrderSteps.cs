using System.Globalization;
using System.Numerics;
using System.Text;
using CapVault.Contracts.SandboxUSDC.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>
/// Takes the steps of an order: decides from its state and the chain clock, then queues the operation in the transaction that
/// decided. A repeat finds the live operation, or the first result.
/// </summary>
public sealed class OrderSteps(
    Db db, OrderReader orders, ChainClient chain, ChainContext context, ChainClock clock, OperationQueue queue, OrderEvents events, DeliveryChecks checks, TimeProvider time)
{
    /// <summary>Pays. The balance is looked at first: a payment that cannot succeed is not sent.</summary>
    /// <exception cref="ApiException">422 if the account does not hold the price.</exception>
    public async Task<OrderRow> PayAsync(string agentId, string id, IdempotentCall call, CancellationToken cancellationToken)
    {
        // Asked before the transaction, which must not wait for the node, and judged in it: what emptied the account meanwhile may be the payment
        // that this call repeats.
        ApiException? shortfall = null;
        if (!call.IsRepeat && await orders.GetAsync(agentId, id, cancellationToken) is var order
            && Decide(order, OrderStep.Pay, agentId, order.PayTx is not null) == Decision.Take)
        {
            shortfall = await FindShortfallAsync(order.Order.Token, order.Order.Requester, order.Order.Amount, cancellationToken);
        }

        return await TakeAsync(
            agentId, id, OrderStep.Pay, call, fresh => fresh.PayTx is not null,
            async (tx, fresh) =>
            {
                if (shortfall is not null)
                {
                    throw shortfall;
                }

                var operation = await QueueAsync(tx, fresh, OrderStep.Pay, fresh.Order.Requester, AccountCalls.Pay(context.Vault, fresh.Order));
                await events.AddStepAsync(tx, fresh.OrderId, EventType.OrderPaying, operation.OperationId, OrderStatus.Paying.Value);
            },
            cancellationToken);
    }

    /// <summary>Delivers: keeps the content, then sends its hash on its way, in one transaction.</summary>
    /// <exception cref="ApiException">Also what <see cref="DeliveryChecks"/> says: before anything is stored or signed.</exception>
    public async Task<OrderRow> DeliverAsync(string agentId, string id, DeliveryContent content, IdempotentCall call, CancellationToken cancellationToken)
    {
        if (!call.IsRepeat)
        {
            var order = await orders.GetAsync(agentId, id, cancellationToken);
            var decision = Decide(order, OrderStep.Deliver, agentId, order.DeliverTx is not null);
            content = await checks.WithFilesAsync(agentId, content, cancellationToken);
            if (decision == Decision.Take)
            {
                await checks.RequirePromisedAsync(order, content, cancellationToken);
            }
        }

        return await TakeAsync(
            agentId, id, OrderStep.Deliver, call,
            fresh => fresh.DeliverTx is not null && (fresh.DeliverableHash!.AsSpan().SequenceEqual(content.Hash) ? true : throw AlreadyDelivered(fresh.DeliverableHash!)),
            async (tx, fresh) =>
            {
                await content.KeepAsync(tx, fresh.OrderId, time.GetUtcNow());
                await QueueAsync(tx, fresh, OrderStep.Deliver, fresh.Order.Provider, AccountCalls.Deliver(context.Vault, fresh.Order, content.Hash));
            },
            cancellationToken,
            async (tx, fresh) =>
            {
                var onItsWay = await tx.FirstOrDefaultAsync<byte[]>("SELECT content_hash FROM delivery WHERE order_id = @OrderId ORDER BY submitted_at DESC LIMIT 1", fresh);
                if (!onItsWay.AsSpan().SequenceEqual(content.Hash))
                {
                    throw AlreadyDelivered(onItsWay!);
                }
            });
    }

    /// <summary>Rejects: refunds in full once it is paid. The chain gets the reason's hash, the parties its text.</summary>
    public Task<OrderRow> RejectAsync(string agentId, string id, string reason, IdempotentCall call, CancellationToken cancellationToken) => TakeAsync(
        agentId, id, OrderStep.Reject, call,
        fresh => fresh.RejectedBy is { } by && by.ToHex(true).IsTheSameHex(AccountOf(fresh, agentId)),
        async (tx, fresh) =>
        {
            var reasonHash = DeliverableHash.Keccak256(Encoding.UTF8.GetBytes(reason));
            await tx.ExecuteAsync(
                "INSERT INTO reason (order_id, reason_hash, text) VALUES (@OrderId, @reasonHash, @reason) ON CONFLICT DO NOTHING",
                new { fresh.OrderId, reasonHash, reason });
            await QueueAsync(tx, fresh, OrderStep.Reject, AccountOf(fresh, agentId), AccountCalls.Reject(context.Vault, fresh.Order, reasonHash));
        },
        cancellationToken);

    /// <summary>Expires. Anyone may, so the relayer sends it from its own address.</summary>
    public Task<OrderRow> ExpireAsync(string agentId, string id, IdempotentCall call, CancellationToken cancellationToken) => TakeAsync(
        agentId, id, OrderStep.Expire, call, fresh => fresh.ExpireTx is not null, QueueExpiryAsync, cancellationToken);

    /// <summary>Queues expiries of orders whose deadline has passed on chain. Returns how many.</summary>
    public Task<int> ExpireDueAsync(CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            // The header's own time: the next block's is not before it, so the vault will agree. A step in flight gets a minute to show that it was
            // in time; an expiry that has just failed waits a little.
            var due = await tx.QueryAsync<OrderRow>(
                """
                SELECT b.* FROM order_state s JOIN order_book b ON b.order_id = s.order_id
                WHERE s.deadline_time < @headTime AND (b.pending_step IS NULL OR (b.pending_step <> 'expire' AND s.deadline_time < @headTime - 60)) AND (coalesce(b.failed_step, '') <> 'expire' OR b.failed_at < @retryBefore)
                ORDER BY s.deadline_time LIMIT 100
                """,
                new { headTime = clock.HeadTime, retryBefore = time.GetUtcNow().AddSeconds(-10).ToUnixTimeMilliseconds() });
            foreach (var order in due)
            {
                await QueueExpiryAsync(tx, order);
            }

            return due.Count;
        },
        cancellationToken);

    /// <summary>The refusal (422) where an account does not hold a price; null where it does.</summary>
    public async Task<ApiException?> FindShortfallAsync(string token, string account, BigInteger price, CancellationToken cancellationToken)
    {
        var balance = await chain.QueryAsync<BalanceOfFunction, BigInteger>(token, new BalanceOfFunction { Account = account }, cancellationToken);
        return balance >= price
            ? null
            : new ApiException(
                422,
                ErrorCodes.InsufficientFunds,
                $"The account {account} holds {Money.Format(balance)}, the price is {Money.Format(price)}. Deposit {Money.Format(price - balance)} there and pay again.",
                new
                {
                    token,
                    account,
                    required = price.ToString(CultureInfo.InvariantCulture),
                    available = balance.ToString(CultureInfo.InvariantCulture),
                });
    }

    private enum Decision
    {
        /// <summary>Queue it.</summary>
        Take,

        /// <summary>It is on its way.</summary>
        InFlight,

        /// <summary>It has happened.</summary>
        Done,
    }

    private Task<OrderRow> TakeAsync(
        string agentId,
        string id,
        OrderStep step,
        IdempotentCall call,
        Func<OrderRow, bool> isDone,
        Func<Tx, OrderRow, Task> take,
        CancellationToken cancellationToken,
        Func<Tx, OrderRow, Task>? checkInFlight = null) => db.WriteAsync(
        async tx =>
        {
            var order = await OrderReader.GetAsync(tx, agentId, id);
            if (!await call.ClaimAsync(tx))
            {
                return order;
            }

            switch (Decide(order, step, agentId, isDone(order)))
            {
                case Decision.Take:
                    await take(tx, order);
                    order = await OrderReader.GetAsync(tx, agentId, id);
                    break;
                case Decision.InFlight when checkInFlight is not null:
                    await checkInFlight(tx, order);
                    break;
            }

            await call.JoinAsync(tx, order.OrderId, step);
            return order;
        },
        cancellationToken);

    private Decision Decide(OrderRow order, OrderStep step, string agentId, bool isDone)
    {
        var actor = order.ActorOf(agentId);
        if (!Protocol.MayEver(step, actor))
        {
            throw ApiException.Forbidden($"Only the {(actor == Actor.Requester ? "Provider" : "Requester")} may {step} this order; this key is the {actor}'s.");
        }

        if (isDone)
        {
            return Decision.Done;
        }

        if (order.PendingStep == step.Value)
        {
            return Decision.InFlight;
        }

        if (order.PendingStep is { } other)
        {
            throw ApiException.State(
                ErrorCodes.InvalidState, $"The order is {order.Status}: {other} is on its way. Wait for its outcome.",
                new { currentState = order.Status, order.ToModel().Pending }, retryable: true);
        }

        return Protocol.Judge(step, order.Phase, actor, clock.Now, order.Deadline) switch
        {
            Verdict.Allowed => Decision.Take,
            Verdict.Unauthorized => throw ApiException.Forbidden($"The {actor} may not {step} an order that is {order.Status}."),
            Verdict.TooLate => throw ApiException.State(
                ErrorCodes.DeadlinePassed, $"To {step} was possible up to {At(order.Deadline):O}. The order can only expire now.", new { at = At(order.Deadline) }),
            Verdict.TooEarly => throw ApiException.State(
                ErrorCodes.DeadlineNotReached, $"To {step} is possible after {At(order.Deadline):O}.", new { at = At(order.Deadline) }, retryable: true),
            _ => throw ApiException.State(
                ErrorCodes.InvalidState, $"The order is {order.Status}: it cannot be taken to {step}.", new { currentState = order.Status, step = step.Value }),
        };
    }

    private Task<Operation> QueueAsync(Tx tx, OrderRow order, OrderStep step, string account, byte[] callData) =>
        queue.AddStepAsync(tx, order.OrderId, step, account.HexToByteArray(), callData);

    private Task QueueExpiryAsync(Tx tx, OrderRow order) => queue.AddOwnAsync(
        tx,
        OperationKind.Expire,
        context.Vault.HexToByteArray(),
        new Contracts.CAPVault.ContractDefinition.ExpireOrderFunction { Order = order.Order }.GetCallData(),
        value: 0,
        GasLimits.Expire,
        order.OrderId,
        OrderStep.Expire);

    private static string AccountOf(OrderRow order, string agentId) => order.ActorOf(agentId) == Actor.Requester ? order.Order.Requester : order.Order.Provider;

    private static ApiException AlreadyDelivered(byte[] hash) => ApiException.State(
        ErrorCodes.AlreadyDelivered, "Another deliverable is recorded, or on its way. It cannot be replaced.", new { contentHash = hash.ToHex(true) });

    private static DateTimeOffset At(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds);
}
