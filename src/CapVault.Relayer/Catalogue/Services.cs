using System.Globalization;
using System.Numerics;
using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue.Schemas;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Catalogue;

/// <summary>A row of <c>service</c>: one version of what an agent sells.</summary>
public sealed record ServiceRow
{
    /// <summary>Its id.</summary>
    public string ServiceId { get; init; } = "";

    /// <summary>Counts up with every change.</summary>
    public int Version { get; init; }

    /// <summary>Who sells it.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>For people.</summary>
    public string Name { get; init; } = "";

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>Base units.</summary>
    public string Price { get; init; } = "";

    /// <summary>Token of the price.</summary>
    public byte[] Token { get; init; } = [];

    /// <summary>Seconds from payment in which delivery is valid.</summary>
    public int SlaSeconds { get; init; }

    /// <summary>What the Requester must say: text, schema or none.</summary>
    public string RequirementType { get; init; } = "";

    /// <summary>JSON Schema of it, with type schema.</summary>
    public string? RequirementsSchema { get; init; }

    /// <summary>What is delivered: text or schema.</summary>
    public string DeliverableType { get; init; } = "";

    /// <summary>JSON Schema of it; null means any.</summary>
    public string? DeliverableSchema { get; init; }

    /// <summary>See <see cref="Catalogue.Tags"/>.</summary>
    public string Tags { get; init; } = "";

    /// <summary>JSON of <see cref="Sdk.ThirdParties"/>; null: nobody.</summary>
    public string? ThirdParties { get; init; }

    /// <summary>Seconds in which a negotiation must be answered.</summary>
    public int NegotiationTtlSeconds { get; init; }

    /// <summary>Whether it takes new orders.</summary>
    public bool Enabled { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>Base units.</summary>
    public BigInteger Amount => BigInteger.Parse(Price, CultureInfo.InvariantCulture);

    /// <summary>As the API shows it.</summary>
    public Service ToModel() => new()
    {
        ServiceId = ServiceId,
        Version = Version,
        AgentId = AgentId,
        Name = Name,
        Description = Description,
        Price = Money.Format(Amount),
        PaymentToken = AddressUtil.Current.ConvertToChecksumAddress(Token),
        SlaMinutes = SlaSeconds / 60,
        RequirementType = Sdk.RequirementType.Parse(RequirementType),
        RequirementsSchema = Json(RequirementsSchema),
        DeliverableType = Sdk.DeliverableType.Parse(DeliverableType),
        DeliverableSchema = Json(DeliverableSchema),
        Tags = Catalogue.Tags.Split(Tags),
        ThirdParties = ThirdPartyTerms.Read(ThirdParties),
        NegotiationTtlSeconds = NegotiationTtlSeconds,
        Enabled = Enabled,
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
    };

    /// <summary>A column's JSON.</summary>
    public static JsonElement? Json(string? text) => text is null ? null : JsonSerializer.Deserialize<JsonElement>(text);
}

/// <summary>What agents sell. Every change is a new version: who negotiated keeps the old one.</summary>
public sealed class Services(Db db, ChainContext context, TimeProvider time)
{
    /// <summary>SQL: of the versions of a service the one that counts.</summary>
    public const string Newest = "service.version = (SELECT max(version) FROM service n WHERE n.service_id = service.service_id)";

    // An operator reaches all, an Owner what its agents sell, an agent what it sells itself.
    private const string Reach = "(@AgentId IS NULL OR service.agent_id = @AgentId) AND (@Owner IS NULL OR service.agent_id IN (SELECT agent_id FROM agent WHERE owner = @Owner))";

    private const int MaxPerAgent = 100;

    /// <summary>Above it, nobody means it: 100 million USDC.</summary>
    public static readonly BigInteger MaxPrice = 100_000_000_000_000;

