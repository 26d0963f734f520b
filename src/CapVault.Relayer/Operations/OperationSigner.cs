using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Operations;

/// <summary>
/// Turns a received operation into a signed one: nonce, gas, sponsor, Executor. One signed operation per nonce lane at a time: a
/// second one would be void if the first never lands.
/// </summary>
public sealed class OperationSigner(ChainContext context, ChainClock clock, GasOracle gas, ExecutorKeys executors, TimeProvider time)
{
    /// <summary>How long the sponsor's signature holds, seconds.</summary>
    private const long Validity = 600;

    /// <summary>
    /// Signs what waits for its nonce lane, now that the lane may be free; and anew what has waited so long that the sponsor's signature is
    /// about to run out and was never sent. Done where operations are claimed, so that no block waits for a signature.
    /// </summary>
    public async Task SignDueAsync(Tx tx)
    {
        await tx.ExecuteAsync(
            """
            UPDATE operation SET state = 'RECEIVED', nonce_seq = NULL, user_op_hash = NULL, user_op = NULL, valid_until = NULL
            WHERE state = 'QUEUED' AND kind = 'user_op' AND attempt = 0 AND valid_until < @soon
            """,
            new { soon = clock.Now + (Validity / 10) });
        foreach (var lane in await tx.QueryAsync<Lane>("SELECT DISTINCT sender AS account, nonce_key FROM operation WHERE state = 'RECEIVED' LIMIT 200"))
        {
            await SignReceivedAsync(tx, lane.Account, lane.NonceKey);
        }
    }

    /// <summary>Signs the oldest received operation of a lane, if the lane has no other live one.</summary>
    public async Task SignReceivedAsync(Tx tx, byte[] account, long nonceKey)
    {
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
        var nonceSeq = await tx.FirstOrDefaultAsync<long?>("SELECT next_seq FROM account_lane WHERE account = @account AND nonce_key = @nonceKey", lane) ?? 0;
        // A call that is repeated within a second, at a nonce that its first attempt did not use, must not become the same operation.
        var earlier = await tx.FirstOrDefaultAsync<long?>(
            "SELECT max(valid_until) FROM operation WHERE order_id = @OrderId AND step = @Step", operation);
        var validUntil = Math.Max(clock.Now + Validity, (earlier ?? 0) + 1);
        var userOp = Build(operation, (ulong)nonceSeq, (ulong)validUntil);
        var userOpHash = context.UserOperations.Hash(userOp);
        userOp.Signature = UserOperations.Sign(userOpHash, executors.Decrypt(agent.AgentId, agent.ExecutorKey));
        await tx.ExecuteAsync(
            """
            UPDATE operation SET state = 'QUEUED', nonce_seq = @nonceSeq, user_op_hash = @userOpHash, user_op = @packed, valid_until = @validUntil, updated_at = @now
            WHERE operation_id = @OperationId
            """,
            new
            {
                operation.OperationId,
                nonceSeq,
                userOpHash,
                packed = new ABIEncode().GetABIParamsEncoded(userOp),
                validUntil,
                now = time.GetUtcNow().ToUnixTimeMilliseconds(),
            });
    }

    private PackedUserOperation Build(Operation operation, ulong nonceSeq, ulong validUntil)
    {
        var userOp = new PackedUserOperation
        {
            Sender = operation.Sender!.ToHex(true),
            Nonce = UserOperations.Nonce(operation.NonceKey!.Value, nonceSeq),
            InitCode = [], // the keeper deploys accounts by plain transactions
            CallData = operation.CallData,
            AccountGasLimits = UserOperations.AccountGasLimits(GasLimits.Verification, GasLimits.Of(OrderStep.Parse(operation.Step!)).Call),
            PreVerificationGas = GasLimits.PreVerification,
            GasFees = UserOperations.GasFees(gas.PriorityFee, gas.OperationMaxFee),
            Signature = [],
        };
        userOp.PaymasterAndData = context.Sponsorship.Sign(
            userOp, GasLimits.PaymasterVerification, postOpGasLimit: 0, validAfter: 0, validUntil, context.SponsorKey);
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
