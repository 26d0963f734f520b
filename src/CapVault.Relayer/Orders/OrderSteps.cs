using System.Globalization;
using System.Numerics;
using System.Text;
using CapVault.Contracts;
using CapVault.Contracts.SandboxUSDC.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>
/// Takes the steps of an order: decides from its state and the chain clock, then queues the operation in the transaction that
/// decided. A repeat finds the live operation, or the first result. Agents that hold their Executor themselves take the same steps through
/// <see cref="PreparedSteps"/>.
/// </summary>
public sealed class OrderSteps(
    Db db, OrderReader orders, Agents agents, ChainClient chain, ChainContext context, ChainClock clock, OperationQueue queue, OrderEvents events, TimeProvider time)
{
    /// <summary>Pays. The balance is looked at first: a payment that cannot succeed is not sent.</summary>
    /// <exception cref="ApiException">422 if the account does not hold the price.</exception>
    public Task<OrderRow> PayAsync(string agentId, string id, CancellationToken cancellationToken) => TakeAsync(agentId, id, Pay(), cancellationToken);

    /// <summary>Delivers: keeps the content, then sends its hash on its way, in one transaction.</summary>
    public Task<OrderRow> DeliverAsync(string agentId, string id, DeliveryContent content, CancellationToken cancellationToken) =>
        TakeAsync(agentId, id, Deliver(content), cancellationToken);

    /// <summary>Rejects: refunds in full once it is paid. The chain gets the reason's hash, the parties its text.</summary>
    public Task<OrderRow> RejectAsync(string agentId, string id, string reason, CancellationToken cancellationToken) =>
        TakeAsync(agentId, id, Reject(agentId, reason), cancellationToken);

    /// <summary>Expires. Anyone may, so the relayer sends it from its own address.</summary>
    public Task<OrderRow> ExpireAsync(string agentId, string id, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var order = await OrderReader.GetAsync(tx, agentId, id);
            if (Decide(order, OrderStep.Expire, agentId, order.ExpireTx is not null) != Decision.Take)
            {
                return order;
            }

            await QueueExpiryAsync(tx, order);
            return await OrderReader.GetAsync(tx, agentId, id);
        },
        cancellationToken);

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

    /// <summary>Makes sure that the Requester's account holds the price.</summary>
    /// <exception cref="ApiException">422 if it does not.</exception>
    public async Task RequireBalanceAsync(Contracts.CAPVault.ContractDefinition.Order terms, CancellationToken cancellationToken)
    {
        var balance = await chain.QueryAsync<BalanceOfFunction, BigInteger>(terms.Token, new BalanceOfFunction { Account = terms.Requester }, cancellationToken);
        if (balance < terms.Amount)
        {
            throw new ApiException(
                422,
                ErrorCodes.InsufficientFunds,
                $"The account {terms.Requester} holds {Money.Format(balance)}, the price is {Money.Format(terms.Amount)}. Deposit {Money.Format(terms.Amount - balance)} there and pay again.",
                new
                {
                    token = terms.Token,
                    account = terms.Requester,
                    required = terms.Amount.ToString(CultureInfo.InvariantCulture),
                    available = balance.ToString(CultureInfo.InvariantCulture),
                });
        }
    }

    /// <summary>Whether a party may take the step now.</summary>
    internal enum Decision
    {
        /// <summary>Queue it.</summary>
        Take,

        /// <summary>It is on its way.</summary>
        InFlight,

        /// <summary>It has happened.</summary>
        Done,
    }

    /// <summary>A step that a party's Executor takes, and what goes with it.</summary>
    /// <param name="Step">The step.</param>
    /// <param name="IsDone">Whether it has happened as it is asked for; throws where it has happened otherwise.</param>
    /// <param name="CallData">What the account calls.</param>
    internal sealed record Plan(OrderStep Step, Func<OrderRow, bool> IsDone, Func<OrderRow, byte[]> CallData)
    {
        /// <summary>Asks the chain whether it can succeed, before anything is written.</summary>
        public Func<OrderRow, CancellationToken, Task> CheckAsync { get; init; } = (_, _) => Task.CompletedTask;

        /// <summary>Whether what is on its way is what is asked for; throws where it is not.</summary>
        public Func<Tx, OrderRow, Task> CheckInFlightAsync { get; init; } = (_, _) => Task.CompletedTask;

        /// <summary>Keeps what the chain does not hold, in the transaction that queues the operation.</summary>
        public Func<Tx, OrderRow, Task> KeepAsync { get; init; } = (_, _) => Task.CompletedTask;

        /// <summary>Tells that it is on its way.</summary>
        public Func<Tx, OrderRow, Operation, Task> TellAsync { get; init; } = (_, _, _) => Task.CompletedTask;
    }

    internal Plan Pay() => new(OrderStep.Pay, order => order.PayTx is not null, order => AccountCalls.Pay(context.Vault, order.Order))
    {
        CheckAsync = (order, cancellationToken) => RequireBalanceAsync(order.Order, cancellationToken),
        TellAsync = (tx, order, operation) => events.AddStepAsync(tx, order.OrderId, EventType.OrderPaying, operation.OperationId, OrderStatus.Paying.Value),
    };

    internal Plan Deliver(DeliveryContent content) => new(
        OrderStep.Deliver,
        order => order.DeliverTx is not null && (order.DeliverableHash!.AsSpan().SequenceEqual(content.Hash) ? true : throw AlreadyDelivered(order.DeliverableHash!)),
        order => AccountCalls.Deliver(context.Vault, order.Order, content.Hash))
    {
        CheckInFlightAsync = async (tx, order) =>
        {
            var onItsWay = await tx.FirstOrDefaultAsync<byte[]>("SELECT content_hash FROM delivery WHERE order_id = @OrderId ORDER BY submitted_at DESC LIMIT 1", order);
            if (!onItsWay.AsSpan().SequenceEqual(content.Hash))
            {
                throw AlreadyDelivered(onItsWay!);
            }
        },
        KeepAsync = (tx, order) => content.KeepAsync(tx, order.OrderId, time.GetUtcNow()),
    };

    internal Plan Reject(string agentId, string reason)
    {
        var reasonHash = DeliverableHash.Keccak256(Encoding.UTF8.GetBytes(reason));
        return new(
            OrderStep.Reject,
            order => order.RejectedBy is { } by && by.ToHex(true).IsTheSameHex(order.AccountOf(agentId)),
            order => AccountCalls.Reject(context.Vault, order.Order, reasonHash))
        {
            KeepAsync = (tx, order) => tx.ExecuteAsync(
                "INSERT INTO reason (order_id, reason_hash, text) VALUES (@OrderId, @reasonHash, @reason) ON CONFLICT DO NOTHING",
                new { order.OrderId, reasonHash, reason }),
        };
    }

    private async Task<OrderRow> TakeAsync(string agentId, string id, Plan plan, CancellationToken cancellationToken)
    {
        var seen = await orders.GetAsync(agentId, id, cancellationToken);
        if ((await agents.FindAsync(agentId, cancellationToken))!.SelfHeld)
        {
            throw ApiException.State(
                ErrorCodes.InvalidState,
                $"The Executor stays with this agent, so the relayer cannot {plan.Step} for it. POST /api/v1/ops/prepare, sign what it returns, and submit the signature.",
                new { currentState = seen.Status, step = plan.Step.Value });
        }

        if (Decide(seen, plan.Step, agentId, plan.IsDone(seen)) == Decision.Take)
        {
            await plan.CheckAsync(seen, cancellationToken);
        }

        return await db.WriteAsync(
            async tx =>
            {
                var order = await OrderReader.GetAsync(tx, agentId, id);
                switch (Decide(order, plan.Step, agentId, plan.IsDone(order)))
                {
                    case Decision.Take:
                        await plan.KeepAsync(tx, order);
                        var operation = await queue.AddStepAsync(tx, order.OrderId, plan.Step, order.AccountOf(agentId).HexToByteArray(), plan.CallData(order));
                        await plan.TellAsync(tx, order, operation);
                        return await OrderReader.GetAsync(tx, agentId, id);
                    case Decision.InFlight:
                        await plan.CheckInFlightAsync(tx, order);
                        return order;
                    default:
                        return order;
                }
            },
            cancellationToken);
    }

    /// <summary>Decides from the order's state and the chain clock.</summary>
    /// <exception cref="ApiException">The step is not this party's, or not possible now.</exception>
    internal Decision Decide(OrderRow order, OrderStep step, string agentId, bool isDone)
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

    private Task QueueExpiryAsync(Tx tx, OrderRow order) => queue.AddOwnAsync(
        tx,
        OperationKind.Expire,
        context.Vault.HexToByteArray(),
        new Contracts.CAPVault.ContractDefinition.ExpireOrderFunction { Order = order.Order }.GetCallData(),
        value: 0,
        GasLimits.Expire,
        order.OrderId,
        OrderStep.Expire);

    private static ApiException AlreadyDelivered(byte[] hash) => ApiException.State(
        ErrorCodes.AlreadyDelivered, "Another deliverable is recorded, or on its way. It cannot be replaced.", new { contentHash = hash.ToHex(true) });

    private static DateTimeOffset At(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds);
}