    /// <summary>Makes a service.</summary>
    /// <param name="request">What is sold.</param>
    /// <param name="owner">Whose agent it must be; null for anybody's.</param>
    /// <param name="call">Which call makes it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<ServiceRow> CreateAsync(CreateServiceRequest request, byte[]? owner, IdempotentCall call, CancellationToken cancellationToken)
    {
        var row = Checked(new ServiceRow
        {
            ServiceId = Ids.New("svc_"),
            Version = 1,
            AgentId = request.AgentId,
            Name = request.Name,
            Description = request.Description,
            Price = Price(request.Price),
            Token = context.Usdc.HexToByteArray(),
            SlaSeconds = SlaSeconds(request.SlaMinutes),
            RequirementType = (request.RequirementType ?? RequirementType.Text).Value,
            RequirementsSchema = Schema("requirementsSchema", request.RequirementsSchema),
            DeliverableType = (request.DeliverableType ?? DeliverableType.Text).Value,
            DeliverableSchema = Schema("deliverableSchema", request.DeliverableSchema),
            Tags = Tags.Join("tags", request.Tags ?? []),
            ThirdParties = ThirdPartyTerms.Write(request.ThirdParties, context),
            NegotiationTtlSeconds = request.NegotiationTtlSeconds ?? 900,
            Enabled = true,
            CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
        });
        return await db.WriteAsync(
            async tx =>
            {
                if (!await call.ClaimAsync(tx))
                {
                    return await tx.SingleAsync<ServiceRow>($"SELECT * FROM service WHERE service_id = @Made AND {Newest}", call);
                }

                await tx.LockAsync(row.AgentId);
                ThirdPartyTerms.RequireNeutral(row, await Agents.RequireAsync(tx, row.AgentId, owner));
                var others = await tx.SingleAsync<int>("SELECT count(DISTINCT service_id) FROM service WHERE agent_id = @AgentId", row);
                if (owner is not null && others >= MaxPerAgent)
                {
                    throw new ApiException(
                        422, ErrorCodes.QuotaExceeded, $"The agent has {others} services, of {MaxPerAgent} that it may have. Change one of them, or ask the operator.", new { limit = MaxPerAgent });
                }

                await InsertAsync(tx, row);
                await call.RememberAsync(tx, row.ServiceId);
                return row;
            },
            cancellationToken);
    }

    /// <summary>Makes the next version of a service: what is not null in <paramref name="change"/> is changed. A change of nothing makes none.</summary>
    /// <param name="serviceId">Which.</param>
    /// <param name="change">What changes.</param>
    /// <param name="owner">Whose agent must sell it; null for anybody's.</param>
    /// <param name="call">Which call changes it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public Task<ServiceRow> UpdateAsync(string serviceId, UpdateServiceRequest change, byte[]? owner, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await tx.LockAsync(serviceId);
            var current = await tx.FirstOrDefaultAsync<ServiceRow>(
                    $"SELECT * FROM service WHERE service_id = @serviceId AND {Newest} AND {Reach}", new { serviceId, Owner = owner, AgentId = (string?)null })
                ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId);
            if (!await call.ClaimAsync(tx))
            {
                return current;
            }

            var requirementType = (change.RequirementType ?? RequirementType.Parse(current.RequirementType)).Value;
            var deliverableType = (change.DeliverableType ?? DeliverableType.Parse(current.DeliverableType)).Value;
            var changed = Checked(current with
            {
                Name = change.Name ?? current.Name,
                Description = change.Description ?? current.Description,
                Price = change.Price is null ? current.Price : Price(change.Price),
                SlaSeconds = change.SlaMinutes is { } minutes ? SlaSeconds(minutes) : current.SlaSeconds,
                RequirementType = requirementType,
                RequirementsSchema = Schema("requirementsSchema", change.RequirementsSchema)
                    ?? (requirementType == RequirementType.Schema.Value ? current.RequirementsSchema : null),
                DeliverableType = deliverableType,
                DeliverableSchema = Schema("deliverableSchema", change.DeliverableSchema)
                    ?? (deliverableType == DeliverableType.Schema.Value ? current.DeliverableSchema : null),
                Tags = change.Tags is null ? current.Tags : Tags.Join("tags", change.Tags),
                ThirdParties = change.ThirdParties is null ? current.ThirdParties : ThirdPartyTerms.Write(change.ThirdParties, context),
                NegotiationTtlSeconds = change.NegotiationTtlSeconds ?? current.NegotiationTtlSeconds,
                Enabled = change.Enabled ?? current.Enabled,
            });
            if (changed == current)
            {
                return current;
            }

