using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>An operation that is complete but for its account's signature.</summary>
/// <param name="UserOp">Packed.</param>
/// <param name="Hash">EntryPoint's hash of it.</param>
/// <param name="NonceKey">Its nonce lane.</param>
/// <param name="NonceSeq">Its place there.</param>
/// <param name="ValidUntil">End of the sponsor's signature, unix seconds.</param>
public sealed record SponsoredOperation(PackedUserOperation UserOp, byte[] Hash, long NonceKey, long NonceSeq, long ValidUntil);

/// <summary>
/// Turns a received operation into a signed one: nonce, gas, sponsor, Executor. One signed operation per nonce lane at a time: a
/// second one would be void if the first never lands.
/// </summary>
public sealed class OperationSigner(ChainContext context, ChainClock clock, GasOracle gas, ExecutorKeys executors, TimeProvider time)
{
    /// <summary>How much of it an operation must have left when it goes out, seconds.</summary>
    public const long TimeToLand = Validity / 10;

    /// <summary>How long the sponsor's signature holds, seconds.</summary>
    public const long Validity = 600;

    private readonly string _lane = context.LaneKey.GetPublicAddress();

    /// <summary>
    /// Signs what waits for its nonce lane, now that the lane may be free; and anew what has waited so long that the sponsor's signature is
    /// about to run out and was never sent. Done where operations are claimed, so that no block waits for a signature.
    /// </summary>
    public async Task SignDueAsync(Tx tx)
    {
        await tx.ExecuteAsync(
            """
            UPDATE operation SET state = 'RECEIVED', nonce_seq = NULL, user_op_hash = NULL, user_op = NULL, valid_until = NULL
            WHERE state = 'QUEUED' AND kind = 'user_op' AND client_signed = 0 AND attempt = 0 AND valid_until < @soon
            """,
            new { soon = clock.Now + TimeToLand });
        foreach (var lane in await tx.QueryAsync<Lane>("SELECT DISTINCT sender AS account, nonce_key FROM operation WHERE state = 'RECEIVED' LIMIT 200"))
        {
            await SignReceivedAsync(tx, lane.Account, lane.NonceKey);
        }
    }

    /// <summary>Signs the oldest received operation of a lane, if the lane has no other live one.</summary>
    public async Task SignReceivedAsync(Tx tx, byte[] account, long nonceKey)
    {
        await LockLaneAsync(tx, account, nonceKey);
        var lane = new { account, nonceKey };
        var operation = await tx.FirstOrDefaultAsync<Operation>(
            """
            SELECT * FROM operation o WHERE sender = @account AND nonce_key = @nonceKey AND live = 1 AND state = 'RECEIVED'
              AND NOT EXISTS (SELECT 1 FROM operation s WHERE s.sender = o.sender AND s.nonce_key = o.nonce_key AND s.live = 1 AND s.state <> 'RECEIVED')
            ORDER BY operation_id LIMIT 1
            """,
            lane);
        if (operation is null)
        {
            return;
        }

        var agent = await tx.SingleAsync<AgentKey>("SELECT agent_id, executor_key FROM agent WHERE account = @account", lane);
        if (agent.ExecutorKey.Length == 0)
        {
            return; // since it was taken the Owner has given the agent an Executor of its own; the bundler ends what nobody here can sign
        }

        var sponsored = await SponsorAsync(tx, account, operation.OrderId!, OrderStep.Parse(operation.Step!), operation.CallData);
        sponsored.UserOp.Signature = UserOperations.Sign(sponsored.Hash, executors.Decrypt(agent.AgentId, agent.ExecutorKey));
        await QueueSignedAsync(tx, operation.OperationId, sponsored, clientSigned: false);
    }

    /// <summary>Builds the operation of a step at the next free place of its nonce lane, and signs for the paymaster. The account's signature is left empty.</summary>
    public async Task<SponsoredOperation> SponsorAsync(Tx tx, byte[] account, byte[] orderId, OrderStep step, byte[] callData)
    {
        var earlier = await tx.FirstOrDefaultAsync<long?>(
            "SELECT max(valid_until) FROM operation WHERE order_id = @orderId AND step = @step", new { orderId, step = step.Value });
        return await SponsorAsync(tx, account, UserOperations.ExecutorKey(orderId), GasLimits.Of(step), callData, earlier);
    }

