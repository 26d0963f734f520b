using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>services create|list|get|update</c>, for the operator or an Owner, and <c>search</c> for everybody.</summary>
internal static class ServicesCommands
{
    private static readonly Argument<string> Id = new("serviceId") { Description = "svc_…" };

    public static Command Create() => new("services", "What agents sell (operator, or Owner with --key cap_own_…; search needs no key).")
    {
        Search(),
        CreateService(),
        List(),
        Get(),
        Update(),
    };

    private static Command Search()
    {
        var query = new Argument<string?>("query") { Description = "Words that must all be found.", Arity = ArgumentArity.ZeroOrOne };
        var tag = new Option<string?>("--tag") { Description = "With this tag." };
        var price = new Option<string?>("--max-price") { Description = "In USDC.", HelpName = "1.00" };
        var agent = new Option<string?>("--agent") { Description = "Sold by this agent.", HelpName = "agt_…" };
        return new Command("search", "What is on offer, newest first; needs no key.") { query, tag, price, agent, PageOptions.Limit, PageOptions.Cursor }
            .Runs(async (session, cancellationToken) =>
            {
                using var discovery = session.Discovery();
                var filter = new DiscoveryRequest
                {
                    Query = session.Value(query),
                    Tag = session.Value(tag),
                    MaxPrice = session.Value(price),
                    AgentId = session.Value(agent),
                    Limit = session.Value(PageOptions.Limit),
                    Cursor = session.Value(PageOptions.Cursor),
                };
                var page = await discovery.ListServicesAsync(filter, cancellationToken);
                session.Print.Result(page, print =>
                {
                    print.Table(
                        ["service", "name", "agent", "price", "minutes", "completed", "online"],
                        page.Items.Select(service => (IReadOnlyList<string>)
                        [
                            service.ServiceId, service.Name, service.Agent.Name, service.Price + " USDC", $"{service.SlaMinutes}",
                            $"{service.Agent.AsProvider.Completed}", service.Agent.OnlineStatus.Value,
                        ]));
                    PageOptions.More(print, page.NextCursor);
                });
            });
    }

    private static Command CreateService()
    {
        var agent = new Option<string>("--agent") { Description = "Agent that sells it.", HelpName = "agt_…", Required = true };
        var name = new Option<string>("--name") { Description = "1–128 characters.", Required = true };
        var price = new Option<string>("--price") { Description = "In USDC.", HelpName = "1.00", Required = true };
        var sla = new Option<int>("--sla-minutes") { Description = "Minutes from payment in which delivery is valid, 5 – 525,600.", Required = true };
        var description = new Option<string?>("--description") { Description = "Up to 4,096 characters." };
        var schemas = new SchemaOptions();
        var thirdParties = new ThirdPartyOptions();
        var tags = TagOptions.New();
        var ttl = new Option<int?>("--ttl") { Description = "Seconds in which a negotiation must be answered, 60 – 604,800; the default is 900." };
        return new Command("create", "Offer something.") { agent, name, price, sla, description, ttl, tags }.With(schemas.All).With(thirdParties.All).Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var request = new CreateServiceRequest
            {
                AgentId = session.Value(agent)!,
                Name = session.Value(name)!,
                Price = session.Value(price)!,
                SlaMinutes = session.Value(sla),
                Description = session.Value(description),
                RequirementType = schemas.RequirementType(session),
                RequirementsSchema = schemas.RequirementsSchema(session),
                DeliverableType = schemas.DeliverableType(session),
                DeliverableSchema = schemas.DeliverableSchema(session),
                Tags = TagOptions.Read(session, tags),
                ThirdParties = thirdParties.Read(session),
                NegotiationTtlSeconds = session.Value(ttl),
            };
            Show(session, await setup.CreateServiceAsync(request, cancellationToken));
        });
    }

    private static Command List() => new Command("list", "All services, or those of the Owner's agents, newest first.") { PageOptions.Limit, PageOptions.Cursor }.Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        var page = await setup.ListServicesAsync(PageOptions.Read(session), cancellationToken);
        session.Print.Result(page, print =>
        {
            print.Table(
                ["service", "name", "agent", "price", "minutes", "enabled"],
                page.Items.Select(service => (IReadOnlyList<string>)
                    [service.ServiceId, service.Name, service.AgentId, service.Price + " USDC", $"{service.SlaMinutes}", service.Enabled ? "yes" : "no"]));
            PageOptions.More(print, page.NextCursor);
        });
    });

    private static Command Get() => new Command("get", "One service.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        Show(session, await setup.GetServiceAsync(session.Value(Id), cancellationToken));
    });

    private static Command Update()
    {
        var name = new Option<string?>("--name") { Description = "New name." };
        var description = new Option<string?>("--description") { Description = "New description." };
        var price = new Option<string?>("--price") { Description = "New price in USDC." };
        var sla = new Option<int?>("--sla-minutes") { Description = "New delivery window." };
        var ttl = new Option<int?>("--ttl") { Description = "New answer window, seconds." };
        var schemas = new SchemaOptions();
        var thirdParties = new ThirdPartyOptions();
        var tags = TagOptions.New();
        var noThirdParties = new Option<bool>("--no-third-parties") { Description = "Name nobody beside the parties any more." };
        var enabled = new Option<bool?>("--enabled") { Description = "Whether it takes new orders.", HelpName = "true|false" };
        return new Command("update", "Make a new version; running negotiations and orders keep theirs.") { Id, name, description, price, sla, ttl, enabled, tags, noThirdParties }
            .With(schemas.All).With(thirdParties.All).Runs(async (session, cancellationToken) =>
            {
                using var setup = session.Setup();
                var request = new UpdateServiceRequest
                {
                    Name = session.Value(name),
                    Description = session.Value(description),
                    Price = session.Value(price),
                    SlaMinutes = session.Value(sla),
                    RequirementType = schemas.RequirementType(session),
                    RequirementsSchema = schemas.RequirementsSchema(session),
                    DeliverableType = schemas.DeliverableType(session),
                    DeliverableSchema = schemas.DeliverableSchema(session),
                    Tags = TagOptions.Read(session, tags),
                    ThirdParties = session.Value(noThirdParties) ? ThirdParties.None : thirdParties.Read(session),
                    NegotiationTtlSeconds = session.Value(ttl),
                    Enabled = session.Value(enabled),
                };
                Show(session, await setup.UpdateServiceAsync(session.Value(Id), request, cancellationToken));
            });
    }

    private static void Show(Session session, Service service) => session.Print.Result(service, print => print.Fields(
    [
        ("service", service.ServiceId),
        ("version", service.Version),
        ("name", service.Name),
        ("description", service.Description),
        ("tags", TagOptions.Text(service.Tags)),
        ("agent", service.AgentId),
        ("price", service.Price + " USDC"),
        ("delivery within", service.SlaMinutes + " min"),
        ("asks for", service.RequirementType),
        ("", service.RequirementsSchema),
        ("delivers", service.DeliverableType),
        ("", service.DeliverableSchema),
        ("answer within", service.NegotiationTtlSeconds + " s"),
        .. ThirdPartyOptions.Describe(service.ThirdParties),
        ("enabled", service.Enabled ? "yes" : "no"),
    ]));
}
