using System.Text.Json;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Catalogue;

/// <summary>Whom a service's orders name beside the parties: the vault's term rules, said before anything is signed.</summary>
public static class ThirdPartyTerms
{
    private const int MinReview = 300;
    private const int MaxReview = 2_592_000;

    /// <summary>The vault takes 5 000 for fee and commission together, and 1 000 for the fee: so it fits whatever the fee is.</summary>
    private const int MaxCommissionBps = 4000;

    /// <summary>From a column.</summary>
    public static ThirdParties? Read(string? json) => json is null ? null : JsonSerializer.Deserialize<ThirdParties>(json, CapJson.Options);

    /// <summary>For a column: equal ones are written alike. Null where they name nobody.</summary>
    /// <exception cref="ApiException">400 if the vault would not take them.</exception>
    public static string? Write(ThirdParties? asked, ChainContext context) =>
        Check(asked, context) is { } thirdParties ? JsonSerializer.Serialize(thirdParties, CapJson.Options) : null;

    /// <summary>As they are compared: the same account is the same text. Null where they name nobody.</summary>
    /// <exception cref="ApiException">400 if the vault would not take them.</exception>
    public static ThirdParties? Check(ThirdParties? asked, ChainContext context)
    {
        if (asked is null || asked == ThirdParties.None)
        {
            return null;
        }

        RequireBoth(("thirdParties.arbiter", asked.Arbiter), ("thirdParties.reviewSeconds", asked.ReviewSeconds));
        RequireBoth(("thirdParties.commissionTo", asked.CommissionTo), ("thirdParties.commissionBps", asked.CommissionBps));
        return new ThirdParties
        {
            Arbiter = Account("thirdParties.arbiter", asked.Arbiter, context),
            ReviewSeconds = asked.ReviewSeconds is { } seconds ? Fields.Range("thirdParties.reviewSeconds", seconds, MinReview, MaxReview) : null,
            Approver = Account("thirdParties.approver", asked.Approver, context),
            CommissionTo = Account("thirdParties.commissionTo", asked.CommissionTo, context),
            CommissionBps = asked.CommissionBps is { } bps ? Fields.Range("thirdParties.commissionBps", bps, 1, MaxCommissionBps) : null,
        };
    }

    /// <summary>
    /// The refusal of a Requester that does not accept just those whom the service names; null where it does. With an Arbiter of its own a Provider is paid
    /// without delivery, so nobody consents to one by silence.
    /// </summary>
    /// <param name="service">What is asked for.</param>
    /// <param name="accepted">Whom the Requester accepts, checked.</param>
    public static ApiException? FindUnaccepted(ServiceRow service, ThirdParties? accepted)
    {
        var named = Read(service.ThirdParties);
        return named == accepted
            ? null
            : new ApiException(
                422,
                ErrorCodes.ThirdPartiesNotAccepted,
                $"thirdParties: found {Describe(accepted)}, the service names {Describe(named)}. Each has a say in the order, or a share of its price: look at who they are, "
                + "then state exactly whom the service names, or use another one.",
                new { serviceId = service.ServiceId, named = named ?? ThirdParties.None, stated = accepted ?? ThirdParties.None });
    }

    /// <summary>Makes sure that a party is not its own judge.</summary>
    /// <exception cref="ApiException">400 if the Provider is Arbiter or Approver.</exception>
    public static void RequireNeutral(ServiceRow service, AgentRow provider)
    {
        if (FindPartial(service, provider) is { } field)
        {
            throw ApiException.Invalid(field, provider.Account.ToHex(true), "an account that is no party: this one sells the service");
        }
    }

    /// <summary>The field by which a party would judge its own order; null where it is none.</summary>
    public static string? FindPartial(ServiceRow service, AgentRow party)
    {
        var account = party.Account.ToHex(true);
        return Read(service.ThirdParties) switch
        {
            { Arbiter: { } arbiter } when arbiter.IsTheSameHex(account) => "thirdParties.arbiter",
            { Approver: { } approver } when approver.IsTheSameHex(account) => "thirdParties.approver",
            _ => null,
        };
    }

    private static string Describe(ThirdParties? thirdParties) => thirdParties is null ? "nobody" : JsonSerializer.Serialize(thirdParties, CapJson.Options);

    private static void RequireBoth((string Field, object? Value) one, (string Field, object? Value) other)
    {
        if (one.Value is null != other.Value is null)
        {
            throw ApiException.Missing(one.Value is null ? one.Field : other.Field);
        }
    }

    private static string? Account(string field, string? value, ChainContext context)
    {
        if (value is null)
        {
            return null;
        }

        var account = Fields.Address(field, value);
        return account.IsTheSameHex(context.Vault) || account.IsTheSameHex(context.Usdc)
            ? throw ApiException.Invalid(field, value, "an account of somebody, not the vault and not the token")
            : account;
    }
}