            ThirdPartyTerms.RequireNeutral(changed, await Agents.RequireAsync(tx, changed.AgentId, owner));
            var next = changed with { Version = current.Version + 1, CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds() };
            await InsertAsync(tx, next);
            return next;
        },
        cancellationToken);

    /// <summary>The newest version, or null.</summary>
    public Task<ServiceRow?> FindAsync(string serviceId, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<ServiceRow?>($"SELECT * FROM service WHERE service_id = @serviceId AND {Newest}", new { serviceId }),
        cancellationToken);

    /// <summary>The newest version of a service that the caller may see here.</summary>
    /// <exception cref="ApiException">404 for another's.</exception>
    public async Task<ServiceRow> GetAsync(Caller caller, string serviceId, CancellationToken cancellationToken) =>
        await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<ServiceRow?>(
                $"SELECT * FROM service WHERE service_id = @serviceId AND {Newest} AND {Reach}", new { serviceId, caller.Owner, caller.AgentId }),
            cancellationToken)
        ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId);

    /// <summary>Services that the caller may see here, newest first.</summary>
    public Task<List<ServiceRow>> ListAsync(Caller caller, Paging paging, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<ServiceRow>(
            $"""
            SELECT * FROM service WHERE {Newest} AND {Reach} AND (created_at, service_id) < (@BeforeTime, @BeforeId)
            ORDER BY created_at DESC, service_id DESC LIMIT @rows
            """,
            new { caller.Owner, caller.AgentId, paging.BeforeTime, paging.BeforeId, rows = paging.Limit + 1 })).AsList(),
        cancellationToken);

    private static async Task InsertAsync(Tx tx, ServiceRow row)
    {
        await tx.ExecuteAsync(
            """
            INSERT INTO service (service_id, version, agent_id, name, description, price, token, sla_seconds, requirement_type, requirements_schema, deliverable_type,
              deliverable_schema, tags, third_parties, search_text, negotiation_ttl_seconds, enabled, created_at)
            VALUES (@ServiceId, @Version, @AgentId, @Name, @Description, @Price, @Token, @SlaSeconds, @RequirementType, @RequirementsSchema, @DeliverableType,
              @DeliverableSchema, @Tags, @ThirdParties, @searchText, @NegotiationTtlSeconds, @Enabled, @CreatedAt)
            """,
            new
            {
                row.ServiceId,
                row.Version,
                row.AgentId,
                row.Name,
                row.Description,
                row.Price,
                row.Token,
                row.SlaSeconds,
                row.RequirementType,
                row.RequirementsSchema,
                row.DeliverableType,
                row.DeliverableSchema,
                row.Tags,
                row.ThirdParties,
                searchText = SearchText.Of(row.Name, row.Description, row.Tags),
                row.NegotiationTtlSeconds,
                row.Enabled,
                row.CreatedAt,
            });
        await tx.ExecuteAsync("DELETE FROM service_tag WHERE service_id = @ServiceId", row);
        foreach (var tag in Tags.Split(row.Tags))
        {
            await tx.ExecuteAsync("INSERT INTO service_tag (tag, service_id) VALUES (@tag, @ServiceId)", new { tag, row.ServiceId });
        }
    }

    private static string Price(string price) => Fields.Amount("price", price, MaxPrice).ToString(CultureInfo.InvariantCulture);

    // The vault takes 300 s – 365 days.
    private static int SlaSeconds(int minutes) => Fields.Range("slaMinutes", minutes, 5, 525_600) * 60;

    private static string? Schema(string field, JsonElement? schema)
    {
        if (schema is not { } element)
        {
            return null;
        }

        if (element.ValueKind != JsonValueKind.Object)
        {
            throw ApiException.Invalid(field, element.ValueKind.ToString(), "a JSON Schema, which is an object");
        }

        try
        {
            var text = element.GetRawText();
            JsonSchemas.Check(field, text);
            return text;
        }
        catch (InvalidOperationException exception)
        {
            // Invalid UTF-8 inside a string.
            throw ApiException.Invalid(field, exception.Message, "JSON in UTF-8");
        }
    }

    private static ServiceRow Checked(ServiceRow row)
    {
        Fields.Text("name", row.Name, 1, 128);
        if (row.Description is not null)
        {
            Fields.Text("description", row.Description, 0, 4096);
        }

        Fields.Range("negotiationTtlSeconds", row.NegotiationTtlSeconds, 60, 604_800);
        CheckRequirements(row);
        CheckDeliverable(row);
        return row;
    }

    private static void CheckRequirements(ServiceRow row)
    {
        var isSchema = row.RequirementType == RequirementType.Schema.Value;
        if (!isSchema && row.RequirementType != RequirementType.Text.Value && row.RequirementType != RequirementType.None.Value)
        {
            throw ApiException.Invalid("requirementType", row.RequirementType, "text, schema or none");
        }

        if (isSchema && row.RequirementsSchema is null)
        {
            throw ApiException.Missing("requirementsSchema");
        }

        if (!isSchema && row.RequirementsSchema is not null)
        {
            throw ApiException.Invalid("requirementsSchema", "a schema", $"none for requirementType {row.RequirementType}");
        }
    }

    private static void CheckDeliverable(ServiceRow row)
    {
        var isSchema = row.DeliverableType == DeliverableType.Schema.Value;
        if (!isSchema && row.DeliverableType != DeliverableType.Text.Value)
        {
            throw ApiException.Invalid("deliverableType", row.DeliverableType, "text or schema");
        }

        if (!isSchema && row.DeliverableSchema is not null)
        {
            throw ApiException.Invalid("deliverableSchema", "a schema", "none for deliverableType text");
        }
    }
}
