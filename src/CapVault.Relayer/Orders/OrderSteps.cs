using System.Globalization;
using System.Numerics;
using System.Text;
using CapVault.Contracts;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>
/// Takes the steps of an order: decides from its state and the chain clock, then queues the operation in the transaction that
/// decided. A repeat finds the live operation, or the first result. Agents that hold their Executor themselves take the same steps through
/// <see cref="PreparedSteps"/>.
/// </summary>
public sealed class OrderSteps(
    Db db, OrderReader orders, Agents agents, ChainClient chain, ChainContext context, ChainClock clock, OperationQueue queue, OrderEvents events, DeliveryChecks checks, TimeProvider time, Spending spending)
{
    /// <summary>Pays; what is not on chain is created by the same operation. The balance is looked at first: a payment that cannot succeed is not sent.</summary>
    /// <exception cref="ApiException">422 if the account does not hold the price, or its Executor may not spend it.</exception>
    public async Task<OrderRow> PayAsync(string agentId, string id, IdempotentCall call, CancellationToken cancellationToken)
    {
        var order = await orders.GetAsync(agentId, id, cancellationToken);
        return await TakeAsync(agentId, id, order.Phase == Phase.None ? await CreateAndPayAsync(order, cancellationToken) : Pay(), call, cancellationToken);
    }

    /// <summary>Delivers: keeps the content, then sends its hash on its way, in one transaction.</summary>
    /// <exception cref="ApiException">Also what <see cref="DeliveryChecks"/> says: before anything is stored or signed.</exception>
    public async Task<OrderRow> DeliverAsync(string agentId, string id, DeliveryContent content, IdempotentCall call, CancellationToken cancellationToken) =>
        await TakeAsync(agentId, id, await DeliverAsync(agentId, id, content, cancellationToken), call, cancellationToken);

    /// <summary>Rejects: refunds in full once it is paid. The chain gets the reason's hash, the parties its text.</summary>
    public Task<OrderRow> RejectAsync(string agentId, string id, string reason, IdempotentCall call, CancellationToken cancellationToken) =>
        TakeAsync(agentId, id, Reject(agentId, reason), call, cancellationToken);

    /// <summary>Releases: pays the Provider, at the Requester's word, or at anyone's after silence.</summary>
    public Task<OrderRow> ReleaseAsync(string agentId, string id, IdempotentCall call, CancellationToken cancellationToken) =>
        TakeAsync(agentId, id, Release(), call, cancellationToken);

    /// <summary>Disputes: the Arbiter may rule. The chain gets the reason's hash, the parties its text.</summary>
    public Task<OrderRow> DisputeAsync(string agentId, string id, string reason, IdempotentCall call, CancellationToken cancellationToken) =>
        TakeAsync(agentId, id, Dispute(agentId, reason), call, cancellationToken);

    /// <summary>Expires. Anyone may, so the relayer sends it from its own address.</summary>
    public Task<OrderRow> ExpireAsync(string agentId, string id, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var order = await OrderReader.GetLockedAsync(tx, agentId, id);
            if (!await call.ClaimAsync(tx))
            {
                return order;
            }

            if (Decide(order, OrderStep.Expire, agentId, order.ExpireTx is not null) == Decision.Take)
            {
                await QueueExpiryAsync(tx, order);
                order = await OrderReader.GetAsync(tx, agentId, id);
            }

            await call.JoinAsync(tx, order.OrderId, OrderStep.Expire);
            return order;
        },
        cancellationToken);

    /// <summary>
    /// Queues the end of orders whose deadline has passed on chain: expiry before delivery; after it release, for silence pays the Provider. Returns how many.
    /// </summary>
    public Task<int> EndDueAsync(CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var found = await FindDueAsync(tx);
            if (found.Count == 0)
            {
                return 0;
            }

            await tx.LockAsync(found.ConvertAll(order => order.PublicId));
            var due = (await FindDueAsync(tx)).IntersectBy(found.Select(order => order.PublicId), order => order.PublicId, StringComparer.Ordinal).ToList();
            foreach (var order in due)
            {
                await (order.Phase < Phase.Deliver ? QueueExpiryAsync(tx, order) : QueueReleaseAsync(tx, order));
            }

            return due.Count;
        },
        cancellationToken);

    // The header's own time: the next block's is not before it, so the vault will agree. A step in flight gets a minute to show that it was in time; an
    // end that has just failed waits a little.
    private Task<List<OrderRow>> FindDueAsync(Tx tx) => tx.QueryAsync<OrderRow>(
        """
        SELECT b.* FROM (SELECT order_id, deadline_time, CASE WHEN phase < 3 THEN 'expire' ELSE 'release' END AS step FROM order_state WHERE deadline_time < @headTime) s
        JOIN order_book b ON b.order_id = s.order_id
        WHERE (b.pending_step IS NULL OR (b.pending_step <> s.step AND s.deadline_time < @headTime - 60)) AND (coalesce(b.failed_step, '') <> s.step OR b.failed_at < @retryBefore)
        ORDER BY s.deadline_time LIMIT 100
        """,
        new { headTime = clock.HeadTime, retryBefore = time.GetUtcNow().AddSeconds(-10).ToUnixTimeMilliseconds() });

    /// <summary>The refusal (422) where an account does not hold a price; null where it does.</summary>
    public async Task<ApiException?> FindShortfallAsync(string token, string account, BigInteger price, CancellationToken cancellationToken)
    {
        var balance = await chain.QueryAsync<BalanceOfFunction, BigInteger>(token, new BalanceOfFunction { Account = account }, cancellationToken);
        return balance >= price
            ? null
            : new ApiException(
                422,
                ErrorCodes.InsufficientFunds,
                $"The account {account} holds {Money.Format(balance)}, the price is {Money.Format(price)}. Deposit {Money.Format(price - balance)} there and try again.",
                new
                {
                    token,
                    account,
                    required = price.ToString(CultureInfo.InvariantCulture),
                    available = balance.ToString(CultureInfo.InvariantCulture),
                });
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
        /// <summary>
        /// Looks for what refuses it beside the order's state: the account's balance, what the service promised. Asked before the transaction, which
        /// must not wait for the node, and judged in it: what emptied the account meanwhile may be the payment that this call repeats.
        /// </summary>
        public Func<OrderRow, CancellationToken, Task<ApiException?>> FindObjectionAsync { get; init; } = (_, _) => Task.FromResult<ApiException?>(null);

        /// <summary>The Provider's consent, where the call takes one.</summary>
        public byte[]? ProviderSignature { get; init; }

        /// <summary>Whether what is on its way is what is asked for; throws where it is not.</summary>
        public Func<Tx, OrderRow, Task> CheckInFlightAsync { get; init; } = (_, _) => Task.CompletedTask;

        /// <summary>Keeps what the chain does not hold, in the transaction that queues the operation.</summary>
        public Func<Tx, OrderRow, Task> KeepAsync { get; init; } = (_, _) => Task.CompletedTask;

        /// <summary>Tells that it is on its way.</summary>
        public Func<Tx, OrderRow, Operation, Task> TellAsync { get; init; } = (_, _, _) => Task.CompletedTask;
    }

    /// <summary>The refusal (422) where a Requester's account does not hold the price, or its Executor may not spend it now; null where it may.</summary>
    public async Task<ApiException?> FindPaymentObjectionAsync(Contracts.CAPVault.ContractDefinition.Order order, CancellationToken cancellationToken) =>
        await FindShortfallAsync(order.Token, order.Requester, order.Amount, cancellationToken)
        ?? await spending.FindExcessAsync(order.Token, order.Requester, order.Amount, cancellationToken);

    internal Plan Pay() => new(OrderStep.Pay, order => order.PayTx is not null, order => AccountCalls.Pay(context.Vault, order.Order))
    {
        FindObjectionAsync = (order, cancellationToken) => FindPaymentObjectionAsync(order.Order, cancellationToken),
        TellAsync = (tx, order, operation) => events.AddStepAsync(tx, order.OrderId, EventType.OrderPaying, operation.OperationId, OrderStatus.Paying.Value),
    };

    internal async Task<Plan> CreateAndPayAsync(OrderRow agreed, CancellationToken cancellationToken)
    {
        // What was not accepted here was created elsewhere; then the vault asks for no consent.
        var consent = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<byte[]?>("SELECT provider_signature FROM negotiation WHERE order_id = @OrderId", agreed), cancellationToken) ?? [];
        return Pay() with
        {
            Step = OrderStep.CreateAndPay,
            CallData = order => AccountCalls.CreateAndPay(context.Vault, order.Order, consent),
            ProviderSignature = consent,
            TellAsync = (tx, order, operation) => order.Phase == Phase.None
                ? events.AddStepAsync(tx, order.OrderId, EventType.OrderCreating, operation.OperationId, OrderStatus.Creating.Value)
                : Pay().TellAsync(tx, order, operation),
        };
    }

    internal async Task<Plan> DeliverAsync(string agentId, string id, DeliveryContent submitted, CancellationToken cancellationToken)
    {
        // First, so that neither a stranger nor the Requester learns which objects there are.
        RequireMayEver(await orders.GetAsync(agentId, id, cancellationToken), OrderStep.Deliver, agentId);
        var content = await checks.WithFilesAsync(agentId, submitted, cancellationToken);
        return new(
            OrderStep.Deliver,
            order => order.DeliverTx is not null && (order.DeliverableHash!.AsSpan().SequenceEqual(content.Hash) ? true : throw AlreadyDelivered(order.DeliverableHash!)),
            order => AccountCalls.Deliver(context.Vault, order.Order, content.Hash))
        {
            FindObjectionAsync = (order, token) => checks.FindMismatchAsync(order, content, token),
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
    }

    internal Plan Reject(string agentId, string reason)
    {
        var reasonHash = DeliverableHash.Keccak256(Encoding.UTF8.GetBytes(reason));
        return new(
            OrderStep.Reject,
            order => order.RejectedBy is { } by && by.ToHex(true).IsTheSameHex(order.AccountOf(agentId)),
            order => AccountCalls.Reject(context.Vault, order.Order, reasonHash))
        {
            KeepAsync = (tx, order) => KeepReasonAsync(tx, order, reasonHash, reason),
        };
    }

    internal Plan Release() => new(
        OrderStep.Release,
        order => order.Phase == Phase.Clear && order.Order.ReviewSeconds > 0 && order.ResolveTx is null,
        order => AccountCalls.Release(context.Vault, order.Order));

    internal Plan Dispute(string agentId, string reason)
    {
        var reasonHash = DeliverableHash.Keccak256(Encoding.UTF8.GetBytes(reason));
        return new(
            OrderStep.Dispute,
            // What was disputed before its delivery may be so once more after it.
            order => order.Phase != Phase.Deliver && order.DisputedBy is { } by && by.ToHex(true).IsTheSameHex(order.AccountOf(agentId)),
            order => AccountCalls.Dispute(context.Vault, order.Order, reasonHash))
        {
            KeepAsync = (tx, order) => KeepReasonAsync(tx, order, reasonHash, reason),
        };
    }

    private static Task KeepReasonAsync(Tx tx, OrderRow order, byte[] reasonHash, string reason) => tx.PostAsync(
        "INSERT INTO reason (order_id, reason_hash, text) VALUES (@OrderId, @reasonHash, @reason) ON CONFLICT DO NOTHING", new { order.OrderId, reasonHash, reason });

    private async Task<OrderRow> TakeAsync(string agentId, string id, Plan plan, IdempotentCall call, CancellationToken cancellationToken)
    {
        var seen = await orders.GetAsync(agentId, id, cancellationToken);
        if ((await agents.FindAsync(agentId, cancellationToken))!.SelfHeld)
        {
            throw ApiException.State(
                ErrorCodes.InvalidState,
                $"The Executor stays with this agent, so the relayer cannot {plan.Step} for it. POST /api/v1/ops/prepare, sign what it returns, and submit the signature.",
                new { currentState = seen.Status, step = plan.Step.Value });
        }

        var looked = !call.IsRepeat && Decide(seen, plan.Step, agentId, plan.IsDone(seen)) == Decision.Take;
        var objection = looked ? await plan.FindObjectionAsync(seen, cancellationToken) : null;
        return await db.WriteAsync(
            async tx =>
            {
                var order = await OrderReader.GetLockedAsync(tx, agentId, id);
                if (!await call.ClaimAsync(tx))
                {
                    return order;
                }

                var step = plan.Step;
                switch (Decide(order, plan.Step, agentId, plan.IsDone(order)))
                {
                    case Decision.Take when !looked:
                        throw Moved(plan.Step);
                    case Decision.Take when objection is not null:
                        throw objection;
                    case Decision.Take:
                        await plan.KeepAsync(tx, order);
                        var operation = await queue.AddStepAsync(tx, order.OrderId, plan.Step, order.AccountOf(agentId).HexToByteArray(), plan.CallData(order));
                        await plan.TellAsync(tx, order, operation);
                        order = await OrderReader.GetAsync(tx, agentId, id);
                        break;
                    case Decision.InFlight:
                        await plan.CheckInFlightAsync(tx, order);
                        step = OrderStep.Parse(order.PendingStep!);
                        break;
                }

                await call.JoinAsync(tx, order.OrderId, step);
                return order;
            },
            cancellationToken);
    }

    /// <summary>Decides from the order's state and the chain clock.</summary>
    /// <exception cref="ApiException">The step is not this party's, or not possible now.</exception>
    internal Decision Decide(OrderRow order, OrderStep step, string agentId, bool isDone)
    {
        var actor = RequireMayEver(order, step, agentId);
        if (isDone)
        {
            return Decision.Done;
        }

        if (order.PendingStep is { } other)
        {
            if (OrderStep.Parse(other).Includes(step))
            {
                return Decision.InFlight;
            }

            throw ApiException.State(
                ErrorCodes.InvalidState, $"The order is {order.Status}: {other} is on its way. Wait for its outcome.",
                new { currentState = order.Status, order.ToModel().Pending }, retryable: true);
        }

        var at = At(order.Standing.Deadline);
        return Protocol.Judge(step, order.Standing, actor, clock.Now) switch
        {
            Verdict.Allowed => Decision.Take,
            Verdict.InvalidTerms => throw ApiException.State(
                ErrorCodes.InvalidState, $"The order's terms ask for no review and name no Arbiter: there is nothing to {step}.", new { currentState = order.Status, step = step.Value }),
            Verdict.Unauthorized => throw ApiException.Forbidden($"The {actor} may not {step} an order that is {order.Status}."),
            Verdict.TooLate => throw ApiException.State(
                ErrorCodes.DeadlinePassed,
                $"To {step} was possible up to {at:O}. {(order.Phase == Phase.None ? "The order was never created." : $"The order can only {(order.Phase < Phase.Deliver ? "expire" : "be released")} now.")}",
                new { at }),
            Verdict.TooEarly => throw ApiException.State(ErrorCodes.DeadlineNotReached, $"To {step} is possible after {at:O}.", new { at }, retryable: true),
            Verdict.NotApproved => throw ApiException.State(
                ErrorCodes.InvalidState, $"The Approver, {order.Order.Approver}, has not approved the order: to {step} is possible once it has.",
                new { currentState = order.Status, step = step.Value, approver = order.Order.Approver }),
            Verdict.AlreadyDisputed => throw ApiException.State(
                ErrorCodes.InvalidState, "The order is disputed: the Arbiter may rule already.", new { currentState = order.Status, step = step.Value }),
            _ => throw ApiException.State(
                ErrorCodes.InvalidState, $"The order is {order.Status}: it cannot be taken to {step}.", new { currentState = order.Status, step = step.Value }),
        };
    }

    /// <summary>What was on its way, or had happened, when this was judged is not any more: nothing was looked at that could refuse it, so it is not taken.</summary>
    internal static ApiException Moved(OrderStep step) => ApiException.State(
        ErrorCodes.InvalidState, $"The order has changed while {step} was looked at; nothing was done. Call again.", new { step = step.Value }, retryable: true);

    private static Actor RequireMayEver(OrderRow order, OrderStep step, string agentId)
    {
        var actor = order.ActorOf(agentId);
        return Protocol.MayEver(step, actor)
            ? actor
            : throw ApiException.Forbidden($"Only the {(actor == Actor.Requester ? "Provider" : "Requester")} may {step} this order; this key is the {actor}'s.");
    }

    private Task QueueExpiryAsync(Tx tx, OrderRow order) => queue.AddOwnAsync(
        tx,
        OperationKind.Expire,
        context.Vault.HexToByteArray(),
        new Contracts.CAPVault.ContractDefinition.ExpireOrderFunction { Order = order.Order }.GetCallData(),
        value: 0,
        GasLimits.End,
        order.OrderId,
        OrderStep.Expire);

    private Task QueueReleaseAsync(Tx tx, OrderRow order) => queue.AddOwnAsync(
        tx,
        OperationKind.Release,
        context.Vault.HexToByteArray(),
        new Contracts.CAPVault.ContractDefinition.ReleaseOrderFunction { Order = order.Order }.GetCallData(),
        value: 0,
        GasLimits.End,
        order.OrderId,
        OrderStep.Release);

    private static ApiException AlreadyDelivered(byte[] hash) => ApiException.State(
        ErrorCodes.AlreadyDelivered, "Another deliverable is recorded, or on its way. It cannot be replaced.", new { contentHash = hash.ToHex(true) });

    private static DateTimeOffset At(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds);
}
