using System.Globalization;
using System.Numerics;
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

    /// <summary>What is delivered.</summary>
    public string DeliverableType { get; init; } = "";

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
        DeliverableType = Sdk.DeliverableType.Parse(DeliverableType),
        NegotiationTtlSeconds = NegotiationTtlSeconds,
        Enabled = Enabled,
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
    };
}

/// <summary>What agents sell. Every change is a new version: who negotiated keeps the old one.</summary>
public sealed class Services(Db db, ChainContext context, TimeProvider time)
{
    private const string Newest = "version = (SELECT max(version) FROM service n WHERE n.service_id = service.service_id)";

    /// <summary>Above it, nobody means it: 100 million USDC.</summary>
    private static readonly BigInteger MaxPrice = 100_000_000_000_000;

    /// <summary>Makes a service.</summary>
    public async Task<ServiceRow> CreateAsync(CreateServiceRequest request, IdempotentCall call, CancellationToken cancellationToken)
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
            DeliverableType = (request.DeliverableType ?? DeliverableType.Text).Value,
            NegotiationTtlSeconds = request.NegotiationTtlSeconds ?? 900,
            Enabled = true,
            CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
        });
        return await db.WriteAsync(
            async tx =>
            {
                if (!await call.ClaimAsync(tx))
                {
                    return (await NewestAsync(tx, call.Made!))!;
                }

                if (await tx.FirstOrDefaultAsync<string>("SELECT agent_id FROM agent WHERE agent_id = @AgentId", row) is null)
                {
                    throw ApiException.NotFound(ErrorCodes.AgentNotFound, "agent", row.AgentId);
                }

                await InsertAsync(tx, row);
                await call.RememberAsync(tx, row.ServiceId);
                return row;
            },
            cancellationToken);
    }

    /// <summary>Makes the next version of a service: what is not null in <paramref name="change"/> is changed.</summary>
    public Task<ServiceRow> UpdateAsync(string serviceId, UpdateServiceRequest change, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var current = await NewestAsync(tx, serviceId) ?? throw ApiException.NotFound(ErrorCodes.ServiceNotFound, "service", serviceId);
            if (!await call.ClaimAsync(tx))
            {
                return current;
            }

            var next = Checked(current with
            {
                Version = current.Version + 1,
                Name = change.Name ?? current.Name,
                Description = change.Description ?? current.Description,
                Price = change.Price is null ? current.Price : Price(change.Price),
                SlaSeconds = change.SlaMinutes is { } minutes ? SlaSeconds(minutes) : current.SlaSeconds,
                NegotiationTtlSeconds = change.NegotiationTtlSeconds ?? current.NegotiationTtlSeconds,
                Enabled = change.Enabled ?? current.Enabled,
                CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
            });
            await InsertAsync(tx, next);
            return next;
        },
        cancellationToken);

    /// <summary>The newest version, or null.</summary>
    public Task<ServiceRow?> FindAsync(string serviceId, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<ServiceRow?>($"SELECT * FROM service WHERE service_id = @serviceId AND {Newest}", new { serviceId }),
        cancellationToken);

    /// <summary>Services, newest first.</summary>
    public Task<List<ServiceRow>> ListAsync(int limit, long beforeTime, string beforeId, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<ServiceRow>(
            $"SELECT * FROM service WHERE {Newest} AND (created_at, service_id) < (@beforeTime, @beforeId) ORDER BY created_at DESC, service_id DESC LIMIT @limit",
            new { limit, beforeTime, beforeId })).AsList(),
        cancellationToken);

    private static Task<ServiceRow?> NewestAsync(Tx tx, string serviceId) =>
        tx.FirstOrDefaultAsync<ServiceRow>($"SELECT * FROM service WHERE service_id = @serviceId AND {Newest}", new { serviceId });

    private static Task InsertAsync(Tx tx, ServiceRow row) => tx.ExecuteAsync(
        """
        INSERT INTO service (service_id, version, agent_id, name, description, price, token, sla_seconds, deliverable_type, negotiation_ttl_seconds, enabled, created_at)
        VALUES (@ServiceId, @Version, @AgentId, @Name, @Description, @Price, @Token, @SlaSeconds, @DeliverableType, @NegotiationTtlSeconds, @Enabled, @CreatedAt)
        """,
        row);

    private static string Price(string price) => Fields.Amount("price", price, MaxPrice).ToString(CultureInfo.InvariantCulture);

    // The vault takes 300 s – 365 days.
    private static int SlaSeconds(int minutes) => Fields.Range("slaMinutes", minutes, 5, 525_600) * 60;

    private static ServiceRow Checked(ServiceRow row)
    {
        Fields.Text("name", row.Name, 1, 128);
        if (row.Description is not null)
        {
            Fields.Text("description", row.Description, 0, 4096);
        }

        if (row.DeliverableType != DeliverableType.Text.Value && row.DeliverableType != DeliverableType.Schema.Value)
        {
            throw ApiException.Invalid("deliverableType", row.DeliverableType, "text or schema");
        }

        Fields.Range("negotiationTtlSeconds", row.NegotiationTtlSeconds, 60, 604_800);
        return row;
    }
}
