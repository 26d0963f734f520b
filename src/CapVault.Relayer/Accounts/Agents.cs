using System.Security.Cryptography;
using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Relayer.Chain;
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

    /// <summary>The person behind it.</summary>
    public byte[] Owner { get; init; } = [];

    /// <summary>The key that works for it.</summary>
    public byte[] Executor { get; init; } = [];

    /// <summary>That key, encrypted.</summary>
    public byte[] ExecutorKey { get; init; } = [];

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
        CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
    };
}

/// <summary>Agents and their accounts.</summary>
public sealed class Agents(Db db, ChainClient chain, ChainContext context, ExecutorKeys executors, ApiKeys keys, Operations.OperationQueue queue, TimeProvider time)
{
    /// <summary>Makes an agent with an Executor of its own, whose account the keeper deploys, and returns it with its key.</summary>
    public async Task<CreateAgentResult> CreateAsync(string name, string owner, IdempotentCall call, CancellationToken cancellationToken)
    {
        if (call.IsRepeat)
        {
            return await FindMadeAsync(call.Made!, cancellationToken);
        }

        var agentId = Ids.New("agt_");
        var executor = EthECKey.GenerateKey();
        var salt = RandomNumberGenerator.GetBytes(32);
        var account = await chain.QueryAsync<AccountAddressFunction, string>(
            context.AccountFactory,
            new AccountAddressFunction { Owner = owner, Executor = executor.GetPublicAddress(), Salt = salt },
            cancellationToken);
        var agent = new AgentRow
        {
            AgentId = agentId,
            Name = name,
            Owner = owner.HexToByteArray(),
            Executor = executor.GetPublicAddressAsBytes(),
            ExecutorKey = executors.Encrypt(agentId, executor),
            Account = account.HexToByteArray(),
            AccountSalt = salt,
            CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        var made = await db.WriteAsync(
            async tx =>
            {
                if (!await call.ClaimAsync(tx))
                {
                    return call.Made!;
                }

                await tx.ExecuteAsync(
                    """
                    INSERT INTO agent (agent_id, name, owner, executor, executor_key, account, account_salt, created_at)
                    VALUES (@AgentId, @Name, @Owner, @Executor, @ExecutorKey, @Account, @AccountSalt, @CreatedAt)
                    """,
                    agent);
                await AccountBook.QueueDeploymentAsync(tx, queue, context, agent);
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
        return new CreateAgentResult { Agent = (await FindAsync(parts[0], cancellationToken))!.ToModel(), SdkKey = parts[1] };
    }

    /// <summary>Makes sure at start that the Executor keys can be used.</summary>
    /// <exception cref="InvalidOperationException">The master key is another one.</exception>
    public async Task RequireMasterKeyAsync(CancellationToken cancellationToken)
    {
        if (await ListAsync(1, long.MaxValue, "", cancellationToken) is not [var agent])
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
