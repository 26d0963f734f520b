using CapVault.Sdk;

namespace CapVault.Relayer.Operations;

/// <summary>
/// Gas limits of a sponsored step. The EntryPoint charges 10 % of unused callGas beyond 40 000, so each stays close above what was
/// measured, except where the vault insists on a reserve.
/// </summary>
/// <param name="Verification">Limit of the account's validation: a signature and a storage read.</param>
/// <param name="Call">Limit of the account's call.</param>
public sealed record GasLimits(long Verification, long Call)
{
    /// <summary>Limit of the paymaster's validation: a signature and two storage reads.</summary>
    public const long PaymasterVerification = 60_000;

    /// <summary>What the bundler is paid for the operation's share of the transaction: calldata and the base fee of 21 000.</summary>
    public const long PreVerification = 60_000;

    /// <summary>A push of money: the vault refuses to start it with less than 320 000 left, so that nobody can starve it.</summary>
    private const long Push = 420_000;

    private static readonly Dictionary<OrderStep, GasLimits> Steps = new()
    {
        [OrderStep.Create] = new(80_000, 160_000),
        [OrderStep.Pay] = new(80_000, 200_000),
        [OrderStep.Deliver] = new(80_000, Push),
        [OrderStep.Reject] = new(80_000, Push),
    };

    /// <summary>Limit of expireOrder, sent by the relayer itself.</summary>
    public const long Expire = 500_000;

    /// <summary>Limit of an account's deployment.</summary>
    public const long Deploy = 400_000;

    /// <summary>Limit of a sweep of fees.</summary>
    public const long Sweep = 200_000;

    /// <summary>Limit of a deposit at the EntryPoint.</summary>
    public const long TopUp = 100_000;

    /// <summary>What a bundle reserves for the operation.</summary>
    public long Total => Verification + Call + PaymasterVerification + PreVerification;

    /// <summary>The limits of a step.</summary>
    public static GasLimits Of(OrderStep step) => Steps[step];
}
