using System.Security.Cryptography;
using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Relayer.Chain;
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
    public Agent ToModel() => new()
    {
        AgentId = AgentId,
        Name = Name,
        WalletAddress = AddressUtil.Current.ConvertToChecksumAddress(Account),
        Owner = AddressUtil.Current.ConvertToChecksumAddress(Owner),
        Deployed = Deployed,
        SelfHeld = SelfHeld,
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
    };
}

/// <summary>Agents and their accounts.</summary>
public sealed class Agents(Db db, ChainClient chain, ChainContext context, ExecutorKeys executors, ApiKeys keys, Operations.OperationQueue queue, TimeProvider time)
{
    /// <summary>Makes an agent, whose account the keeper deploys, and returns it with its key.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="owner">The person behind it.</param>
    /// <param name="executor">Address of the Executor that the agent holds itself; null makes one that is held here.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<CreateAgentResult> CreateAsync(string name, string owner, string? executor, CancellationToken cancellationToken)
    {
        var agentId = Ids.New("agt_");
        var held = executor is null ? EthECKey.GenerateKey() : null;
        executor ??= held!.GetPublicAddress();
        var salt = RandomNumberGenerator.GetBytes(32);
        var account = await chain.QueryAsync<AccountAddressFunction, string>(
            context.AccountFactory,
            new AccountAddressFunction { Owner = owner, Executor = executor, Salt = salt },
            cancellationToken);
        var agent = new AgentRow
        {
            AgentId = agentId,
            Name = name,
            Owner = owner.HexToByteArray(),
            Executor = executor.HexToByteArray(),
            ExecutorKey = held is null ? [] : executors.Encrypt(agentId, held),
            Account = account.HexToByteArray(),
            AccountSalt = salt,
            CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        var key = await db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync(
                    """
                    INSERT INTO agent (agent_id, name, owner, executor, executor_key, account, account_salt, created_at)
                    VALUES (@AgentId, @Name, @Owner, @Executor, @ExecutorKey, @Account, @AccountSalt, @CreatedAt)
                    """,
                    agent);
                await AccountBook.QueueDeploymentAsync(tx, queue, context, agent);
                return await keys.CreateForAgentAsync(tx, agentId);
            },
            cancellationToken);
        return new CreateAgentResult { Agent = agent.ToModel(), SdkKey = key };
    }

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

    /// <summary>Agents, newest first.</summary>
    public Task<List<AgentRow>> ListAsync(int limit, long beforeTime, string beforeId, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<AgentRow>(
            "SELECT * FROM agent WHERE (created_at, agent_id) < (@beforeTime, @beforeId) ORDER BY created_at DESC, agent_id DESC LIMIT @limit",
            new { limit, beforeTime, beforeId })).AsList(),
        cancellationToken);
}
