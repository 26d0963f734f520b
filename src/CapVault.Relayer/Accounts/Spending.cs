using System.Globalization;
using System.Numerics;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Accounts;

/// <summary>What agents' Executors may spend, asked from their accounts: an Owner may change it at any time, without us.</summary>
public sealed class Spending(ChainClient chain, ChainContext context, ChainClock clock)
{
    private const long Day = 86_400;

    /// <summary>The limits of an agent, in USDC; before its account is deployed they are 0.</summary>
    public async Task<SpendingLimits> OfAsync(string account, CancellationToken cancellationToken)
    {
        var limits = await ReadAsync(context.Usdc, account, cancellationToken);
        return new SpendingLimits
        {
            Token = context.Usdc,
            PerOrder = Money.Format(limits.PerOrder),
            PerDay = Money.Format(limits.PerDay),
            SpentToday = Money.Format(limits.SpentToday),
            Left = Money.Format(limits.Left),
            ResetsAt = limits.ResetsAt,
        };
    }

    /// <summary>The refusal (422) where an agent's Executor may not spend a price now; null where it may.</summary>
    public async Task<ApiException?> FindExcessAsync(string token, string account, BigInteger price, CancellationToken cancellationToken)
    {
        var limits = await ReadAsync(token, account, cancellationToken);
        return price <= limits.Left ? null : Excess(token, account, price, limits);
    }

    /// <summary>The same for its consent to an order: the account takes one within the limit per order, whatever is spent today.</summary>
    public async Task<ApiException?> FindConsentExcessAsync(string token, string account, BigInteger price, CancellationToken cancellationToken)
    {
        var limits = await ReadAsync(token, account, cancellationToken);
        return price <= limits.PerOrder ? null : Excess(token, account, price, limits);
    }

    private static ApiException Excess(string token, string account, BigInteger price, Limits limits) => new(
        422,
        ErrorCodes.SpendingLimitExceeded,
        $"The price is {Money.Format(price)}, and this agent may spend {Money.Format(limits.Left)} on one order now: {Money.Format(limits.PerOrder)} per order, {Money.Format(limits.PerDay)} "
            + $"per day, of which {Money.Format(limits.SpentToday)} are spent. The next day begins at {limits.ResetsAt:O}; the agent's Owner may raise the limits.",
        new
        {
            token,
            account,
            required = Text(price),
            left = Text(limits.Left),
            perOrder = Text(limits.PerOrder),
            perDay = Text(limits.PerDay),
            spentToday = Text(limits.SpentToday),
            resetsAt = limits.ResetsAt,
        });

    private async Task<Limits> ReadAsync(string token, string account, CancellationToken cancellationToken)
    {
        var now = clock.Now;
        var resetsAt = DateTimeOffset.FromUnixTimeSeconds(((now / Day) + 1) * Day);
        // Not from our book: where a reorganisation has just taken the account away, that would be a little late.
        if ((await chain.GetCodeAsync(account, cancellationToken)).Length == 0)
        {
            return new Limits(0, 0, 0, resetsAt);
        }

        var limits = await chain.QueryManyAsync<LimitsFunction, LimitsOutputDTO>(account, new LimitsFunction { Token = token }, cancellationToken);
        // The account answers at the newest block's time; the payment may be the first of a new day.
        return new Limits(limits.PerOrder, limits.PerDay, clock.HeadTime / Day == now / Day ? limits.SpentToday : 0, resetsAt);
    }

    private static string Text(BigInteger amount) => amount.ToString(CultureInfo.InvariantCulture);

    private sealed record Limits(BigInteger PerOrder, BigInteger PerDay, BigInteger SpentToday, DateTimeOffset ResetsAt)
    {
        public BigInteger Left => BigInteger.Min(PerOrder, BigInteger.Max(PerDay - SpentToday, 0));
    }
}
