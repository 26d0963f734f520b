using CapVault.Sdk;

namespace CapVault.Relayer.Operations;

/// <summary>
/// Gas of a sponsored step, from what tests/contracts/gas/SponsoredGas.t.sol measures with cold storage. The EntryPoint charges 10 % of
/// unused callGas beyond 40 000, so limits stay close, except where the vault insists on a reserve.
/// </summary>
/// <param name="Call">Limit of the account's call.</param>
/// <param name="Used">
/// What the operation adds to a bundle's gas limit: what one costs alone with everything cold (a lane's first use, an account's first
/// money), and a tenth. Gas that is left over costs nothing, too little fails the whole bundle (AA95).
/// </param>
public sealed record GasLimits(long Call, long Used)
{
    /// <summary>Limit of the account's validation: a signature and a storage read (41k, with the first use of a nonce lane).</summary>
    public const long Verification = 80_000;

    /// <summary>Limit of the paymaster's validation: a signature (21k).</summary>
    public const long PaymasterVerification = 40_000;

    /// <summary>What the bundler is paid for calldata and its share of the transaction; covers a bundle of one (56.5k at most).</summary>
    public const long PreVerification = 60_000;

    /// <summary>Before a push of money the vault wants 320 000 left, so that nobody can starve it: the call needs 352k to use 60k.</summary>
    public const long Push = 400_000;

    /// <summary>As <see cref="Push"/>, after a second payee was credited for the first time (24k).</summary>
    public const long Settle = Push + 25_000;

    /// <summary>Limit of createOrder with two consents that accounts answer for, sent by the relayer itself (95k).</summary>
    public const long Create = 150_000;

    /// <summary>Limit of expireOrder and releaseOrder, sent by the relayer itself.</summary>
    public const long End = 500_000;

    /// <summary>Limit of an account's deployment (82k).</summary>
    public const long Deploy = 150_000;

    /// <summary>Limit of a sweep of fees.</summary>
    public const long Sweep = 150_000;

    /// <summary>Limit of a deposit at the EntryPoint.</summary>
    public const long TopUp = 80_000;

    /// <summary>What an Owner does with its account: limits, another Executor, a withdrawal.</summary>
    public static readonly GasLimits OwnerAction = new(100_000, 170_000);

    private static readonly Dictionary<OrderStep, GasLimits> Steps = new()
    {
        [OrderStep.Create] = new(100_000, 170_000),
        [OrderStep.Pay] = new(120_000, 175_000),
        [OrderStep.CreateAndPay] = new(150_000, 245_000),
        [OrderStep.Deliver] = new(Settle, 190_000),
        [OrderStep.Release] = new(Settle, 190_000),
        [OrderStep.Dispute] = new(80_000, 130_000),
        [OrderStep.Reject] = new(Push, 155_000),
    };

    /// <summary>All limits of the operation: what the EntryPoint holds back for it, in gas.</summary>
    public long Prefund => Verification + Call + PaymasterVerification + PreVerification;

    /// <summary>The gas of a step.</summary>
    public static GasLimits Of(OrderStep step) => Steps[step];
}