    /// <summary>The same for what an Owner makes its account do.</summary>
    public async Task<SponsoredOperation> SponsorOwnerAsync(Tx tx, byte[] account, byte[] callData)
    {
        var earlier = await tx.FirstOrDefaultAsync<long?>(
            "SELECT max(valid_until) FROM operation WHERE order_id IS NULL AND sender = @account", new { account });
        return await SponsorAsync(tx, account, UserOperations.OwnerKey, GasLimits.OwnerAction, callData, earlier);
    }

    // A call that is repeated within a second, at a nonce that its first attempt did not use, must not become the same operation.
    private async Task<SponsoredOperation> SponsorAsync(Tx tx, byte[] account, long nonceKey, GasLimits limits, byte[] callData, long? earlier)
    {
        var nonceSeq = await NextSequenceAsync(tx, account, nonceKey);
        var validUntil = Math.Max(clock.Now + Validity, (earlier ?? 0) + 1);
        var userOp = Build(account, nonceKey, nonceSeq, limits, callData, (ulong)validUntil);
        return new SponsoredOperation(userOp, context.UserOperations.Hash(userOp), nonceKey, nonceSeq, validUntil);
    }

    /// <summary>
    /// The next free place of a nonce lane: behind what the chain has used, and behind what is in the queue. What is only prepared has no
    /// place: nobody knows whether its signature will ever come, and whatever was signed behind it could never land without it.
    /// </summary>
    public static async Task<long> NextSequenceAsync(Tx tx, byte[] account, long nonceKey)
    {
        await LockLaneAsync(tx, account, nonceKey);
        return await tx.SingleAsync<long?>(
            """
            SELECT max(next) FROM (
              SELECT next_seq AS next FROM account_lane WHERE account = @account AND nonce_key = @nonceKey
              UNION ALL SELECT nonce_seq + 1 FROM operation WHERE sender = @account AND nonce_key = @nonceKey AND live = 1) places
            """,
            new { account, nonceKey }) ?? 0;
    }

    // Of two who sign for one nonce lane at once both would take the same place.
    private static Task LockLaneAsync(Tx tx, byte[] account, long nonceKey) => tx.LockAsync([.. account, .. BitConverter.GetBytes(nonceKey)]);

    /// <summary>Gives a received operation its signed bytes: from now on it may travel.</summary>
    public Task QueueSignedAsync(Tx tx, long operationId, SponsoredOperation signed, bool clientSigned) => tx.ExecuteAsync(
        """
        UPDATE operation SET state = 'QUEUED', nonce_seq = @NonceSeq, user_op_hash = @Hash, user_op = @packed, valid_until = @ValidUntil,
          client_signed = @clientSigned, updated_at = @now
        WHERE operation_id = @operationId
        """,
        new
        {
            operationId,
            signed.NonceSeq,
            signed.Hash,
            packed = new ABIEncode().GetABIParamsEncoded(signed.UserOp),
            signed.ValidUntil,
            clientSigned,
            now = time.GetUtcNow().ToUnixTimeMilliseconds(),
        });

    private PackedUserOperation Build(byte[] account, long nonceKey, long nonceSeq, GasLimits limits, byte[] callData, ulong validUntil)
    {
        var userOp = new PackedUserOperation
        {
            Sender = account.ToHex(true),
            Nonce = UserOperations.Nonce(nonceKey, (ulong)nonceSeq),
            InitCode = [], // the keeper deploys accounts by plain transactions
            CallData = callData,
            AccountGasLimits = UserOperations.AccountGasLimits(GasLimits.Verification, limits.Call),
            PreVerificationGas = GasLimits.PreVerification,
            GasFees = UserOperations.GasFees(gas.PriorityFee, gas.OperationMaxFee),
            Signature = [],
        };
        userOp.PaymasterAndData = context.Sponsorship.Sign(
            userOp, _lane, GasLimits.PaymasterVerification, postOpGasLimit: 0, validAfter: 0, validUntil, context.SponsorKey);
        return userOp;
    }

    private sealed record Lane
    {
        public byte[] Account { get; init; } = [];

        public long NonceKey { get; init; }
    }

    private sealed record AgentKey
    {
        public string AgentId { get; init; } = "";

        public byte[] ExecutorKey { get; init; } = [];
    }
}
