using System.Security.Cryptography;
using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Relayer.Accounts;

/// <summary>A row of <c>agent</c>.</summary>
public sealed record AgentRow
{
    /// <summary>Its id.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>For people.</summary>
    public string Name { get; init; } = "";

    /// <summary>For people.</summary>
    public string? Description { get; init; }

    /// <summary>See <see cref="Catalogue.Tags"/>.</summary>
    public string Tags { get; init; } = "";

    /// <summary>Whether it takes no new negotiations.</summary>
    public bool Paused { get; init; }

    /// <summary>The person behind it.</summary>
    public byte[] Owner { get; init; } = [];

    /// <summary>The key that works for it.</summary>
    public byte[] Executor { get; init; } = [];

    /// <summary>That key, encrypted; empty where it stays with the agent.</summary>
    public byte[] ExecutorKey { get; init; } = [];

    /// <summary>Whether the Executor's key stays with the agent.</summary>
    public bool SelfHeld => ExecutorKey.Length == 0;

    /// <summary>Its account.</summary>
    public byte[] Account { get; init; } = [];

    /// <summary>What makes the account's address its own.</summary>
    public byte[] AccountSalt { get; init; } = [];

    /// <summary>Whether the account is there.</summary>
    public bool Deployed { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public Agent ToModel(OnlineStatus onlineStatus) => new()
    {
        AgentId = AgentId,
        Name = Name,
        Description = Description,
        Tags = Catalogue.Tags.Split(Tags),
        Status = Paused ? AgentStatus.Paused : AgentStatus.Active,
        OnlineStatus = onlineStatus,
        WalletAddress = AddressUtil.Current.ConvertToChecksumAddress(Account),
        Owner = AddressUtil.Current.ConvertToChecksumAddress(Owner),
        Deployed = Deployed,
        SelfHeld = SelfHeld,
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
    };
}

/// <summary>Agents and their accounts.</summary>
public sealed class Agents(
    Db db,
    ChainClient chain,
    ChainContext context,
    ExecutorKeys executors,
    ApiKeys keys,
    LiveConnections connections,
    Operations.OperationQueue queue,
    TimeProvider time)
{
    private const int MaxPerOwner = 100;
    private const string OfOwner = "SELECT * FROM agent WHERE agent_id = @agentId AND (@owner IS NULL OR owner = @owner)";

    /// <summary>Makes an agent, whose account the keeper deploys, and returns it with its key.</summary>
    /// <param name="request">What it is called, and the Executor that it holds itself; without one an Executor is made and held here.</param>
    /// <param name="caller">An Owner, whose agent it is then, or null for the operator, who names the Owner.</param>
    /// <param name="call">Which call makes it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<CreateAgentResult> CreateAsync(CreateAgentRequest request, byte[]? caller, IdempotentCall call, CancellationToken cancellationToken)
    {
        if (call.IsRepeat)
        {
            return await FindMadeAsync(call.Made!, cancellationToken);
        }

        var agentId = Ids.New("agt_");
        var owner = OwnerOf(request, caller);
        var held = request.Executor is null ? EthECKey.GenerateKey() : null;
        var executor = held?.GetPublicAddress() ?? Fields.Address("executor", request.Executor!);
        var agent = Checked(new AgentRow
        {
            AgentId = agentId,
            Name = request.Name,
            Description = request.Description,
            Tags = Catalogue.Tags.Join("tags", request.Tags ?? []),
            Owner = owner.HexToByteArray(),
            Executor = executor.HexToByteArray(),
            ExecutorKey = held is null ? [] : executors.Encrypt(agentId, held),
            AccountSalt = RandomNumberGenerator.GetBytes(32),
            CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
        });
        var account = await chain.QueryAsync<AccountAddressFunction, string>(
            context.AccountFactory,
            new AccountAddressFunction { Owner = owner, Executor = executor, Salt = agent.AccountSalt },
            cancellationToken);
        agent = agent with { Account = account.HexToByteArray() };
        var made = await db.WriteAsync(
            async tx =>
            {
                if (!await call.ClaimAsync(tx))
                {
                    return call.Made!;
                }

                if (caller is not null)
                {
                    await tx.LockAsync(caller);
                    await RequireRoomAsync(tx, caller);
                }

                await tx.ExecuteAsync(
                    """
                    INSERT INTO agent (agent_id, name, description, tags, search_text, owner, executor, executor_key, account, account_salt, created_at)
                    VALUES (@AgentId, @Name, @Description, @Tags, @searchText, @Owner, @Executor, @ExecutorKey, @Account, @AccountSalt, @CreatedAt);
                    INSERT INTO executor (agent_id, address, executor_key, used, initial) VALUES (@AgentId, @Executor, @ExecutorKey, 1, 1)
                    """,
                    new
                    {
                        agent.AgentId,
                        agent.Name,
                        agent.Description,
                        agent.Tags,
                        searchText = SearchTextOf(agent),
                        agent.Owner,
                        agent.Executor,
                        agent.ExecutorKey,
                        agent.Account,
                        agent.AccountSalt,
                        agent.CreatedAt,
                    });
                await AccountBook.QueueDeploymentAsync(tx, queue, context, agent, isNew: true);
                var made = $"{agentId} {await keys.CreateForAgentAsync(tx, agentId)}";
                await call.RememberAsync(tx, made);
                return made;
            },
            cancellationToken);
        return await FindMadeAsync(made, cancellationToken);
    }

    // Id and key. The key is shown once, but alike to whoever repeats the call that made it.
    private async Task<CreateAgentResult> FindMadeAsync(string made, CancellationToken cancellationToken)
    {
        var parts = made.Split(' ');
        return new CreateAgentResult { Agent = await ToModelAsync((await FindAsync(parts[0], cancellationToken))!, cancellationToken), SdkKey = parts[1] };
    }

    /// <summary>Changes what people see of an agent.</summary>
    /// <param name="agentId">Which.</param>
    /// <param name="change">What changes; null stays.</param>
    /// <param name="owner">Whose agent it must be; null for anybody's.</param>
    /// <param name="call">Which call changes it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public Task<AgentRow> UpdateAsync(string agentId, UpdateAgentRequest change, byte[]? owner, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await tx.LockAsync(agentId);
            var current = await RequireAsync(tx, agentId, owner);
            if (!await call.ClaimAsync(tx))
            {
                return current;
            }

            var changed = Checked(current with
            {
                Name = change.Name ?? current.Name,
                Description = change.Description ?? current.Description,
                Tags = change.Tags is null ? current.Tags : Catalogue.Tags.Join("tags", change.Tags),
            });
            await tx.ExecuteAsync(
                "UPDATE agent SET name = @Name, description = @Description, tags = @Tags, search_text = @searchText WHERE agent_id = @AgentId",
                new { changed.Name, changed.Description, changed.Tags, searchText = SearchTextOf(changed), changed.AgentId });
            return changed;
        },
        cancellationToken);

    /// <summary>Pauses an agent, or lets it sell again. Running negotiations and orders go on.</summary>
    public Task<AgentRow> SetStatusAsync(string agentId, AgentStatus status, byte[]? owner, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            var paused = status == AgentStatus.Paused;
            if (!paused && status != AgentStatus.Active)
            {
                throw ApiException.Invalid("status", status.Value, "active or paused");
            }

            await tx.LockAsync(agentId);
            var current = await RequireAsync(tx, agentId, owner);
            if (!await call.ClaimAsync(tx))
            {
                return current;
            }

            await tx.ExecuteAsync("UPDATE agent SET paused = @paused WHERE agent_id = @agentId", new { paused, agentId });
            return current with { Paused = paused };
        },
        cancellationToken);

    /// <summary>Gives an agent a new key. The one before is dead with it, and its streams end.</summary>
    public Task<string> RotateKeyAsync(string agentId, byte[]? owner, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await tx.LockAsync(agentId);
            await RequireAsync(tx, agentId, owner);
            if (!await call.ClaimAsync(tx))
            {
                return call.Made!;
            }

            var key = await keys.RotateForAgentAsync(tx, agentId);
            await call.RememberAsync(tx, key);
            return key;
        },
        cancellationToken);

    /// <summary>Makes sure at start that the Executor keys can be used.</summary>
    /// <exception cref="InvalidOperationException">The master key is another one.</exception>
    public async Task RequireMasterKeyAsync(CancellationToken cancellationToken)
    {
        var agent = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<AgentRow?>("SELECT * FROM agent WHERE length(executor_key) > 0 ORDER BY created_at DESC LIMIT 1"), cancellationToken);
        if (agent is null)
        {
            return;
        }

        try
        {
            executors.Decrypt(agent.AgentId, agent.ExecutorKey);
        }
        catch (CryptographicException exception)
        {
            throw new InvalidOperationException("The master key does not open this database's Executor keys. Start with the one that it was written with.", exception);
        }
    }

    /// <summary>An agent, or null.</summary>
    public Task<AgentRow?> FindAsync(string agentId, CancellationToken cancellationToken) => db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<AgentRow?>("SELECT * FROM agent WHERE agent_id = @agentId", new { agentId }), cancellationToken);

    /// <summary>An agent of an Owner, or anybody's.</summary>
    /// <exception cref="ApiException">404 for another's.</exception>
    public static async Task<AgentRow> RequireAsync(Tx tx, string agentId, byte[]? owner) =>
        await tx.FirstOrDefaultAsync<AgentRow>(OfOwner, new { agentId, owner })
        ?? throw ApiException.NotFound(ErrorCodes.AgentNotFound, "agent", agentId);

    /// <inheritdoc cref="RequireAsync(Tx, string, byte[])"/>
    public static async Task<AgentRow> FindAsync(System.Data.IDbConnection connection, string agentId, byte[]? owner) =>
        await connection.QueryFirstOrDefaultAsync<AgentRow?>(OfOwner, new { agentId, owner }) ?? throw ApiException.NotFound(ErrorCodes.AgentNotFound, "agent", agentId);

    /// <summary>Agents of an Owner, or all, newest first.</summary>
    public Task<List<AgentRow>> ListAsync(byte[]? owner, Paging paging, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<AgentRow>(
            """
            SELECT * FROM agent WHERE (@owner IS NULL OR owner = @owner) AND (created_at, agent_id) < (@BeforeTime, @BeforeId)
            ORDER BY created_at DESC, agent_id DESC LIMIT @rows
            """,
            new { owner, paging.BeforeTime, paging.BeforeId, rows = paging.Limit + 1 })).AsList(),
        cancellationToken);

    /// <summary>As the API shows it, with whether it listens now.</summary>
    public async Task<Agent> ToModelAsync(AgentRow agent, CancellationToken cancellationToken) =>
        agent.ToModel((await connections.StatusesAsync([agent.AgentId], cancellationToken))[agent.AgentId]);

    private static string OwnerOf(CreateAgentRequest request, byte[]? caller)
    {
        if (caller is null)
        {
            return Fields.Address("owner", request.Owner ?? throw ApiException.Missing("owner"));
        }

        var own = AddressUtil.Current.ConvertToChecksumAddress(caller);
        return request.Owner is null || Fields.Address("owner", request.Owner) == own
            ? own
            : throw ApiException.Invalid("owner", request.Owner, $"{own}, who signed in, or nothing");
    }

    // Anybody can sign in with a key of the moment, and each agent costs the relayer a deployment.
    private static async Task RequireRoomAsync(Tx tx, byte[] owner)
    {
        var others = await tx.SingleAsync<int>("SELECT count(*) FROM agent WHERE owner = @owner", new { owner });
        if (others >= MaxPerOwner)
        {
            throw new ApiException(
                422, ErrorCodes.QuotaExceeded, $"This Owner has {others} agents, of {MaxPerOwner} that it may have. Use one of them, or ask the operator.", new { limit = MaxPerOwner });
        }
    }

    private static AgentRow Checked(AgentRow row)
    {
        Fields.Text("name", row.Name, 1, 64);
        if (row.Description is not null)
        {
            Fields.Text("description", row.Description, 0, 4096);
        }

        return row;
    }

    private static string SearchTextOf(AgentRow agent) => Catalogue.SearchText.Of(agent.Name, agent.Description, agent.Tags);
}
