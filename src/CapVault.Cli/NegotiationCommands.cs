using System.CommandLine;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>negotiate</c> and <c>accept</c>; <c>reject</c> is with the orders.</summary>
internal static class NegotiationCommands
{
    public static Command Negotiate()
    {
        var service = new Argument<string?>("serviceId") { Description = "svc_…; the default is the sandbox's.", Arity = ArgumentArity.ZeroOrOne };
        var requirements = new Option<string?>("--requirements")
        {
            Description = "What is asked for: JSON; anything else is sent as a JSON string.",
            HelpName = "json|text",
        };
        var maxPrice = new Option<string?>("--max-price")
        {
            Description = "The highest price to consent to, in USDC; needed with --executor-key-file.",
            HelpName = "amount",
        };
        var payOnAccept = new Option<bool>("--pay-on-accept") { Description = "Let the acceptance create and pay the order in one operation. With --executor-key-file, pay does that." };
        var thirdParties = new ThirdPartyOptions();
        return new Command("negotiate", "Ask for a service, as its Requester. Whom it names beside the parties must be accepted here, or it is refused.") { service, requirements, maxPrice, payOnAccept }
            .With(thirdParties.All).Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            if (session.SignsItself != (session.Value(maxPrice) is not null))
            {
                throw new CliException("Expected --max-price with --executor-key-file, and only there: who signs must know up to which price.", "", ExitCode.Usage);
            }

            var request = new NegotiateOrderRequest
            {
                ServiceId = session.Value(service) ?? session.Sandbox().ServiceId,
                Requirements = session.Value(requirements) is { } text ? JsonOrString(text) : null,
                ThirdParties = thirdParties.Read(session),
                PayOnAccept = session.Value(payOnAccept),
            };
            var negotiation = session.Value(maxPrice) is { } price
                ? await agent.NegotiateOrderAsync(request, new ExpectedTerms { MaxPrice = price }, cancellationToken)
                : await agent.NegotiateOrderAsync(request, cancellationToken);
            session.Print.Result(negotiation, print =>
            {
                Describe(print, negotiation);
                print.Line($"Next: capvault accept {negotiation.NegotiationId}");
            });
        });
    }

    public static Command Accept()
    {
        var id = new Argument<string>("negotiationId") { Description = "neg_…" };
        var thirdParties = new ThirdPartyOptions();
        return new Command("accept", "Consent as the Provider, and wait until the order is on chain, and paid where the Requester pays on acceptance. Whom the terms name beside the parties is told with --executor-key-file only.") { id }
            .With(thirdParties.All).Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Provider);
            var accepted = session.SignsItself && thirdParties.Read(session) is { } expected
                ? await agent.AcceptNegotiationAsync(await ReadAsync(agent, session.Value(id), cancellationToken), expected, cancellationToken)
                : await agent.AcceptNegotiationAsync(session.Value(id), cancellationToken: cancellationToken);
            session.Print.Result(accepted, print =>
            {
                OrdersCommands.Describe(print, accepted.Order);
                print.Line(accepted.Order.PayTxHash is null ? $"Next: capvault pay {accepted.Order.OrderId}" : $"Next: capvault deliver {accepted.Order.OrderId} --text …");
            });
        });
    }

    public static void Describe(Printer print, Negotiation negotiation) => print.Fields(
        ("negotiation", negotiation.NegotiationId),
        ("status", negotiation.Status),
        ("reason", negotiation.RejectReason),
        ("service", $"{negotiation.ServiceId} version {negotiation.ServiceVersion}"),
        ("price", negotiation.Price + " USDC"),
        ("payment", negotiation.PayOnAccept ? "on acceptance" : null),
        ("delivery within", negotiation.DeliveryWindow + " s"),
        ("arbiter", negotiation.Terms.ReviewSeconds == 0 ? null : $"{negotiation.Terms.Arbiter}, review of {negotiation.Terms.ReviewSeconds} s"),
        ("approver", IsNone(negotiation.Terms.Approver) ? null : negotiation.Terms.Approver),
        ("commission", negotiation.Terms.CommissionBps == 0 ? null : $"{negotiation.Terms.CommissionBps} / 10 000 to {negotiation.Terms.CommissionTo}"),
        ("requester", negotiation.RequesterAgentId),
        ("provider", negotiation.ProviderAgentId),
        ("answer until", negotiation.ExpiresAt.ToString("u")),
        ("order", negotiation.OrderId));

    private static bool IsNone(string account) => account.AsSpan(2).Trim('0').IsEmpty;

    // What answers another question must not be consented to.
    private static async Task<Negotiation> ReadAsync(AgentClient agent, string negotiationId, CancellationToken cancellationToken)
    {
        var negotiation = await agent.GetNegotiationAsync(negotiationId, cancellationToken);
        return negotiation.NegotiationId == negotiationId
            ? negotiation
            : throw new CliException($"Asked for {negotiationId}, the relayer answers with {negotiation.NegotiationId}. Nothing was signed.", "");
    }

    private static JsonElement JsonOrString(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement(text, CapJson.Options);
        }
    }
}
