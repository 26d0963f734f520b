using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
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
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Orders;

/// <summary>
/// Negotiations, off chain. The Requester consents by negotiating, the Provider by accepting; then the order goes on chain. A party that holds its
/// Executor itself sends its signature. Until such a Requester has, the negotiation is its draft: nobody has asked the Provider yet.
/// </summary>
public sealed class Negotiations(
    Db db,
    ChainContext context,
    ExecutorKeys executors,
    Services services,
    Agents agents,
    Spending spending,
    TermsDrafter drafter,
    OrderSteps steps,
    OperationQueue queue,
    EventLog events,
    OrderEvents orderEvents,
    TimeProvider time)
{
    private const string IsVisible = "(requester_agent_id = @AgentId OR length(requester_signature) > 0)";

    /// <summary>Asks for a service.</summary>
    public async Task<NegotiationRow> NegotiateAsync(
        string requesterAgentId,
        string serviceId,
        string? requirements,
        ThirdParties? thirdParties,
        bool payOnAccept,
        string? metadata,
        IdempotentCall call,
        CancellationToken cancellationToken)
    {
        if (call.IsRepeat)
        {
            // Before anything is checked: what was allowed then may not be now.
            return await GetAsync(requesterAgentId, call.Made!, cancellationToken);
        }

        var service = await services.FindAsync(serviceId, cancellationToken) ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId);
        var requester = (await agents.FindAsync(requesterAgentId, cancellationToken))!;
        var provider = (await agents.FindAsync(service.AgentId, cancellationToken))!;
        if (PreFlight.Objections(service, provider, requester, requirements, thirdParties).FirstOrDefault() is { } objection)
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
            RequesterSignature = requester.SelfHeld ? [] : Consent(order, orderId, requester),
            PayOnAccept = payOnAccept,
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

                await tx.PostAsync(
                    """
                    INSERT INTO negotiation (negotiation_id, service_id, service_version, requester_agent_id, provider_agent_id, requirements, metadata, status,
                      revision, order_id, terms, terms_document, requester_signature, pay_on_accept, expires_at, created_at, updated_at)
                    VALUES (@NegotiationId, @ServiceId, @ServiceVersion, @RequesterAgentId, @ProviderAgentId, @Requirements, @Metadata, @Status,
                      @Revision, @OrderId, @Terms, @TermsDocument, @RequesterSignature, @PayOnAccept, @ExpiresAt, @CreatedAt, @UpdatedAt)
                    """,
                    row);
                if (row.IsConsentedTo)
                {
                    await TellAsync(tx, row, EventType.NegotiationCreated);
                }

                await call.RememberAsync(tx, row.NegotiationId);
                return row;
            },
            cancellationToken);
    }

    /// <summary>Takes the consent of a Requester that holds its Executor itself; the Provider hears of the negotiation now. Repeats give the first result.</summary>
    public async Task<NegotiationRow> ConsentAsync(string requesterAgentId, string negotiationId, int revision, string signature, IdempotentCall call, CancellationToken cancellationToken)
    {
        var requester = (await agents.FindAsync(requesterAgentId, cancellationToken))!;
        var asked = await GetAsync(requesterAgentId, negotiationId, cancellationToken);
        if (asked.RequesterAgentId != requesterAgentId)
        {
            throw ApiException.Forbidden("The Requester consents to its negotiation; this key is the Provider's, who accepts it.");
        }

        if (!requester.SelfHeld)
        {
            throw ApiException.State(
                ErrorCodes.InvalidState, "The relayer holds this agent's Executor, and consented when the agent negotiated. There is nothing left to do.", new { currentState = asked.Status });
        }

        RequireRevision(asked, revision);
        var consent = Consent(asked, requester, signature);
        if (!asked.IsConsentedTo && await spending.FindConsentExcessAsync(asked.Order.Token, asked.Order.Requester, asked.Order.Amount, cancellationToken) is { } excess)
        {
            throw excess;
        }

        return await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(negotiationId);
                var row = await tx.SingleAsync<NegotiationRow>("SELECT * FROM negotiation WHERE negotiation_id = @negotiationId", new { negotiationId });
                RequireRevision(row, revision);
                if (!await call.ClaimAsync(tx) || row.IsConsentedTo)
                {
                    return row;
                }

                RequireOpen(row, NegotiationStatus.Pending);
                var consented = row with { RequesterSignature = consent, UpdatedAt = Now };
                await tx.PostAsync("UPDATE negotiation SET requester_signature = @RequesterSignature, updated_at = @UpdatedAt WHERE negotiation_id = @NegotiationId", consented);
                await TellAsync(tx, consented, EventType.NegotiationCreated);
                return consented;
            },
            cancellationToken);
    }

    /// <summary>
    /// Consents for the Provider and sends the order on its way, with its payment where the Requester pays on acceptance. Repeats give the first result; after <c>create_failed</c> a repeat
    /// tries again, until the negotiation's end.
    /// </summary>
    public async Task<NegotiationRow> AcceptAsync(
        string providerAgentId, string negotiationId, int? revision, string? signature, IdempotentCall call, CancellationToken cancellationToken)
    {
        var provider = (await agents.FindAsync(providerAgentId, cancellationToken))!;
        var asked = RequireProvider(await GetAsync(providerAgentId, negotiationId, cancellationToken), providerAgentId, negotiationId);
        byte[]? consent = null;
        if (signature is not null)
        {
            RequireRevision(asked, revision);
            revision = asked.Revision; // these terms were signed, and no others
            consent = provider.SelfHeld
                ? Consent(asked, provider, signature)
                : throw ApiException.Invalid("signature", signature, "none: the relayer holds this agent's Executor and signs");
        }

        var objection = call.IsRepeat ? null : await FindPaymentObjectionAsync(asked, cancellationToken);
        return await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(negotiationId);
                var row = await OfProviderAsync(tx, providerAgentId, negotiationId);
                await OrderReader.LockAsync(tx, row.OrderId);
                if (!await call.ClaimAsync(tx))
                {
                    return row;
                }

                RequireRevision(row, revision);
                if (row.Status != NegotiationStatus.Accepted.Value || await MayRetryAsync(tx, row))
                {
                    RequireOpen(row, NegotiationStatus.Pending, NegotiationStatus.Accepted);
                    consent = row.ProviderSignature ?? consent ?? (provider.SelfHeld ? throw MissingConsent(row, provider) : Consent(row.Order, row.OrderId, provider));
                    row = objection is null ? await AcceptAsync(tx, row, consent) : throw objection;
                }

                await call.JoinAsync(tx, row.OrderId, row.PayOnAccept ? OrderStep.CreateAndPay : OrderStep.Create);
                return row;
            },
            cancellationToken);
    }

    /// <summary>Declines for the Provider. Repeats give the first result.</summary>
    public Task<NegotiationRow> RejectAsync(
        string providerAgentId, string negotiationId, string reason, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await tx.LockAsync(negotiationId);
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
            var now = Now;
            var due = await tx.QueryAsync<string>("SELECT negotiation_id FROM negotiation WHERE status = 'pending' AND expires_at <= @now LIMIT 100", new { now });
            if (due.Count == 0)
            {
                return 0;
            }

            await tx.LockAsync(due);
            var expired = await tx.QueryAsync<NegotiationRow>(
                "UPDATE negotiation SET status = 'expired', updated_at = @now WHERE negotiation_id IN @due AND status = 'pending' RETURNING *", new { now, due });
            foreach (var row in expired)
            {
                await TellAsync(tx, row, EventType.NegotiationExpired);
            }

            return expired.Count;
        },
        cancellationToken);

    /// <summary>A negotiation that <paramref name="agentId"/> is a party to.</summary>
    public async Task<NegotiationRow> GetAsync(string agentId, string negotiationId, CancellationToken cancellationToken) =>
        await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<NegotiationRow?>(
                $"SELECT * FROM negotiation WHERE negotiation_id = @negotiationId AND @AgentId IN (requester_agent_id, provider_agent_id) AND {IsVisible}",
                new { negotiationId, AgentId = agentId }),
            cancellationToken)
        ?? throw ApiException.NotFound(ErrorCodes.NegotiationNotFound, "negotiation", negotiationId);

    /// <summary>Negotiations of an agent, newest first.</summary>
    public Task<List<NegotiationRow>> ListAsync(ListFilter filter, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<NegotiationRow>(
            $"""
            SELECT * FROM negotiation WHERE {filter.Party} AND {IsVisible} AND (@Status IS NULL OR status = @Status)
              AND (created_at, negotiation_id) < (@BeforeTime, @BeforeId) ORDER BY created_at DESC, negotiation_id DESC LIMIT @Rows OFFSET @Offset
            """,
            filter)).AsList(),
        cancellationToken);

    /// <summary>As the API shows it to a party: with what is to be signed, where its answer is due and it holds its Executor itself.</summary>
    public Negotiation ToModel(NegotiationRow row, AgentRow party)
    {
        var model = row.ToModel();
        var awaited = model.Awaiting is null ? null : model.Awaiting == Role.Requester ? row.RequesterAgentId : row.ProviderAgentId;
        return party.SelfHeld && party.AgentId == awaited ? model with { Consent = ConsentData(row, party) } : model;
    }

    private async Task<NegotiationRow> AcceptAsync(Tx tx, NegotiationRow row, byte[] consent)
    {
        var accepted = row with
        {
            Status = NegotiationStatus.Accepted.Value,
            ProviderSignature = consent,
            UpdatedAt = Now,
        };
        await tx.PostAsync(
            "UPDATE negotiation SET status = @Status, provider_signature = @ProviderSignature, updated_at = @UpdatedAt WHERE negotiation_id = @NegotiationId", accepted);
        await tx.PostAsync(
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
        var operation = await QueueCreationAsync(tx, accepted);
        if (row.Status == NegotiationStatus.Pending.Value)
        {
            // Where nothing is on its way the Requester's turn has come.
            await TellAsync(tx, accepted, EventType.NegotiationAccepted, operation is null ? Audience.Requester : null);
        }

        if (operation is not null)
        {
            await orderEvents.AddStepAsync(tx, row.OrderId, EventType.OrderCreating, operation.OperationId, OrderStatus.Creating.Value);
        }

        return accepted;
    }

    // From the Requester's account where its Executor is held here; otherwise anybody with both signatures may create, so the relayer does. Nobody but
    // the Requester may pay: where its Executor is not here, what creates and pays waits for its signature.
    private async Task<Operation?> QueueCreationAsync(Tx tx, NegotiationRow row)
    {
        if (await tx.SingleAsync<bool>("SELECT length(executor_key) > 0 FROM agent WHERE agent_id = @RequesterAgentId", row))
        {
            var account = row.Order.Requester.HexToByteArray();
            return row.PayOnAccept
                ? await queue.AddStepAsync(tx, row.OrderId, OrderStep.CreateAndPay, account, AccountCalls.CreateAndPay(context.Vault, row.Order, row.ProviderSignature!))
                : await queue.AddStepAsync(tx, row.OrderId, OrderStep.Create, account, AccountCalls.Create(context.Vault, row.Order, row.ProviderSignature!));
        }

        if (row.PayOnAccept)
        {
            return null;
        }

        var call = new CreateOrderFunction { Order = row.Order, RequesterSig = row.RequesterSignature, ProviderSig = row.ProviderSignature! };
        await queue.AddOwnAsync(
            tx, OperationKind.Create, context.Vault.HexToByteArray(), call.GetCallData(), value: 0, GasLimits.Create, row.OrderId, OrderStep.Create, row.Order.Requester.HexToByteArray());
        return (await OperationQueue.FindLiveAsync(tx, row.OrderId, OrderStep.Create))!;
    }

    // Said to the Provider, who can only wait or decline. What it tells of the Requester's account anyone can read on chain.
    private async Task<ApiException?> FindPaymentObjectionAsync(NegotiationRow row, CancellationToken cancellationToken)
    {
        if (!row.PayOnAccept || (await agents.FindAsync(row.RequesterAgentId, cancellationToken))!.SelfHeld)
        {
            return null;
        }

        return await steps.FindPaymentObjectionAsync(row.Order, cancellationToken) is { } objection
            ? new ApiException(objection.Status, objection.Code, $"The Requester pays on acceptance and cannot now, so nothing was done. {objection.Message}", objection.Details)
            : null;
    }

    private async Task<bool> MayRetryAsync(Tx tx, NegotiationRow row) =>
        row.ExpiresAt > Now
        && await tx.FirstOrDefaultAsync<string>("SELECT status FROM order_book WHERE order_id = @OrderId", row) == OrderStatus.CreateFailed.Value;

    // A stranger is not told that it exists; the Requester is, but may not answer itself.
    private static async Task<NegotiationRow> OfProviderAsync(Tx tx, string agentId, string negotiationId)
    {
        var row = await tx.FirstOrDefaultAsync<NegotiationRow>(
            $"SELECT * FROM negotiation WHERE negotiation_id = @negotiationId AND @AgentId IN (requester_agent_id, provider_agent_id) AND {IsVisible}", new { negotiationId, AgentId = agentId });
        return RequireProvider(row, agentId, negotiationId);
    }

    private static NegotiationRow RequireProvider(NegotiationRow? row, string agentId, string negotiationId) =>
        row is null ? throw ApiException.NotFound(ErrorCodes.NegotiationNotFound, "negotiation", negotiationId)
        : row.ProviderAgentId == agentId ? row
        : throw ApiException.Forbidden("The Provider answers a negotiation; this key is the Requester's.");

    private static void RequireRevision(NegotiationRow row, int? revision)
    {
        if (revision is not null && revision != row.Revision)
        {
            throw ApiException.State(
                ErrorCodes.StaleRevision, $"revision: found {revision}, the current one is {row.Revision}. Read it before you answer.", new { found = revision, expected = row.Revision });
        }
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

    private TypedData ConsentData(NegotiationRow row, AgentRow party) =>
        TypedData.From(OrderConsent.TypedData(row.OrderId, context.ChainId, AddressUtil.Current.ConvertToChecksumAddress(party.Account)));

    // The consent of a party that holds its Executor itself.
    private byte[] Consent(NegotiationRow row, AgentRow party, string signature) =>
        OrderConsent.Encode(row.Order, SelfHeld.RequireSignature(party, ConsentData(row, party).Digest, signature));

    private ApiException MissingConsent(NegotiationRow row, AgentRow provider) => new(
        400,
        ErrorCodes.MissingRequiredField,
        "signature: found nothing, expected the Executor's over details.consent: it stays with this agent, so only the agent can consent.",
        new { field = "signature", revision = row.Revision, consent = ConsentData(row, provider) });

    private Task TellAsync(Tx tx, NegotiationRow row, EventType type, Audience? audience = null) => events.AddAsync(
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
        },
        row.IsConsentedTo ? audience : Audience.Requester,
        isPrivate: !row.IsConsentedTo);

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();
}
