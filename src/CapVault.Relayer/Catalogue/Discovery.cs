using System.Globalization;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Util;

namespace CapVault.Relayer.Catalogue;

/// <summary>What is on offer, for everybody: enabled services of active agents.</summary>
public sealed class Discovery(Db db, LiveConnections connections, Statistics statistics)
{
    private const string Offered =
        $"SELECT service.* FROM service JOIN agent ON agent.agent_id = service.agent_id WHERE agent.paused = 0 AND service.enabled = 1 AND {Services.Newest}";

    private const string Active = "SELECT * FROM agent WHERE paused = 0";
    private const int MaxTags = 100;

    /// <summary>Services that fit, newest first.</summary>
    public async Task<Page<PublicService>> ServicesAsync(DiscoveryFilter filter, Paging paging, CancellationToken cancellationToken)
    {
        var parameters = Parameters(filter, paging);
        var rows = await db.ReadAsync(
            async connection => (await connection.QueryAsync<ServiceRow>(
                $"""
                {Offered} AND (@AgentId IS NULL OR service.agent_id = @AgentId)
                  AND (@Tag IS NULL OR EXISTS (SELECT 1 FROM service_tag t WHERE t.service_id = service.service_id AND t.tag = @Tag))
                  AND (@MaxPrice IS NULL OR length(service.price) < length(@MaxPrice) OR (length(service.price) = length(@MaxPrice) AND service.price <= @MaxPrice))
                  {Words("service.search_text", filter)}
                  AND (service.created_at, service.service_id) < (@BeforeTime, @BeforeId) ORDER BY service.created_at DESC, service.service_id DESC LIMIT @Rows
                """,
                parameters)).AsList(),
            cancellationToken);
        var sellers = await SellersAsync(rows, cancellationToken);
        return paging.ToPage(rows, row => ToModel(row, sellers[row.AgentId], withSchemas: false), row => (row.CreatedAt, row.ServiceId));
    }

    /// <summary>Agents that fit, newest first.</summary>
    public async Task<Page<PublicAgent>> AgentsAsync(DiscoveryFilter filter, Paging paging, CancellationToken cancellationToken)
    {
        var parameters = Parameters(filter, paging);
        var rows = await db.ReadAsync(
            async connection => (await connection.QueryAsync<AgentRow>(
                $"""
                {Active} AND (@Tag IS NULL OR tags LIKE @tagPattern) {Words("search_text", filter)}
                  AND (created_at, agent_id) < (@BeforeTime, @BeforeId) ORDER BY created_at DESC, agent_id DESC LIMIT @Rows
                """,
                parameters)).AsList(),
            cancellationToken);
        var models = await ModelsAsync(rows, cancellationToken);
        return paging.ToPage(rows, row => models[row.AgentId], row => (row.CreatedAt, row.AgentId));
    }

    /// <summary>A service on offer, with its schemas.</summary>
    /// <exception cref="ApiException">404 if it is not on offer.</exception>
    public async Task<PublicService> ServiceAsync(string serviceId, CancellationToken cancellationToken)
    {
        var row = await OfferedAsync(serviceId, cancellationToken);
        return ToModel(row, (await SellersAsync([row], cancellationToken))[row.AgentId], withSchemas: true);
    }

