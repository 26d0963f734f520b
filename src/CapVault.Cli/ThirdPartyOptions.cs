using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>Whom an order's terms name beside the parties: what a service asks for, and whom a party accepts.</summary>
internal sealed class ThirdPartyOptions
{
    private readonly Option<string?> _arbiter = Account("--arbiter", "Account that rules on disputes; with --review-seconds.");

    private readonly Option<int?> _review = new("--review-seconds") { Description = "How long a delivery is under review before silence pays the provider, 300 – 2,592,000." };

    private readonly Option<string?> _approver = Account("--approver", "Account that must approve an order before it can be delivered.");

    private readonly Option<string?> _commissionTo = Account("--commission-to", "Account that gets a share of the price; with --commission-bps.");

    private readonly Option<int?> _commission = new("--commission-bps") { Description = "Its share in 1/10,000, 1 – 4,000." };

    public IEnumerable<Option> All => [_arbiter, _review, _approver, _commissionTo, _commission];

    /// <summary>Null where none of the options is given.</summary>
    public ThirdParties? Read(Session session)
    {
        var thirdParties = new ThirdParties
        {
            Arbiter = session.Value(_arbiter),
            ReviewSeconds = session.Value(_review),
            Approver = session.Value(_approver),
            CommissionTo = session.Value(_commissionTo),
            CommissionBps = session.Value(_commission),
        };
        return thirdParties == ThirdParties.None ? null : thirdParties;
    }

    /// <summary>Fields to print.</summary>
    public static (string Name, object? Value)[] Describe(ThirdParties? thirdParties) =>
    [
        ("arbiter", thirdParties?.Arbiter),
        ("review", thirdParties?.ReviewSeconds is { } seconds ? seconds + " s" : null),
        ("approver", thirdParties?.Approver),
        ("commission", thirdParties?.CommissionTo is { } account ? $"{thirdParties.CommissionBps} / 10 000 to {account}" : null),
    ];

    private static Option<string?> Account(string name, string description) => new(name) { Description = description, HelpName = "0x…" };
}
