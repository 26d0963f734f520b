using System.Globalization;
using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Relayer.Accounts;

/// <summary>
/// What Owners make their agents' accounts do: prepared and sponsored here, signed by the Owner's own key, which is never here, and submitted. An Owner
/// can do the same without us, by a transaction of its own to the account.
/// </summary>
public sealed class OwnerActions(
    Db db, ExecutorKeys executors, OperationSigner signer, Sponsor sponsor, SponsorLedger ledger, OperationQueue queue, ChainClient chain, ChainContext context, ChainClock clock, TimeProvider time)
{
    private const string Kept = "SELECT * FROM prepared_operation WHERE user_op_hash = @hash AND order_id IS NULL";
    private const string Sent = "SELECT * FROM operation WHERE user_op_hash = @hash AND order_id IS NULL AND sender IS NOT NULL";

    /// <summary>Sponsors what an Owner wants to do and returns what it must sign. What was prepared for it before is void then.</summary>
    /// <param name="request">What it is.</param>
    /// <param name="owner">Whose agent it must be; null for anybody's.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<PreparedOwnerAction> PrepareAsync(OwnerActionRequest request, byte[]? owner, CancellationToken cancellationToken)
    {
        var agent = await db.ReadAsync(connection => Agents.FindAsync(connection, request.AgentId, owner), cancellationToken);
        var action = Read(request, agent);
        if (action.Withdrawn is { } amount)
        {
            await RequireBalanceAsync(agent, amount, cancellationToken);
        }

        return await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(agent.AgentId);
                var executor = action.Executor ?? (request.Action == OwnerAction.SetExecutor ? await NewExecutorAsync(tx, agent.AgentId) : null);
                var callData = executor is null ? action.CallData! : OwnerCalls.SetExecutor(AddressUtil.Current.ConvertToChecksumAddress(agent.Account), executor);
                if (await tx.FirstOrDefaultAsync<byte[]>("SELECT user_op_hash FROM prepared_operation WHERE agent_id = @AgentId AND order_id IS NULL", agent) is { } replaced)
                {
                    await ledger.ReleaseAsync(tx, replaced);
                }

                await sponsor.AdmitOwnerActionAsync(tx, agent.Account, callData);
                var sponsored = await signer.SponsorOwnerAsync(tx, agent.Account, callData);
                await tx.ExecuteAsync(
                    """
                    DELETE FROM prepared_operation WHERE agent_id = @AgentId AND order_id IS NULL;
                    INSERT INTO prepared_operation (user_op_hash, agent_id, nonce_key, nonce_seq, user_op, valid_until, eoa, request, created_at)
                    VALUES (@Hash, @AgentId, @NonceKey, @NonceSeq, @userOp, @ValidUntil, @Eoa, @request, @now)
                    """,
                    new
                    {
                        agent.AgentId,
                        sponsored.Hash,
                        sponsored.NonceKey,
                        sponsored.NonceSeq,
                        userOp = new ABIEncode().GetABIParamsEncoded(sponsored.UserOp),
                        sponsored.ValidUntil,
                        sponsored.Eoa,
                        request = JsonSerializer.SerializeToUtf8Bytes(request, CapJson.Options),
                        now = time.GetUtcNow().ToUnixTimeMilliseconds(),
                    });
                return new PreparedOwnerAction
                {
                    AgentId = agent.AgentId,
                    Action = request.Action,
                    Executor = executor,
                    UserOp = UserOperation.From(sponsored.UserOp),
                    UserOpHash = sponsored.Hash.ToHex(true),
                    TypedData = TypedData.From(context.UserOperations.TypedData(sponsored.UserOp)),
                    ValidUntil = At(sponsored.ValidUntil - OperationSigner.TimeToLand),
                };
            },
            cancellationToken);
    }

    /// <summary>Takes the Owner's signature and puts the operation into the queue. Repeats find that operation, or its outcome.</summary>
    /// <param name="userOpHash">What was prepared.</param>
    /// <param name="signature">The Owner's.</param>
    /// <param name="owner">Whose agent it must be; null for anybody's.</param>
    /// <param name="patience">How long to wait for the outcome.</param>
    /// <param name="call">Which call submits it.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<OwnerActionResult> SubmitAsync(
        string userOpHash, string signature, byte[]? owner, TimeSpan patience, IdempotentCall call, CancellationToken cancellationToken)
    {
        var hash = userOpHash.Length == 66 && userOpHash.IsHex() ? userOpHash.HexToByteArray() : throw ApiException.Invalid("userOpHash", userOpHash, "0x and 64 hex digits");
        var agent = await db.ReadAsync(connection => FindAgentAsync(connection, hash, owner), cancellationToken) ?? throw NotFound(userOpHash);
        var signed = SelfHeld.RequireSignature(agent.Owner, "Owner", hash, signature);
        await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(agent.AgentId);
                var isFirst = await call.ClaimAsync(tx);
                var operation = await tx.FirstOrDefaultAsync<Operation>(Sent, new { hash })
                    ?? await QueueAsync(tx, agent, await tx.FirstOrDefaultAsync<PreparedRow>(Kept, new { hash }) ?? throw NotFound(userOpHash), signed);
                if (isFirst)
                {
                    await call.JoinAsync(tx, operation.OperationId);
                }

                return operation;
            },
            cancellationToken);
        return ToModel(agent, await SettledAsync(hash, patience, cancellationToken));
    }

    private async Task<Operation> QueueAsync(Tx tx, AgentRow agent, PreparedRow prepared, byte[] signature)
    {
        var next = await OperationSigner.NextSequenceAsync(tx, agent.Account, prepared.NonceKey);
        if (clock.Now > prepared.SubmitUntil || prepared.NonceSeq != next || !context.IsLane(prepared.Eoa))
        {
            throw new ApiException(
                410,
                ErrorCodes.PreparationExpired,
                clock.Now > prepared.SubmitUntil ? $"The operation could be submitted up to {At(prepared.SubmitUntil):O}. Prepare it again."
                    : prepared.NonceSeq == next ? "The relayer sends from other addresses now than the one that this operation names. Prepare it again."
                    : $"Another operation of the Owner took its place since: found {prepared.NonceSeq}, expected {next}. Prepare it again.",
                new { validUntil = At(prepared.SubmitUntil) });
        }

        var signed = prepared.Operation;
        signed.UserOp.Signature = signature;
        await tx.ExecuteAsync("DELETE FROM prepared_operation WHERE user_op_hash = @UserOpHash", prepared);
        return await queue.AddOwnerSignedAsync(tx, signed);
    }

    private async Task<Operation> SettledAsync(byte[] hash, TimeSpan patience, CancellationToken cancellationToken)
    {
        var over = Task.Delay(patience, time, cancellationToken);
        while (true)
        {
            // Taken before looking: what happens in between is not missed. The queue's signal tells of every outcome.
            var signal = queue.Queued.Next;
            var operation = await db.ReadAsync(connection => connection.QueryFirstAsync<Operation>(Sent, new { hash }), cancellationToken);
            if (!operation.Live || over.IsCompleted)
            {
                return operation;
            }

            await Task.WhenAny(signal, over);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private sealed record Action(byte[]? CallData, string? Executor = null, BigInteger? Withdrawn = null);

    private Action Read(OwnerActionRequest request, AgentRow agent)
    {
        var account = AddressUtil.Current.ConvertToChecksumAddress(agent.Account);
        RequireNothingElse(request);
        switch (request.Action.Value)
        {
            case "set_limits":
                var perOrder = Fields.Amount("perOrder", request.PerOrder ?? throw ApiException.Missing("perOrder"), OwnerCalls.MaxLimit, orZero: true);
                var perDay = Fields.Amount("perDay", request.PerDay ?? throw ApiException.Missing("perDay"), OwnerCalls.MaxLimit, orZero: true);
                return new Action(OwnerCalls.SetLimits(account, TokenOf(request), perOrder, perDay));
            case "set_executor":
                return new Action(null, Executor: request.Executor is null ? null : Fields.Address("executor", request.Executor));
            case "withdraw":
                var token = TokenOf(request);
                var to = Fields.Address("to", request.To ?? throw ApiException.Missing("to"));
                if (to.IsTheSameHex(account) || to.IsTheSameHex(token) || to.IsTheSameHex(context.Vault))
                {
                    throw ApiException.Invalid("to", to, "another address than the account itself, the vault and the token: nobody could take the money from there");
                }

                var amount = Fields.Amount("amount", request.Amount ?? throw ApiException.Missing("amount"), BigInteger.Pow(2, 128));
                return new Action(OwnerCalls.Withdraw(token, to, amount), Withdrawn: amount);
            default:
                throw ApiException.Invalid("action", request.Action.Value, "set_limits, set_executor or withdraw");
        }
    }

    private string TokenOf(OwnerActionRequest request) => request.Token is null || Fields.Address("token", request.Token).IsTheSameHex(context.Usdc)
        ? context.Usdc
        : throw ApiException.Invalid("token", request.Token, $"{context.Usdc} (USDC), or nothing");

    // A field of another action would be a misunderstanding that moves money.
    private static void RequireNothingElse(OwnerActionRequest request)
    {
        var (limits, executor, withdraw) = (request.Action == OwnerAction.SetLimits, request.Action == OwnerAction.SetExecutor, request.Action == OwnerAction.Withdraw);
        foreach (var (field, value, belongs) in new[]
        {
            ("token", request.Token, limits || withdraw), ("perOrder", request.PerOrder, limits), ("perDay", request.PerDay, limits),
            ("executor", request.Executor, executor), ("to", request.To, withdraw), ("amount", request.Amount, withdraw),
        })
        {
            if (value is not null && !belongs)
            {
                throw ApiException.Invalid(field, value, $"nothing for {request.Action}");
            }
        }
    }

    private async Task RequireBalanceAsync(AgentRow agent, BigInteger amount, CancellationToken cancellationToken)
    {
        var account = AddressUtil.Current.ConvertToChecksumAddress(agent.Account);
        var balance = await chain.QueryAsync<BalanceOfFunction, BigInteger>(context.Usdc, new BalanceOfFunction { Account = account }, cancellationToken);
        if (balance < amount)
        {
            throw new ApiException(
                422,
                ErrorCodes.InsufficientFunds,
                $"The account {account} holds {Money.Format(balance)}, {Money.Format(amount)} were to be withdrawn. What orders hold comes back with them.",
                new
                {
                    token = context.Usdc,
                    account,
                    required = amount.ToString(CultureInfo.InvariantCulture),
                    available = balance.ToString(CultureInfo.InvariantCulture),
                });
        }
    }

    // One that was made and never set is as good as a new one.
    private async Task<string> NewExecutorAsync(Tx tx, string agentId)
    {
        if (await tx.FirstOrDefaultAsync<byte[]>("SELECT address FROM executor WHERE agent_id = @agentId AND used = 0", new { agentId }) is { } unused)
        {
            return AddressUtil.Current.ConvertToChecksumAddress(unused);
        }

        var key = EthECKey.GenerateKey();
        await tx.ExecuteAsync(
            "INSERT INTO executor (agent_id, address, executor_key) VALUES (@agentId, @address, @box)",
            new { agentId, address = key.GetPublicAddressAsBytes(), box = executors.Encrypt(agentId, key) });
        return key.GetPublicAddress();
    }

    // What is another Owner's is as unknown as what is nobody's.
    private static Task<AgentRow?> FindAgentAsync(System.Data.IDbConnection connection, byte[] hash, byte[]? owner) => connection.QueryFirstOrDefaultAsync<AgentRow?>(
        """
        SELECT a.* FROM agent a WHERE (@owner IS NULL OR a.owner = @owner) AND (
          a.agent_id = (SELECT agent_id FROM prepared_operation WHERE user_op_hash = @hash AND order_id IS NULL)
          OR a.account = (SELECT sender FROM operation WHERE user_op_hash = @hash AND order_id IS NULL))
        """,
        new { hash, owner });

    private static OwnerActionResult ToModel(AgentRow agent, Operation operation) => new()
    {
        AgentId = agent.AgentId,
        Status = operation.Live ? OwnerActionStatus.Pending : operation.Success == true ? OwnerActionStatus.Done : OwnerActionStatus.Failed,
        UserOpHash = operation.UserOpHash!.ToHex(true),
        TxHash = operation.TxHash?.ToHex(true),
        FailureReason = operation.Live ? null : operation.FailureReason,
    };

    private static ApiException NotFound(string userOpHash) => ApiException.NotFound(ErrorCodes.OperationNotFound, "prepared operation", userOpHash);

    private static DateTimeOffset At(long unixSeconds) => DateTimeOffset.FromUnixTimeSeconds(unixSeconds);
}
