using CapVault.Contracts;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Orders;

/// <summary>Negotiations, off chain. The Requester consents by negotiating, the Provider by accepting; then the order goes on chain.</summary>
public sealed class Negotiations(
    Db db,
    ChainContext context,
    ExecutorKeys executors,
    Services services,
    Agents agents,
    TermsDrafter drafter,
    OperationQueue queue,
    EventLog events,
    OrderEvents orderEvents,
    TimeProvider time)
{
    /// <summary>Asks for a service.</summary>
    public async Task<NegotiationRow> NegotiateAsync(
        string requesterAgentId, string serviceId, string? requirements, string? metadata, IdempotentCall call, CancellationToken cancellationToken)
    {
        if (call.IsRepeat)
        {
            // Before anything is checked: what was allowed then may not be now.
            return await GetAsync(requesterAgentId, call.Made!, cancellationToken);
        }

        var service = await services.FindAsync(serviceId, cancellationToken) ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId);
        var requester = (await agents.FindAsync(requesterAgentId, cancellationToken))!;
        var provider = (await agents.FindAsync(service.AgentId, cancellationToken))!;
        if (PreFlight.Objections(service, provider, requesterAgentId, requirements).FirstOrDefault() is { } objection)
        {
            throw objection;
        }

        var (order, document) = await drafter.DraftAsync(service, requester, provider, requirements, cancellationToken);
        var orderId = context.Orders.OrderId(order);
        var now = Now;
        var row = new NegotiationRow
        {
            NegotiationId = Ids.New("neg_"),
            ServiceId = service.ServiceId,
            ServiceVersion = service.Version,
            RequesterAgentId = requesterAgentId,
            ProviderAgentId = service.AgentId,
            Requirements = requirements,
            Metadata = metadata,
            Status = NegotiationStatus.Pending.Value,
            Revision = 1,
            OrderId = orderId,
            Terms = new ABIEncode().GetABIParamsEncoded(order),
            TermsDocument = document,
            RequesterSignature = Consent(order, orderId, requester),
            ExpiresAt = now + (service.NegotiationTtlSeconds * 1000L),
            CreatedAt = now,
            UpdatedAt = now,
        };
        return await db.WriteAsync(
            async tx =>
            {
                if (!await call.ClaimAsync(tx))
                {
                    return await tx.SingleAsync<NegotiationRow>("SELECT * FROM negotiation WHERE negotiation_id = @Made", call);
                }

                await tx.ExecuteAsync(
                    """
                    INSERT INTO negotiation (negotiation_id, service_id, service_version, requester_agent_id, provider_agent_id, requirements, metadata, status,
                      revision, order_id, terms, terms_document, requester_signature, expires_at, created_at, updated_at)
                    VALUES (@NegotiationId, @ServiceId, @ServiceVersion, @RequesterAgentId, @ProviderAgentId, @Requirements, @Metadata, @Status,
                      @Revision, @OrderId, @Terms, @TermsDocument, @RequesterSignature, @ExpiresAt, @CreatedAt, @UpdatedAt)
                    """,
                    row);
                await TellAsync(tx, row, EventType.NegotiationCreated);
                await call.RememberAsync(tx, row.NegotiationId);
                return row;
            },
            cancellationToken);
    }

    /// <summary>
    /// Consents for the Provider and sends the order on its way. Repeats give the first result; after <c>create_failed</c> a repeat
    /// tries again, until the negotiation's end.
    /// </summary>
    public async Task<NegotiationRow> AcceptAsync(
        string providerAgentId, string negotiationId, int? revision, IdempotentCall call, CancellationToken cancellationToken)
    {
        var provider = (await agents.FindAsync(providerAgentId, cancellationToken))!;
        return await db.WriteAsync(
            async tx =>
            {
                var row = await OfProviderAsync(tx, providerAgentId, negotiationId);
                if (!await call.ClaimAsync(tx))
                {
                    return row;
                }

                if (revision is not null && revision != row.Revision)
                {
                    throw ApiException.State(
                        ErrorCodes.StaleRevision, $"revision: found {revision}, the current one is {row.Revision}. Read it before you accept.", new { found = revision, expected = row.Revision });
                }

                if (row.Status != NegotiationStatus.Accepted.Value || await MayRetryAsync(tx, row))
                {
                    RequireOpen(row, NegotiationStatus.Pending, NegotiationStatus.Accepted);
                    row = await AcceptAsync(tx, row, provider);
                }

                await call.JoinAsync(tx, row.OrderId, OrderStep.Create);
                return row;
            },
            cancellationToken);
    }

    /// <summary>Declines for the Provider. Repeats give the first result.</summary>
    public Task<NegotiationRow> RejectAsync(
        string providerAgentId, string negotiationId, string reason, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var row = await OfProviderAsync(tx, providerAgentId, negotiationId);
            if (!await call.ClaimAsync(tx) || row.Status == NegotiationStatus.Rejected.Value)
            {
                return row;
            }

            RequireOpen(row, NegotiationStatus.Pending);
            var rejected = row with { Status = NegotiationStatus.Rejected.Value, RejectReason = reason, UpdatedAt = Now };
            await tx.ExecuteAsync(
                "UPDATE negotiation SET status = @Status, reject_reason = @RejectReason, updated_at = @UpdatedAt WHERE negotiation_id = @NegotiationId", rejected);
            await TellAsync(tx, rejected, EventType.NegotiationRejected);
            return rejected;
        },
        cancellationToken);

    /// <summary>Ends the negotiations whose time is over. Returns how many.</summary>
    public Task<int> ExpireDueAsync(CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var due = await tx.QueryAsync<NegotiationRow>("SELECT * FROM negotiation WHERE status = 'pending' AND expires_at <= @now LIMIT 100", new { now = Now });
            foreach (var row in due)
            {
                var expired = row with { Status = NegotiationStatus.Expired.Value, UpdatedAt = Now };
                await tx.ExecuteAsync("UPDATE negotiation SET status = @Status, updated_at = @UpdatedAt WHERE negotiation_id = @NegotiationId", expired);
                await TellAsync(tx, expired, EventType.NegotiationExpired);
            }

            return due.Count;
        },
        cancellationToken);

    /// <summary>A negotiation that <paramref name="agentId"/> is a party to.</summary>
    public async Task<NegotiationRow> GetAsync(string agentId, string negotiationId, CancellationToken cancellationToken) =>
        await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<NegotiationRow?>(
                "SELECT * FROM negotiation WHERE negotiation_id = @negotiationId AND @agentId IN (requester_agent_id, provider_agent_id)", new { negotiationId, agentId }),
            cancellationToken)
        ?? throw ApiException.NotFound(ErrorCodes.NegotiationNotFound, "negotiation", negotiationId);

    /// <summary>Negotiations of an agent, newest first.</summary>
    public Task<List<NegotiationRow>> ListAsync(ListFilter filter, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<NegotiationRow>(
            $"""
            SELECT * FROM negotiation WHERE {filter.Party} AND (@Status IS NULL OR status = @Status)
              AND (created_at, negotiation_id) < (@BeforeTime, @BeforeId) ORDER BY created_at DESC, negotiation_id DESC LIMIT @Rows OFFSET @Offset
            """,
            filter)).AsList(),
        cancellationToken);

    private async Task<NegotiationRow> AcceptAsync(Tx tx, NegotiationRow row, AgentRow provider)
    {
        var accepted = row with
        {
            Status = NegotiationStatus.Accepted.Value,
            ProviderSignature = Consent(row.Order, row.OrderId, provider),
            UpdatedAt = Now,
        };
        await tx.ExecuteAsync(
            "UPDATE negotiation SET status = @Status, provider_signature = @ProviderSignature, updated_at = @UpdatedAt WHERE negotiation_id = @NegotiationId", accepted);
        await tx.ExecuteAsync(
            """
            INSERT INTO orders (order_id, public_id, negotiation_id, service_id, requester_agent_id, provider_agent_id, terms, created_at)
            VALUES (@OrderId, @publicId, @NegotiationId, @ServiceId, @RequesterAgentId, @ProviderAgentId, @Terms, @UpdatedAt) ON CONFLICT (order_id) DO NOTHING
            """,
            new
            {
                row.OrderId,
                publicId = Ids.Of("ord_", row.OrderId),
                row.NegotiationId,
                row.ServiceId,
                row.RequesterAgentId,
                row.ProviderAgentId,
                row.Terms,
                accepted.UpdatedAt,
            });
        var operation = await queue.AddStepAsync(
            tx, row.OrderId, OrderStep.Create, row.Order.Requester.HexToByteArray(), AccountCalls.Create(context.Vault, row.Order, accepted.ProviderSignature!));
        if (row.Status == NegotiationStatus.Pending.Value)
        {
            await TellAsync(tx, accepted, EventType.NegotiationAccepted);
        }

        await orderEvents.AddStepAsync(tx, row.OrderId, EventType.OrderCreating, operation.OperationId, OrderStatus.Creating.Value);
        return accepted;
    }

    private async Task<bool> MayRetryAsync(Tx tx, NegotiationRow row) =>
        row.ExpiresAt > Now
        && await tx.FirstOrDefaultAsync<string>("SELECT status FROM order_book WHERE order_id = @OrderId", row) == OrderStatus.CreateFailed.Value;

    // A stranger is not told that it exists; the Requester is, but may not answer itself.
    private static async Task<NegotiationRow> OfProviderAsync(Tx tx, string agentId, string negotiationId)
    {
        var row = await tx.FirstOrDefaultAsync<NegotiationRow>("SELECT * FROM negotiation WHERE negotiation_id = @negotiationId", new { negotiationId });
        if (row is null || (row.ProviderAgentId != agentId && row.RequesterAgentId != agentId))
        {
            throw ApiException.NotFound(ErrorCodes.NegotiationNotFound, "negotiation", negotiationId);
        }

        return row.ProviderAgentId == agentId ? row : throw ApiException.Forbidden("The Provider answers a negotiation; this key is the Requester's.");
    }

    private void RequireOpen(NegotiationRow row, params NegotiationStatus[] expected)
    {
        if (!expected.Contains(NegotiationStatus.Parse(row.Status)))
        {
            throw ApiException.State(
                ErrorCodes.InvalidState, $"The negotiation is {row.Status}, expected {string.Join(" or ", expected)}. Negotiate anew.",
                new { currentState = row.Status, allowedStates = expected.Select(status => status.Value) });
        }

        if (row.ExpiresAt <= Now)
        {
            var at = DateTimeOffset.FromUnixTimeMilliseconds(row.ExpiresAt);
            throw ApiException.State(ErrorCodes.DeadlinePassed, $"The negotiation ended at {at:O}. Negotiate anew.", new { at });
        }
    }

    private byte[] Consent(Contracts.CAPVault.ContractDefinition.Order order, byte[] orderId, AgentRow agent) =>
        OrderConsent.Sign(order, orderId, context.ChainId, agent.Account.ToHex(true), executors.Decrypt(agent.AgentId, agent.ExecutorKey));

    private Task TellAsync(Tx tx, NegotiationRow row, EventType type) => events.AddAsync(
        tx,
        new CapEvent
        {
            Seq = 0,
            Cursor = "",
            EventId = Ids.New("evt_"),
            Type = type,
            Aliases = EventKinds.Aliases(type),
            OccurredAt = DateTimeOffset.FromUnixTimeMilliseconds(row.UpdatedAt),
            NegotiationId = row.NegotiationId,
            RequesterAgentId = row.RequesterAgentId,
            ProviderAgentId = row.ProviderAgentId,
            ServiceId = row.ServiceId,
            Status = row.Status,
            Reason = row.RejectReason,
        });

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();
}
