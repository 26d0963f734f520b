using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Sponsoring;

/// <summary>
/// Decides what is sponsored, when it is accepted: by the policy, and by the budgets. What was accepted is never refused later, however often it
/// must be signed anew.
/// </summary>
public sealed class Sponsor(SponsorPolicy policy, SponsorLedger ledger, GasOracle gas)
{
    /// <summary>Upper bound per gas of what is sponsored, wei.</summary>
    public BigInteger MaxFee => BigInteger.Min(gas.OperationMaxFee, GasMoney.ToWei(policy.Caps.MaxFeeGwei));

    /// <summary>Tip per gas of what is sponsored, wei.</summary>
    public BigInteger PriorityFee => BigInteger.Min(gas.PriorityFee, GasMoney.ToWei(policy.Caps.MaxPriorityFeeGwei));

    /// <summary>Makes sure that a step of an order is sponsored. One that ends a paid order is, whatever the budgets: it gives somebody his money.</summary>
    /// <exception cref="ApiException">403 SPONSOR_POLICY_DENIED, 429 SPONSOR_BUDGET_EXCEEDED.</exception>
    public async Task AdmitStepAsync(Tx tx, byte[] account, byte[] orderId, OrderStep step, byte[] callData)
    {
        RequireAllowed(account, callData);
        if (!await IsExitAsync(tx, orderId, step))
        {
            await ledger.RequireRoomAsync(tx, await PayerOfAsync(tx, account), GasMoney.FromWei(GasLimits.Of(step).Prefund * MaxFee));
        }
    }

    /// <summary>Makes sure that what an Owner makes its account do is sponsored.</summary>
    /// <exception cref="ApiException">403 SPONSOR_POLICY_DENIED, 429 SPONSOR_BUDGET_EXCEEDED.</exception>
    public async Task AdmitOwnerActionAsync(Tx tx, byte[] account, byte[] callData)
    {
        RequireAllowed(account, callData);
        await ledger.RequireRoomAsync(tx, await PayerOfAsync(tx, account), GasMoney.FromWei(GasLimits.OwnerAction.Prefund * MaxFee));
    }

    /// <summary>Takes a transaction that the relayer sends itself for an account on the account's budgets, before it is sent.</summary>
    /// <exception cref="ApiException">429 SPONSOR_BUDGET_EXCEEDED.</exception>
    public async Task ReserveOwnAsync(Tx tx, byte[] account, long operationId, long gasLimit)
    {
        RequirePolicy();
        var (payer, gwei) = (await PayerOfAsync(tx, account), GasMoney.FromWei(gasLimit * MaxFee));
        await ledger.RequireRoomAsync(tx, payer, gwei);
        await ledger.ReserveAsync(tx, SponsorLedger.KeyOf(operationId), account, payer, gwei, validUntil: long.MaxValue);
    }

    /// <summary>Keeps what an agent's operation may cost, in the transaction that signs it.</summary>
    public async Task ReserveAsync(Tx tx, byte[] account, SponsoredOperation operation, long gas) =>
        await ledger.ReserveAsync(tx, operation.Hash, account, await PayerOfAsync(tx, account), GasMoney.FromWei(gas * MaxFee), operation.ValidUntil);

    /// <exception cref="ApiException">403 SPONSOR_POLICY_DENIED: a call that the policy does not name.</exception>
    public void RequireAllowed(byte[] account, byte[] callData)
    {
        RequirePolicy();
        if (policy.IsOpen)
        {
            return;
        }

        var calls = AccountCallReader.Read(account, callData) ?? throw ApiException.Invalid("callData", "data that breaks off", "what the account can read");
        foreach (var (to, selector) in calls)
        {
            if (!policy.Allows(account, to, selector))
            {
                throw new ApiException(
                    403,
                    ErrorCodes.SponsorPolicyDenied,
                    $"The sponsor does not pay for calls of {selector.ToHex(prefix: true)} at {to.ToHex(prefix: true)}. The operator names what is sponsored in the sponsor policy.",
                    new { to = to.ToHex(prefix: true), selector = selector.ToHex(prefix: true) });
            }
        }
    }

    private void RequirePolicy()
    {
        if (policy.IsNone)
        {
            throw new ApiException(
                403, ErrorCodes.SponsorPolicyDenied, "This relayer has no sponsor policy, so it pays for nothing. The operator sets CapVault__SponsorPolicyFile.", new { setting = "SponsorPolicyFile" });
        }
    }

    // Whoever may end a paid order moves money that is held for somebody. An order that is not paid holds none: to reject it costs gas for nothing.
    private static async Task<bool> IsExitAsync(Tx tx, byte[] orderId, OrderStep step) =>
        step == OrderStep.Release
        || (step == OrderStep.Reject && await tx.FirstOrDefaultAsync<long?>("SELECT phase FROM order_state WHERE order_id = @orderId", new { orderId }) > 1);

    private static async Task<Payer> PayerOfAsync(Tx tx, byte[] account)
    {
        var agent = await tx.FirstOrDefaultAsync<Agent>("SELECT agent_id, owner FROM agent WHERE account = @account", new { account });
        return new Payer(agent?.AgentId, agent?.Owner);
    }

    private sealed record Agent
    {
        public string AgentId { get; init; } = "";

        public byte[] Owner { get; init; } = [];
    }
}
