namespace CapVault.Sdk;

/// <summary>Whom an order's terms name beside its parties, and what they may. Null: nobody.</summary>
public sealed record ThirdParties
{
    /// <summary>Nobody: the order settles on delivery, and each party acts alone.</summary>
    public static readonly ThirdParties None = new();

    /// <summary>Account that rules on a dispute, and splits the price between the parties; neither of them. With <see cref="ReviewSeconds"/>, and only with it.</summary>
    public string? Arbiter { get; init; }

    /// <summary>How long a delivery is under review before silence pays the Provider, seconds: 300 – 2 592 000 (30 days).</summary>
    public int? ReviewSeconds { get; init; }

    /// <summary>Account without whose approval nothing can be delivered; neither of the parties. A silent one uses up the Provider's time.</summary>
    public string? Approver { get; init; }

    /// <summary>Account that gets a share of what the Provider earns. With <see cref="CommissionBps"/>, and only with it.</summary>
    public string? CommissionTo { get; init; }

    /// <summary>Its share in 1/10 000 of the price: 1 – 4 000. It is credited in the vault, to be claimed.</summary>
    public int? CommissionBps { get; init; }
}
