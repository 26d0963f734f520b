using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Sponsoring;
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
/// <param name="Eoa">The EOA that alone may send it.</param>
public sealed record SponsoredOperation(PackedUserOperation UserOp, byte[] Hash, long NonceKey, long NonceSeq, long ValidUntil, byte[] Eoa);

/// <summary>
/// Turns received operations into signed ones: nonce, gas, sponsor, Executor. Those of one nonce lane are signed in sequence, each for the place behind
/// the one before; what is to be signed anew, because the one before fell out or time ran out, goes back to received.
/// </summary>
public sealed class OperationSigner(ChainContext context, ChainClock clock, ExecutorKeys executors, Sponsor sponsor, TimeProvider time)
{
    /// <summary>How much of it an operation must have left when it goes out, seconds.</summary>
    public const long TimeToLand = Validity / 10;

    /// <summary>How long the sponsor's signature holds, seconds.</summary>
    public const long Validity = 600;

    /// <summary>Signs what is received of a nonce lane, in order. What has kept its place, gets the same again.</summary>
    public async Task SignReceivedAsync(Tx tx, byte[] account, long nonceKey)
    {
        await LockLanesAsync(tx, [(account, nonceKey)]);
        var received = await tx.QueryAsync<Operation>(
            """
            SELECT * FROM operation WHERE sender = @account AND nonce_key = @nonceKey AND live = 1 AND state = 'RECEIVED'
            ORDER BY CASE WHEN nonce_seq IS NULL THEN 1 ELSE 0 END, nonce_seq, operation_id
            """,
            new { account, nonceKey });
        if (received.Count == 0)
        {
            return;
        }

        var agent = await tx.SingleAsync<AgentKey>("SELECT agent_id, executor_key FROM agent WHERE account = @account", new { account });
        if (agent.ExecutorKey.Length == 0)
        {
            return; // since it was taken the Owner has given the agent an Executor of its own; the bundler ends what nobody here can sign
        }

        var executor = executors.Decrypt(agent.AgentId, agent.ExecutorKey);
        foreach (var operation in received)
        {
            var sponsored = await SponsorAsync(tx, account, operation.OrderId!, OrderStep.Parse(operation.Step!), operation.CallData, operation.NonceSeq);
            sponsored.UserOp.Signature = UserOperations.Sign(sponsored.Hash, executor);
            await QueueSignedAsync(tx, operation.OperationId, sponsored, clientSigned: false);
        }
    }

    /// <summary>
    /// Takes operations back to be signed anew at their places in their nonce lanes: another Executor, another EOA, or hardly any time left. Only what is
    /// in no transaction and came without a signature.
    /// </summary>
    /// <param name="tx">The transaction.</param>
    /// <param name="which">A condition on <c>operation</c>.</param>
    /// <param name="parameters">What it names.</param>
    public static async Task WithdrawAsync(Tx tx, string which, object parameters)
    {
        const string withdrawable = "kind = 'user_op' AND live = 1 AND state = 'QUEUED' AND client_signed = 0 AND ";

        // One that was sent before may still be included: in a branch that comes back.
        await tx.PostAsync($"INSERT INTO former_operation (user_op_hash, operation_id) SELECT user_op_hash, operation_id FROM operation WHERE {withdrawable} attempt > 0 AND {which}", parameters);
        await tx.PostAsync($"UPDATE operation SET state = 'RECEIVED', user_op_hash = NULL, user_op = NULL WHERE {withdrawable} {which}", parameters);
    }

    /// <summary>Builds the operation of a step at the next free place of its nonce lane, and signs for the paymaster. The account's signature is left empty.</summary>
    /// <param name="tx">The transaction.</param>
    /// <param name="account">Who acts.</param>
    /// <param name="orderId">The order.</param>
    /// <param name="step">The step.</param>
    /// <param name="callData">The account's call.</param>
    /// <param name="nonceSeq">The place that it has already.</param>
    public Task<SponsoredOperation> SponsorAsync(Tx tx, byte[] account, byte[] orderId, OrderStep step, byte[] callData, long? nonceSeq = null) => SponsorAsync(
        tx,
        account,
        UserOperations.ExecutorKey(orderId),
        GasLimits.Of(step),
        callData,
        nonceSeq,
        "SELECT max(valid_until) FROM operation WHERE order_id = @orderId AND step = @step",
        new { orderId, step = step.Value });

