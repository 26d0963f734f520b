using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Rpc;

/// <summary>ERC-7677: our paymaster for operations of anybody whom the policy allows. What is signed is in the ledger with the same commit.</summary>
public sealed class PaymasterService(
    Db db, ChainContext context, ChainClock clock, SponsorPolicy policy, Sponsor sponsor, SponsorLedger ledger, AccountCode code, IOptions<RelayerOptions> options)
{
    /// <summary>How many sponsored operations of one account may wait for its signature: each is gas that the sponsor has promised.</summary>
    private const int MaxWaiting = 8;

    // As long as a real one, and no byte of it is 0: its data costs as much as any.
    private static readonly byte[] AnySignature = [.. Enumerable.Repeat((byte)0xff, 64), 28];

    /// <summary>What stands for the sponsorship while gas is estimated; the sponsorship itself where nothing is left to be estimated.</summary>
    public async Task<object> StubAsync(RpcUserOperation operation, Payer payer, CancellationToken cancellationToken)
    {
        await RequireAllowedAsync(operation, cancellationToken);
        if (operation.CallGasLimit.Sign > 0 && operation.VerificationGasLimit.Sign > 0 && operation.PreVerificationGas.Sign > 0 && operation.MaxFeePerGas.Sign > 0)
        {
            // Nothing is left to be estimated: the client needs no second call.
            return Answer(await SignAsync(operation, payer, cancellationToken), isFinal: true);
        }

        var validUntil = (ulong)(clock.Now + OperationSigner.Validity);
        return Answer(context.Sponsorship.PaymasterAndData(GasLimits.PaymasterVerification, postOpGasLimit: 0, validAfter: 0, validUntil, AnySignature)[52..], isFinal: false);
    }

    /// <summary>The sponsorship.</summary>
    public async Task<object> SponsorAsync(RpcUserOperation operation, Payer payer, CancellationToken cancellationToken)
    {
        await RequireAllowedAsync(operation, cancellationToken);
        return Answer(await SignAsync(operation, payer, cancellationToken), isFinal: null);
    }

    private async Task<byte[]> SignAsync(RpcUserOperation operation, Payer payer, CancellationToken cancellationToken)
    {
        var lane = context.LaneOf(operation.Sender);
        var delegation = operation.IsDelegated ? await code.DelegateOfAsync(operation.Sender, cancellationToken) : null;
        var validUntil = clock.Now + OperationSigner.Validity;
        var sponsored = operation with
        {
            Paymaster = context.Paymaster.HexToByteArray(),
            PaymasterVerificationGasLimit = GasLimits.PaymasterVerification,
            PaymasterPostOpGasLimit = BigInteger.Zero,
        };
        sponsored.RequireCaps(policy.Caps, options.Value.BundleGas);
        var userOp = sponsored.ToPacked();
        userOp.PaymasterAndData = context.Sponsorship.Sign(userOp, lane.Address, GasLimits.PaymasterVerification, postOpGasLimit: 0, validAfter: 0, (ulong)validUntil, context.SponsorKey);
        var hash = context.UserOperations.Hash(userOp, delegation);
        var gwei = GasMoney.FromWei(sponsored.Gas * sponsored.MaxFeePerGas);
        await db.WriteAsync(
            async tx =>
            {
                await tx.LockAsync(operation.Sender);
                await ReplaceAsync(tx, operation);
                await ledger.RequireRoomAsync(tx, payer, gwei);
                await ledger.ReserveAsync(tx, hash, operation.Sender, payer, gwei, validUntil, Sponsored.NonceOf(operation));
            },
            cancellationToken);
        return userOp.PaymasterAndData[52..];
    }

    // Of several with one nonce one lands at most: the newest holds the promise. Another that is sent all the same must find room again.
    private async Task ReplaceAsync(Tx tx, RpcUserOperation operation)
    {
        var nonce = Sponsored.NonceOf(operation);
        var waiting = await tx.QueryAsync<Waiting>(
            """
            SELECT s.user_op_hash, s.nonce FROM sponsorship s WHERE s.sender = @Sender AND s.state = 'RESERVED' AND s.nonce IS NOT NULL
              AND NOT EXISTS (SELECT 1 FROM operation o WHERE o.user_op_hash = s.user_op_hash AND o.live = 1)
            """,
            operation);
        foreach (var row in waiting.Where(row => row.Nonce.AsSpan().SequenceEqual(nonce)))
        {
            await ledger.ReleaseAsync(tx, row.UserOpHash);
        }

        if (waiting.Count(row => !row.Nonce.AsSpan().SequenceEqual(nonce)) is >= MaxWaiting and var others)
        {
            throw new RpcException(RpcException.Throttled, $"{others} sponsored operations of this account wait to be sent, of {MaxWaiting} that may. Send them, or wait {OperationSigner.Validity} s.");
        }
    }

    private async Task RequireAllowedAsync(RpcUserOperation operation, CancellationToken cancellationToken)
    {
        sponsor.RequireAllowed(operation.Sender, operation.CallData);
        await code.RequireAllowedAsync(operation, cancellationToken);
    }

    private Dictionary<string, object> Answer(byte[] paymasterData, bool? isFinal)
    {
        var answer = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["paymaster"] = context.Paymaster,
            ["paymasterData"] = paymasterData.ToHex(prefix: true),
            ["paymasterVerificationGasLimit"] = RpcFields.Hex(GasLimits.PaymasterVerification),
            ["paymasterPostOpGasLimit"] = RpcFields.Hex(0),
        };
        if (isFinal is { } final)
        {
            answer["isFinal"] = final;
        }

        return answer;
    }

    private sealed record Waiting
    {
        public byte[] UserOpHash { get; init; } = [];

        public byte[] Nonce { get; init; } = [];
    }
}