    /// <summary>The row of a service on offer.</summary>
    /// <exception cref="ApiException">404 if it is not on offer.</exception>
    public async Task<ServiceRow> OfferedAsync(string serviceId, CancellationToken cancellationToken) =>
        await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<ServiceRow?>($"{Offered} AND service.service_id = @serviceId", new { serviceId }), cancellationToken)
        ?? throw ApiException.NotOffered(ErrorCodes.ServiceNotFound, "service", serviceId);

    /// <summary>An active agent.</summary>
    /// <exception cref="ApiException">404 if there is none.</exception>
    public async Task<PublicAgent> AgentAsync(string agentId, CancellationToken cancellationToken)
    {
        var row = await db.ReadAsync(
                connection => connection.QueryFirstOrDefaultAsync<AgentRow?>($"{Active} AND agent_id = @agentId", new { agentId }), cancellationToken)
            ?? throw ApiException.NotOffered(ErrorCodes.AgentNotFound, "agent", agentId);
        return (await ModelsAsync([row], cancellationToken))[agentId];
    }

    /// <summary>The tags that most services on offer have.</summary>
    public async Task<IReadOnlyList<TagCount>> TagsAsync(CancellationToken cancellationToken)
    {
        var counts = await db.ReadAsync(
            connection => connection.QueryAsync<(string Tag, long Services)>(
                $"""
                SELECT t.tag, count(*) FROM service_tag t JOIN ({Offered}) o ON o.service_id = t.service_id
                GROUP BY t.tag ORDER BY count(*) DESC, t.tag LIMIT {MaxTags}
                """),
            cancellationToken);
        return [.. counts.Select(count => new TagCount(count.Tag, count.Services))];
    }

    private static string Words(string column, DiscoveryFilter filter) =>
        string.Concat(filter.Patterns.Select((_, index) => string.Create(CultureInfo.InvariantCulture, $"AND {column} LIKE @word{index} ESCAPE '\\' ")));

    private static DynamicParameters Parameters(DiscoveryFilter filter, Paging paging)
    {
        var parameters = new DynamicParameters(new
        {
            filter.AgentId,
            filter.Tag,
            tagPattern = $"% {filter.Tag} %", // a tag has no character that means something in a pattern
            MaxPrice = filter.MaxPrice?.ToString(CultureInfo.InvariantCulture),
            paging.BeforeTime,
            paging.BeforeId,
            Rows = paging.Limit + 1,
        });
        for (var i = 0; i < filter.Patterns.Count; i++)
        {
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"word{i}"), filter.Patterns[i]);
        }

        return parameters;
    }

    private async Task<Dictionary<string, PublicAgent>> SellersAsync(List<ServiceRow> services, CancellationToken cancellationToken)
    {
        var agentIds = services.Select(service => service.AgentId).Distinct(StringComparer.Ordinal).ToList();
        var rows = await db.ReadAsync(
            async connection => (await connection.QueryAsync<AgentRow>("SELECT * FROM agent WHERE agent_id IN @agentIds", new { agentIds })).AsList(), cancellationToken);
        return await ModelsAsync(rows, cancellationToken);
    }

    private async Task<Dictionary<string, PublicAgent>> ModelsAsync(List<AgentRow> rows, CancellationToken cancellationToken)
    {
        var agentIds = rows.ConvertAll(row => row.AgentId);
        var online = await connections.StatusesAsync(agentIds, cancellationToken);
        var stats = await statistics.AsProvidersAsync(agentIds, cancellationToken);
        return rows.ToDictionary(
            row => row.AgentId,
            row => new PublicAgent
            {
                AgentId = row.AgentId,
                Name = row.Name,
                Description = row.Description,
                Tags = Tags.Split(row.Tags),
                WalletAddress = AddressUtil.Current.ConvertToChecksumAddress(row.Account),
                OnlineStatus = online[row.AgentId],
                AsProvider = stats[row.AgentId],
                CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(row.CreatedAt),
            },
            StringComparer.Ordinal);
    }

    private static PublicService ToModel(ServiceRow row, PublicAgent agent, bool withSchemas) => new()
    {
        ServiceId = row.ServiceId,
        Version = row.Version,
        Agent = agent,
        Name = row.Name,
        Description = row.Description,
        Tags = Tags.Split(row.Tags),
        Price = Money.Format(row.Amount),
        PaymentToken = AddressUtil.Current.ConvertToChecksumAddress(row.Token),
        SlaMinutes = row.SlaSeconds / 60,
        RequirementType = RequirementType.Parse(row.RequirementType),
        RequirementsSchema = withSchemas ? ServiceRow.Json(row.RequirementsSchema) : null,
        DeliverableType = DeliverableType.Parse(row.DeliverableType),
        DeliverableSchema = withSchemas ? ServiceRow.Json(row.DeliverableSchema) : null,
        ThirdParties = ThirdPartyTerms.Read(row.ThirdParties),
        NegotiationTtlSeconds = row.NegotiationTtlSeconds,
    };
}