    /// <summary>The same for what an Owner makes its account do.</summary>
    public Task<SponsoredOperation> SponsorOwnerAsync(Tx tx, byte[] account, byte[] callData) => SponsorAsync(
        tx,
        account,
        UserOperations.OwnerKey,
        GasLimits.OwnerAction,
        callData,
        nonceSeq: null,
        "SELECT max(valid_until) FROM operation WHERE order_id IS NULL AND sender = @account",
        new { account });

    // A call that is repeated within a second, at a nonce that its first attempt did not use, must not become the same operation.
    private async Task<SponsoredOperation> SponsorAsync(
        Tx tx, byte[] account, long nonceKey, GasLimits limits, byte[] callData, long? nonceSeq, string selectEarlier, object earlierOnes)
    {
        var earlier = await tx.FirstOrDefaultAsync<long?>(selectEarlier, earlierOnes);
        var place = nonceSeq ?? await NextSequenceAsync(tx, account, nonceKey);
        var validUntil = Math.Max(clock.Now + Validity, (earlier ?? 0) + 1);
        var lane = context.LaneOf(account);
        var userOp = Build(account, nonceKey, place, limits, callData, (ulong)validUntil, lane.Address);
        var sponsored = new SponsoredOperation(userOp, context.UserOperations.Hash(userOp), nonceKey, place, validUntil, lane.Eoa);
        await sponsor.ReserveAsync(tx, account, sponsored, limits.Prefund);
        return sponsored;
    }

    /// <summary>
    /// The next free place of a nonce lane: behind what the chain has used, and behind what is in the queue. What is only prepared has no
    /// place: nobody knows whether its signature will ever come, and whatever was signed behind it could never land without it.
    /// </summary>
    public static async Task<long> NextSequenceAsync(Tx tx, byte[] account, long nonceKey)
    {
        await LockLanesAsync(tx, [(account, nonceKey)]);
        return await tx.SingleAsync<long?>(
            """
            SELECT max(next) FROM (
              SELECT next_seq AS next FROM account_lane WHERE account = @account AND nonce_key = @nonceKey
              UNION ALL SELECT nonce_seq + 1 FROM operation WHERE sender = @account AND nonce_key = @nonceKey AND live = 1) places
            """,
            new { account, nonceKey }) ?? 0;
    }

    /// <summary>Keeps others from giving out places of a nonce lane: of two who sign for it at once both would take the same.</summary>
    public static Task LockLanesAsync(Tx tx, IEnumerable<(byte[] Account, long NonceKey)> lanes) =>
        tx.LockAsync(lanes.Select(lane => (byte[])[.. lane.Account, .. BitConverter.GetBytes(lane.NonceKey)]).ToList());

    /// <summary>Gives a received operation its signed bytes: from now on it may travel.</summary>
    public Task QueueSignedAsync(Tx tx, long operationId, SponsoredOperation signed, bool clientSigned) => tx.PostAsync(
        """
        UPDATE operation SET state = 'QUEUED', nonce_seq = @NonceSeq, user_op_hash = @Hash, user_op = @packed, valid_until = @ValidUntil, eoa = @Eoa,
          prefund = @prefund, client_signed = @clientSigned, updated_at = @now
        WHERE operation_id = @operationId
        """,
        new
        {
            operationId,
            signed.NonceSeq,
            signed.Hash,
            packed = new ABIEncode().GetABIParamsEncoded(signed.UserOp),
            signed.ValidUntil,
            signed.Eoa,
            prefund = PaymasterDeposit.PrefundOf(signed.UserOp),
            clientSigned = clientSigned ? 1 : 0,
            now = time.GetUtcNow().ToUnixTimeMilliseconds(),
        });

    private PackedUserOperation Build(byte[] account, long nonceKey, long nonceSeq, GasLimits limits, byte[] callData, ulong validUntil, string bundler)
    {
        var userOp = new PackedUserOperation
        {
            Sender = account.ToHex(true),
            Nonce = UserOperations.Nonce(nonceKey, (ulong)nonceSeq),
            InitCode = [], // the keeper deploys accounts by plain transactions
            CallData = callData,
            AccountGasLimits = UserOperations.AccountGasLimits(GasLimits.Verification, limits.Call),
            PreVerificationGas = GasLimits.PreVerification,
            GasFees = UserOperations.GasFees(sponsor.PriorityFee, sponsor.MaxFee),
            Signature = [],
        };
        userOp.PaymasterAndData = context.Sponsorship.Sign(
            userOp, bundler, GasLimits.PaymasterVerification, postOpGasLimit: 0, validAfter: 0, validUntil, context.SponsorKey);
        return userOp;
    }

    private sealed record AgentKey
    {
        public string AgentId { get; init; } = "";

        public byte[] ExecutorKey { get; init; } = [];
    }
}
