using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>
/// Steps of agents that hold their Executor themselves: prepared here, signed there, submitted. The same rules decide as for
/// <see cref="OrderSteps"/>, when a step is prepared and again when it is submitted.
/// </summary>
public sealed class PreparedSteps(
    Db db, OrderReader orders, OrderSteps steps, Agents agents, OperationSigner signer, Sponsor sponsor, SponsorLedger ledger, OperationQueue queue, ChainContext context, ChainClock clock, TimeProvider time)
{
    private const string Kept = "SELECT * FROM prepared_operation WHERE user_op_hash = @hash AND agent_id = @agentId AND order_id IS NOT NULL";

    /// <summary>How many operations of one agent may wait for its signature: each is gas that the sponsor has promised.</summary>
    private const int MaxPrepared = 8;

    private const string Signable = "pay, create_and_pay, deliver, release, dispute or reject";

    /// <summary>A repeat gets the same operation while it has this much time left, seconds; later a new one.</summary>
    private const long TimeToSign = OperationSigner.Validity / 2;

    /// <summary>Sponsors a step and returns what its Executor must sign. The content that goes with it is kept with it until it is submitted.</summary>
    public async Task<PreparedOperation> PrepareAsync(string agentId, PrepareRequest request, CancellationToken cancellationToken)
    {
        var plan = await PlanOfAsync(agentId, request, cancellationToken);
        var seen = await orders.GetAsync(agentId, request.OrderId, cancellationToken);
        if (!(await agents.FindAsync(agentId, cancellationToken))!.SelfHeld)
        {
            throw ApiException.State(
                ErrorCodes.InvalidState, $"The relayer holds this agent's Executor and signs for it: POST /api/v1/orders/{seen.PublicId}/{(plan.Step == OrderStep.CreateAndPay ? OrderStep.Pay : plan.Step)}.", new { currentState = seen.Status });
        }

        var looked = steps.Decide(seen, plan.Step, agentId, plan.IsDone(seen)) == OrderSteps.Decision.Take;
        var objection = looked ? await plan.FindObjectionAsync(seen, cancellationToken) : null;
        return await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(agentId);
                var order = await OrderReader.GetLockedAsync(tx, agentId, request.OrderId);
                await RequireOpenAsync(tx, order, agentId, plan);
                if (!looked || objection is not null)
                {
                    throw objection ?? OrderSteps.Moved(plan.Step);
                }

                var callData = plan.CallData(order);
                if (await FindUsableAsync(tx, agentId, order, plan, callData, until: clock.Now + TimeToSign) is { } same)
                {
                    return ToModel(same.Operation, order, plan, same.SubmitUntil);
                }

                await RequireRoomAsync(tx, agentId, order, plan);
                if (await FindHashAsync(tx, agentId, order, plan.Step) is { } replaced)
                {
                    await ledger.ReleaseAsync(tx, replaced);
                }

                await sponsor.AdmitStepAsync(tx, order.AccountOf(agentId).HexToByteArray(), order.OrderId, plan.Step, callData);
                var sponsored = await signer.SponsorAsync(tx, order.AccountOf(agentId).HexToByteArray(), order.OrderId, plan.Step, callData);
                await InsertAsync(tx, agentId, order, plan.Step, sponsored, request);
                return ToModel(sponsored, order, plan, sponsored.ValidUntil - OperationSigner.TimeToLand);
            },
            cancellationToken);
    }

    /// <summary>
    /// Takes the Executor's signature and puts the operation into the queue, with its content, in one transaction. Repeats find that
    /// operation, or its result.
    /// </summary>
    public async Task<OrderRow> SubmitAsync(string agentId, string userOpHash, string signature, IdempotentCall call, CancellationToken cancellationToken)
    {
        var hash = userOpHash.Length == 66 && userOpHash.IsHex() ? userOpHash.HexToByteArray() : throw ApiException.Invalid("userOpHash", userOpHash, "0x and 64 hex digits");
        var agent = (await agents.FindAsync(agentId, cancellationToken))!;
        await RequireKnownAsync(agent, hash, cancellationToken);
        var signed = SelfHeld.RequireSignature(agent, hash, signature);
        var kept = new { hash, agentId };
        var plan = await db.ReadAsync(connection => connection.QueryFirstOrDefaultAsync<PreparedRow?>(Kept, kept), cancellationToken) is { } seen
            ? await PlanOfAsync(agentId, JsonSerializer.Deserialize<PrepareRequest>(seen.Request, CapJson.Options)!, cancellationToken)
            : null;
        return await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(agentId);
                var isFirst = await call.ClaimAsync(tx);
                if (await tx.FirstOrDefaultAsync<Submitted>("SELECT order_id, step FROM operation WHERE user_op_hash = @hash", kept) is { } submitted)
                {
                    if (isFirst)
                    {
                        await call.JoinAsync(tx, submitted.OrderId, OrderStep.Parse(submitted.Step));
                    }

                    return await OrderReader.GetAsync(tx, agentId, submitted.OrderId.ToHex(true));
                }

                var prepared = plan is null ? null : await tx.FirstOrDefaultAsync<PreparedRow>(Kept, kept);
                var order = await QueueAsync(tx, agentId, prepared ?? throw NotFound(userOpHash), plan!, signed);
                await call.JoinAsync(tx, order.OrderId, plan!.Step);
                return order;
            },
            cancellationToken);
    }

    private async Task<OrderRow> QueueAsync(Tx tx, string agentId, PreparedRow prepared, OrderSteps.Plan plan, byte[] signature)
    {
        var order = await OrderReader.GetLockedAsync(tx, agentId, prepared.OrderId.ToHex(true));
        switch (steps.Decide(order, plan.Step, agentId, plan.IsDone(order)))
        {
            case OrderSteps.Decision.Done:
                return order;
            case OrderSteps.Decision.InFlight:
                await plan.CheckInFlightAsync(tx, order);
                return order;
        }

        var next = await OperationSigner.NextSequenceAsync(tx, order.AccountOf(agentId).HexToByteArray(), prepared.NonceKey);
        if (clock.Now > prepared.SubmitUntil || prepared.NonceSeq != next || !context.IsLane(prepared.Eoa))
        {
            throw new ApiException(
                410,
                ErrorCodes.PreparationExpired,
                clock.Now > prepared.SubmitUntil ? $"The operation could be submitted up to {At(prepared.SubmitUntil):O}. Prepare the step again."
                    : prepared.NonceSeq == next ? "The relayer sends from other addresses now than the one that this operation names. Prepare the step again."
                    : $"Another operation of this account took the place in nonce lane {prepared.NonceKey} since: found {prepared.NonceSeq}, expected {next}. Prepare the step again.",
                new { validUntil = At(prepared.SubmitUntil) });
        }

        await plan.KeepAsync(tx, order);
        var signed = prepared.Operation;
        signed.UserOp.Signature = signature;
        var operation = await queue.AddClientSignedAsync(tx, order.OrderId, plan.Step, signed);
        await tx.ExecuteAsync("DELETE FROM prepared_operation WHERE user_op_hash = @UserOpHash", prepared);
        await plan.TellAsync(tx, order, operation);
        return await OrderReader.GetAsync(tx, agentId, prepared.OrderId.ToHex(true));
    }

    private async Task<OrderSteps.Plan> PlanOfAsync(string agentId, PrepareRequest request, CancellationToken cancellationToken)
    {
        var plan = request.Step.Value switch
        {
            "pay" => steps.Pay(),
            "create_and_pay" => await steps.CreateAndPayAsync(await orders.GetAsync(agentId, request.OrderId, cancellationToken), cancellationToken),
            "deliver" => await steps.DeliverAsync(
                agentId, request.OrderId, new DeliveryContent(request.Deliverable ?? throw ApiException.Missing("deliverable")), cancellationToken),
            "reject" => steps.Reject(agentId, ReasonOf(request)),
            "release" => steps.Release(),
            "dispute" => steps.Dispute(agentId, ReasonOf(request)),
            "expire" => throw ApiException.Invalid("step", "expire", $"{Signable}; anyone may expire an order, so POST /orders/{{id}}/expire needs no signature"),
            _ => throw ApiException.Invalid("step", request.Step.Value, Signable),
        };
        return request switch
        {
            { Deliverable: not null } when plan.Step != OrderStep.Deliver => throw ApiException.Invalid("deliverable", "a value", $"none for step {plan.Step}"),
            { Reason: not null } when plan.Step != OrderStep.Reject && plan.Step != OrderStep.Dispute => throw ApiException.Invalid("reason", request.Reason, $"none for step {plan.Step}"),
            _ => plan,
        };
    }

    private static string ReasonOf(PrepareRequest request) => Fields.Text("reason", request.Reason ?? throw ApiException.Missing("reason"), 1, 512);

    // There is nothing to sign for a step that has happened or is on its way.
    private async Task RequireOpenAsync(Tx tx, OrderRow order, string agentId, OrderSteps.Plan plan)
    {
        var decision = steps.Decide(order, plan.Step, agentId, plan.IsDone(order));
        if (decision == OrderSteps.Decision.Take)
        {
            return;
        }

        if (decision == OrderSteps.Decision.InFlight)
        {
            await plan.CheckInFlightAsync(tx, order);
        }

        throw ApiException.State(
            ErrorCodes.InvalidState,
            $"The order is {order.Status}: {plan.Step} {(decision == OrderSteps.Decision.Done ? "has happened" : "is on its way")}. There is nothing to sign.",
            new { currentState = order.Status, order.ToModel().Pending });
    }

    private async Task<PreparedRow?> FindUsableAsync(Tx tx, string agentId, OrderRow order, OrderSteps.Plan plan, byte[] callData, long until)
    {
        var row = await tx.FirstOrDefaultAsync<PreparedRow>(
            "SELECT * FROM prepared_operation WHERE agent_id = @agentId AND order_id = @OrderId AND step = @step", new { agentId, order.OrderId, step = plan.Step.Value });
        return row is not null
            && row.ValidUntil >= until
            && context.IsLane(row.Eoa)
            && row.Operation.UserOp.CallData.AsSpan().SequenceEqual(callData)
            && row.NonceSeq == await OperationSigner.NextSequenceAsync(tx, order.AccountOf(agentId).HexToByteArray(), row.NonceKey)
                ? row
                : null;
    }

    private static Task<byte[]?> FindHashAsync(Tx tx, string agentId, OrderRow order, OrderStep step) => tx.FirstOrDefaultAsync<byte[]>(
        "SELECT user_op_hash FROM prepared_operation WHERE agent_id = @agentId AND order_id = @OrderId AND step = @step", new { agentId, order.OrderId, step = step.Value });

    private async Task RequireRoomAsync(Tx tx, string agentId, OrderRow order, OrderSteps.Plan plan)
    {
        // What has run out stays as long as there is room, so that a late submit is told why it is refused.
        await tx.ExecuteAsync(
            "DELETE FROM prepared_operation WHERE agent_id = @agentId AND valid_until < @over AND (SELECT count(*) FROM prepared_operation WHERE agent_id = @agentId AND order_id IS NOT NULL) >= @MaxPrepared",
            new { agentId, over = clock.Now + OperationSigner.TimeToLand, MaxPrepared });
        var others = await tx.SingleAsync<int>(
            "SELECT count(*) FROM prepared_operation WHERE agent_id = @agentId AND NOT (order_id = @OrderId AND step = @step)", new { agentId, order.OrderId, step = plan.Step.Value });
        if (others >= MaxPrepared)
        {
            var first = await tx.SingleAsync<long>("SELECT min(valid_until) FROM prepared_operation WHERE agent_id = @agentId AND order_id IS NOT NULL", new { agentId }) - OperationSigner.TimeToLand;
            throw new ApiException(
                422,
                ErrorCodes.QuotaExceeded,
                $"{others} operations of this agent wait for its signature, of {MaxPrepared} that may. Submit them; the first runs out at {At(first):O}.",
                new { limit = MaxPrepared, until = At(first) });
        }
    }

    private Task InsertAsync(Tx tx, string agentId, OrderRow order, OrderStep step, SponsoredOperation sponsored, PrepareRequest request) => tx.ExecuteAsync(
        """
        DELETE FROM prepared_operation WHERE agent_id = @agentId AND order_id = @OrderId AND step = @step;
        INSERT INTO prepared_operation (user_op_hash, agent_id, order_id, step, nonce_key, nonce_seq, user_op, valid_until, eoa, request, created_at)
        VALUES (@Hash, @agentId, @OrderId, @step, @NonceKey, @NonceSeq, @userOp, @ValidUntil, @Eoa, @request, @now)
        """,
        new
        {
            sponsored.Hash,
            agentId,
            order.OrderId,
            step = step.Value,
            sponsored.NonceKey,
            sponsored.NonceSeq,
            userOp = new ABIEncode().GetABIParamsEncoded(sponsored.UserOp),
            sponsored.ValidUntil,
            sponsored.Eoa,
            request = JsonSerializer.SerializeToUtf8Bytes(request, CapJson.Options),
            now = time.GetUtcNow().ToUnixTimeMilliseconds(),
        });

    // A hash of another agent is as unknown as one that is nobody's.
    private async Task RequireKnownAsync(AgentRow agent, byte[] hash, CancellationToken cancellationToken)
    {
        var known = await db.ReadAsync(
            connection => connection.QueryFirstAsync<bool>(
                """
                SELECT EXISTS (SELECT 1 FROM prepared_operation WHERE user_op_hash = @hash AND agent_id = @AgentId AND order_id IS NOT NULL)
                  OR EXISTS (SELECT 1 FROM operation WHERE user_op_hash = @hash AND sender = @Account AND client_signed = 1 AND order_id IS NOT NULL)
                """,
                new { hash, agent.AgentId, agent.Account }),
            cancellationToken);
        if (!known)
        {
            throw NotFound(hash.ToHex(true));
        }
    }

    private PreparedOperation ToModel(SponsoredOperation operation, OrderRow order, OrderSteps.Plan plan, long submitUntil) => new()
    {
        OrderId = order.PublicId,
        Step = plan.Step,
        UserOp = UserOperation.From(operation.UserOp),
        UserOpHash = operation.Hash.ToHex(true),
        TypedData = TypedData.From(context.UserOperations.TypedData(operation.UserOp)),
        ProviderSignature = plan.ProviderSignature?.ToHex(true),
        ValidUntil = At(submitUntil),
    };

    private static ApiException NotFound(string userOpHash) => ApiException.NotFound(ErrorCodes.OperationNotFound, "prepared operation", userOpHash);

    private static DateTimeOffset At(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds);

    private sealed record Submitted
    {
        public byte[] OrderId { get; init; } = [];

        public string Step { get; init; } = "";
    }
}
