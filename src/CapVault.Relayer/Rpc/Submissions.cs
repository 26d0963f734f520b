using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.ABI;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Rpc;

/// <summary>Takes operations that others built and signed. Whatever speaks against one is said before anything is stored.</summary>
public sealed class Submissions(
    Db db,
    ChainClient chain,
    ChainContext context,
    ChainClock clock,
    GasOracle gas,
    OperationValidator validator,
    AccountCode code,
    SponsorPolicy policy,
    SponsorLedger ledger,
    OperationQueue queue,
    PaymasterDeposit deposit,
    StepOutcomes outcomes,
    IOptions<RelayerOptions> options)
{
    /// <summary>How many operations of one account may be on their way: each is run again with each that follows it.</summary>
    private const int MaxPerSender = 16;

    /// <summary>How many operations may hang on one paymaster that has nothing to lose: a change there voids them all at once.</summary>
    private const int MaxUnstaked = 10;

    private readonly byte[] _paymaster = context.Paymaster.HexToByteArray();

    /// <summary>Queues an operation and returns its hash; one that is here already is not queued a second time.</summary>
    /// <exception cref="RpcException">It is refused; by ERC-7769's codes.</exception>
    public async Task<byte[]> SendAsync(RpcUserOperation operation, Payer payer, CancellationToken cancellationToken)
    {
        RequireBounds(operation);
        var userOp = operation.ToPacked();
        var hash = context.UserOperations.Hash(userOp, operation.IsDelegated ? await code.DelegateOfAsync(operation.Sender, cancellationToken) : null);
        var (key, sequence) = NonceLane.Of(operation.Nonce);
        if (sequence < 0)
        {
            throw RpcException.Invalid("nonce", RpcFields.Hex(operation.Nonce), "a sequence below 2^63 in its last 64 bits");
        }

        var place = new Place(hash, operation.Sender, key, sequence);
        var found = await db.ReadAsync(connection => LookAsync(connection, place), cancellationToken);
        if (found.IsHere)
        {
            return hash;
        }

        RequireRoom(found);
        await RequireStakeAsync(operation, cancellationToken);
        await code.RequireAllowedAsync(operation, cancellationToken);
        var packed = new ABIEncode().GetABIParamsEncoded(userOp);
        var before = found.Waiting.Where(row => operation.Deploys ? row.NonceKey == key && row.NonceSeq < sequence && !row.Deploys : row.NonceKey != key || row.NonceSeq < sequence);
        await RequireValidAsync(operation, packed, hash, [.. before.Select(row => (row.UserOp!, row.GasLimit))], cancellationToken);
        await db.WriteAsync(tx => QueueAsync(tx, operation, place, packed, payer), cancellationToken);
        return hash;
    }

    private async Task RequireValidAsync(
        RpcUserOperation operation, byte[] packed, byte[] hash, IReadOnlyList<(byte[] UserOp, long Gas)> before, CancellationToken cancellationToken)
    {
        try
        {
            await validator.RequireValidAsync(operation, packed, hash, before, cancellationToken);
        }
        catch (RpcException error) when (error.Code == RpcException.PaymasterBalance && operation.Paymaster.AsSpan().SequenceEqual(_paymaster))
        {
            // Our deposit is our business: the next attempt finds it filled up.
            await deposit.EnsureAsync(operation.Gas * operation.MaxFeePerGas, cancellationToken);
            throw;
        }
    }

    private async Task QueueAsync(Tx tx, RpcUserOperation operation, Place place, byte[] packed, Payer payer)
    {
        // Looked at again: another call may have been faster.
        await tx.LockAsync(operation.Sender);
        var found = await tx.QueryAsync<Operation>(
            """
            SELECT * FROM operation WHERE user_op_hash = @Hash
            UNION ALL SELECT * FROM operation WHERE sender = @Sender AND nonce_key = @Key AND live = 1 AND (user_op_hash IS NULL OR user_op_hash <> @Hash)
            """,
            place);
        if (found.Find(row => row.UserOpHash.AsSpan().SequenceEqual(place.Hash)) is { } same)
        {
            if (same.Live || same.Success is not null)
            {
                return;
            }

            // It came to nothing, but by now it would go through: nobody has used its nonce.
            await tx.ExecuteAsync("DELETE FROM operation WHERE operation_id = @OperationId", same);
        }

        var lane = found.Where(row => row.Live).ToList();
        if (lane.Find(row => row.NonceSeq == place.Sequence) is { } other)
        {
            RequireReplaceable(other, operation);
            await outcomes.LostAsync(tx, other, OperationState.Superseded, "another operation with its nonce and higher fees took its place");
        }

        var prefund = 0L;
        long? validUntil = null;
        if (operation.Paymaster.AsSpan().SequenceEqual(_paymaster))
        {
            prefund = GasMoney.FromWei(operation.Gas * operation.MaxFeePerGas);
            validUntil = Sponsored.ValidUntilOf(operation.PaymasterData);
            if (!await SponsorLedger.IsReservedAsync(tx, place.Hash))
            {
                await ledger.RequireRoomAsync(tx, payer, prefund);
                await ledger.ReserveAsync(tx, place.Hash, operation.Sender, payer, prefund, validUntil.Value, Sponsored.NonceOf(operation));
            }
        }

        // That it is valid says where its lane stands; those before it that are on their way take it there.
        await InclusionTracker.AdvanceLaneAsync(tx, operation.Sender, place.Key, lane.Select(row => row.NonceSeq ?? long.MaxValue).Append(place.Sequence).Min());
        await queue.AddForeignAsync(
            tx,
            new ForeignOperation(operation.Sender, place.Key, place.Sequence, place.Hash, packed, operation.CallData, OperationValidator.GasOf(operation), prefund, validUntil)
            {
                Deploys = operation.Deploys,
                Paymaster = prefund > 0 ? null : operation.Paymaster,
            });
    }

    // Most accounts have nothing on their way, and one statement tells.
    private static async Task<Found> LookAsync(System.Data.IDbConnection connection, Place place)
    {
        var found = await connection.QueryFirstAsync<Found>(
            """
            SELECT (SELECT count(*) FROM operation WHERE sender = @Sender AND live = 1) AS on_its_way,
              CASE WHEN EXISTS (SELECT 1 FROM operation WHERE user_op_hash = @Hash AND (live = 1 OR success IS NOT NULL)) THEN 1 ELSE 0 END AS is_here,
              CASE WHEN EXISTS (SELECT 1 FROM prepared_operation WHERE user_op_hash = @Hash) THEN 1 ELSE 0 END AS is_prepared
            """,
            place);
        return found.OnItsWay == 0 || found.OnItsWay >= MaxPerSender
            ? found
            : found with
            {
                Waiting = (await connection.QueryAsync<Operation>(
                    "SELECT * FROM operation WHERE sender = @Sender AND live = 1 AND user_op IS NOT NULL ORDER BY operation_id LIMIT @limit", new { place.Sender, limit = MaxPerSender })).AsList(),
            };
    }

    private static void RequireReplaceable(Operation other, RpcUserOperation operation)
    {
        var (priorityFee, maxFee) = Contracts.UserOperations.Unpack(
            new ABIEncode().DecodeEncodedComplexType<PackedUserOperation>(other.UserOp!).GasFees);
        var isRaised = operation.MaxFeePerGas * 10 >= maxFee * 11 && operation.MaxPriorityFeePerGas * 10 >= priorityFee * 11;
        if (other.State != OperationState.Queued || other.LaneTxId is not null || !other.ClientSigned || other.OrderId is not null || !isRaised)
        {
            throw new RpcException(
                RpcException.Fields,
                $"nonce: operation {other.UserOpHash!.ToHex(prefix: true)} of this account has it and is {other.State}. One that waits is replaced by one with both fees 10 % higher: {RpcFields.Hex(maxFee * 11 / 10)} and {RpcFields.Hex(priorityFee * 11 / 10)}.",
                new { field = "nonce", userOpHash = other.UserOpHash!.ToHex(prefix: true) });
        }
    }

    private static void RequireRoom(Found found)
    {
        if (found.IsPrepared)
        {
            throw RpcException.Invalid("userOperation", "one that was prepared at /api/v1/ops/prepare", "that it is submitted at /api/v1/ops/{userOpHash}/submit");
        }

        if (found.OnItsWay >= MaxPerSender)
        {
            throw new RpcException(RpcException.Throttled, $"{found.OnItsWay} operations of this account are on their way, of {MaxPerSender} that may be. Wait for one of them.");
        }
    }

    private async Task RequireStakeAsync(RpcUserOperation operation, CancellationToken cancellationToken)
    {
        if (operation.Paymaster is not { } paymaster || paymaster.AsSpan().SequenceEqual(_paymaster))
        {
            return;
        }

        var waiting = await db.ReadAsync(connection => connection.QueryFirstAsync<int>("SELECT count(*) FROM operation WHERE paymaster = @paymaster AND live = 1", new { paymaster }), cancellationToken);
        if (waiting >= MaxUnstaked)
        {
            var info = await chain.QueryManyAsync<GetDepositInfoFunction, GetDepositInfoOutputDTO>(
                context.EntryPoint, new GetDepositInfoFunction { Account = paymaster.ToHex(prefix: true) }, cancellationToken);
            if (!info.Info.Staked)
            {
                throw new RpcException(
                    RpcException.Stake, $"{waiting} operations wait whose paymaster, {paymaster.ToHex(prefix: true)}, has no stake at the EntryPoint; {MaxUnstaked} may. Wait for one of them, or let it be staked.", new { paymaster = paymaster.ToHex(prefix: true) });
            }
        }
    }

    private void RequireBounds(RpcUserOperation operation)
    {
        var isOurs = operation.Paymaster.AsSpan().SequenceEqual(_paymaster);
        operation.RequireCaps(policy.Caps, options.Value.BundleGas);
        if (operation.MaxPriorityFeePerGas > operation.MaxFeePerGas)
        {
            throw RpcException.Invalid("maxPriorityFeePerGas", RpcFields.Hex(operation.MaxPriorityFeePerGas), $"at most maxFeePerGas, {RpcFields.Hex(operation.MaxFeePerGas)}");
        }

        if (isOurs)
        {
            Sponsored.RequireTime(operation.PaymasterData, clock.Now);
            return;
        }

        // What our paymaster does not pay must pay us.
        if (operation.MaxFeePerGas < gas.BaseFee + gas.PriorityFee || operation.MaxPriorityFeePerGas < gas.PriorityFee)
        {
            throw RpcException.Invalid(
                "maxFeePerGas",
                $"{RpcFields.Hex(operation.MaxFeePerGas)} and maxPriorityFeePerGas {RpcFields.Hex(operation.MaxPriorityFeePerGas)}",
                $"at least {RpcFields.Hex(gas.BaseFee + gas.PriorityFee)} and {RpcFields.Hex(gas.PriorityFee)} now; ask pimlico_getUserOperationGasPrice");
        }

        if (PreVerification.Of(operation) is var least && operation.PreVerificationGas < least)
        {
            throw RpcException.Invalid("preVerificationGas", RpcFields.Hex(operation.PreVerificationGas), $"at least {RpcFields.Hex(least)}; ask eth_estimateUserOperationGas");
        }
    }

    private sealed record Place(byte[] Hash, byte[] Sender, long Key, long Sequence);

    private sealed record Found
    {
        public long OnItsWay { get; init; }

        public bool IsHere { get; init; }

        public bool IsPrepared { get; init; }

        public IReadOnlyList<Operation> Waiting { get; init; } = [];
    }
}
