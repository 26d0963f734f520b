using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Accounts;

/// <summary>Which accounts are deployed, from the factory's logs, and who their Executors are, from their own.</summary>
public sealed class AccountBook(ChainContext context, OperationQueue queue) : IProjection
{
    /// <summary>The topic of what accounts themselves log: that an Owner has changed the Executor, with us or without.</summary>
    public static readonly string ExecutorSet = "0x" + Event<ExecutorSetEventDTO>.GetEventABI().Sha3Signature;

    // What the chain says last; where it says nothing (any more), the one that the account began with.
    private const string UseExecutor =
        """
        UPDATE agent SET executor = coalesce(@executor, (SELECT address FROM executor WHERE agent_id = agent.agent_id AND initial = 1)) WHERE account = @account;
        UPDATE agent SET executor_key = coalesce((SELECT executor_key FROM executor WHERE agent_id = agent.agent_id AND address = agent.executor), @nobody) WHERE account = @account;
        UPDATE executor SET used = 1 WHERE (agent_id, address) = (SELECT agent_id, executor FROM agent WHERE account = @account)
        """;

    private readonly byte[] _factory = context.AccountFactory.HexToByteArray();
    private readonly byte[] _accountCreated = Event<AccountCreatedEventDTO>.GetEventABI().Sha3Signature.HexToByteArray();
    private readonly byte[] _executorSet = ExecutorSet.HexToByteArray();

    /// <inheritdoc/>
    public async Task ApplyAsync(Tx tx, ChainLog log)
    {
        if (log.Topic(0).AsSpan().SequenceEqual(_executorSet))
        {
            await ExecutorSetAsync(tx, log);
            return;
        }

        if (!log.Address.AsSpan().SequenceEqual(_factory) || !log.Topic(0).AsSpan().SequenceEqual(_accountCreated))
        {
            return;
        }

        var account = log.AddressTopic(1);
        if (await tx.ExecuteAsync("UPDATE agent SET deployed = 1 WHERE account = @account", new { account }) > 0)
        {
            await ChainEvents.StoreAsync(tx, log, account: account);
            tx.OnCommitted(queue.Queued.Set);
        }
    }

    /// <inheritdoc/>
    public async Task RevertAsync(Tx tx, long ancestor)
    {
        foreach (var account in await tx.QueryAsync<byte[]>(
            """
            SELECT DISTINCT e.account FROM block b CROSS JOIN chain_event e
            WHERE e.block_hash = b.hash AND b.number > @ancestor AND b.canonical = 0 AND e.account = e.address
            """,
            new { ancestor }))
        {
            var last = await tx.FirstOrDefaultAsync<byte[]>(
                """
                SELECT e.topics FROM chain_event e JOIN block b ON b.hash = e.block_hash AND b.canonical = 1
                WHERE e.account = @account AND e.address = @account ORDER BY e.block_number DESC, e.log_index DESC LIMIT 1
                """,
                new { account });
            await UseExecutorAsync(tx, account, last is null ? null : new ChainLog { Topics = last }.AddressTopic(1));
        }

        await tx.ExecuteAsync(
            """
            UPDATE agent SET deployed = (
              SELECT CASE WHEN count(*) > 0 THEN 1 ELSE 0 END FROM chain_event e JOIN block b ON b.hash = e.block_hash AND b.canonical = 1
              WHERE e.account = agent.account AND e.address = @_factory)
            WHERE account IN (SELECT e.account FROM block b CROSS JOIN chain_event e WHERE e.block_hash = b.hash AND b.number > @ancestor AND b.canonical = 0)
            """,
            new { ancestor, _factory });
    }

    /// <summary>Queues the deployment of an agent's account.</summary>
    /// <param name="tx">The transaction that promises it.</param>
    /// <param name="queue">Where it goes.</param>
    /// <param name="context">The chain.</param>
    /// <param name="agent">Whose account it is.</param>
    /// <param name="isNew">Whether it is asked for now, on its Owner's budget; else it was promised before.</param>
    public static Task QueueDeploymentAsync(Tx tx, OperationQueue queue, ChainContext context, AgentRow agent, bool isNew)
    {
        var call = new CreateAccountFunction
        {
            Owner = AddressUtil.Current.ConvertToChecksumAddress(agent.Owner),
            Executor = AddressUtil.Current.ConvertToChecksumAddress(agent.Executor),
            Salt = agent.AccountSalt,
        };
        return queue.AddOwnAsync(tx, OperationKind.Deploy, context.AccountFactory.HexToByteArray(), call.GetCallData(), value: 0, GasLimits.Deploy, account: isNew ? agent.Account : null);
    }

    // What the one before has signed, nobody takes any more.
    private static async Task UseExecutorAsync(Tx tx, byte[] account, byte[]? executor)
    {
        await tx.ExecuteAsync(UseExecutor, new { account, executor, nobody = Array.Empty<byte>() });
        await OperationSigner.WithdrawAsync(tx, "sender = @account AND nonce_key <> 0", new { account });
    }

    // Anybody's contract may log this; only that of one of our accounts counts.
    private async Task ExecutorSetAsync(Tx tx, ChainLog log)
    {
        if (log.Topics.Length == 64 && await tx.FirstOrDefaultAsync<string>("SELECT agent_id FROM agent WHERE account = @Address", log) is not null)
        {
            await ChainEvents.StoreAsync(tx, log, account: log.Address);
            await UseExecutorAsync(tx, log.Address, log.AddressTopic(1));
            tx.OnCommitted(queue.Queued.Set);
        }
    }
}
