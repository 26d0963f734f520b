using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Relayer.Accounts;

/// <summary>Which accounts are deployed, from the factory's logs.</summary>
public sealed class AccountBook(ChainContext context, OperationQueue queue) : IProjection
{
    private readonly byte[] _factory = context.AccountFactory.HexToByteArray();
    private readonly byte[] _accountCreated = Event<AccountCreatedEventDTO>.GetEventABI().Sha3Signature.HexToByteArray();

    /// <inheritdoc/>
    public async Task ApplyAsync(Tx tx, ChainLog log)
    {
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
    public Task RevertAsync(Tx tx, long ancestor) => tx.ExecuteAsync(
        """
        UPDATE agent SET deployed = EXISTS (
          SELECT 1 FROM chain_event e JOIN block b ON b.hash = e.block_hash AND b.canonical = 1 WHERE e.account = agent.account AND e.address = @_factory)
        WHERE account IN (SELECT e.account FROM block b CROSS JOIN chain_event e ON e.block_hash = b.hash WHERE b.number > @ancestor AND b.canonical = 0)
        """,
        new { ancestor, _factory });

    /// <summary>Queues the deployment of an agent's account.</summary>
    public static Task QueueDeploymentAsync(Tx tx, OperationQueue queue, ChainContext context, AgentRow agent)
    {
        var call = new CreateAccountFunction
        {
            Owner = AddressUtil.Current.ConvertToChecksumAddress(agent.Owner),
            Executor = AddressUtil.Current.ConvertToChecksumAddress(agent.Executor),
            Salt = agent.AccountSalt,
        };
        return queue.AddOwnAsync(tx, OperationKind.Deploy, context.AccountFactory.HexToByteArray(), call.GetCallData(), value: 0, GasLimits.Deploy);
    }
}
