using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>services create|list|get|update</c>, for the operator.</summary>
internal static class ServicesCommands
{
    private static readonly Argument<string> Id = new("serviceId") { Description = "svc_…" };

    public static Command Create() => new("services", "What agents sell (operator).")
    {
        CreateService(),
        List(),
        Get(),
        Update(),
    };

    private static Command CreateService()
    {
        var agent = new Option<string>("--agent") { Description = "Agent that sells it.", HelpName = "agt_…", Required = true };
        var name = new Option<string>("--name") { Description = "1–128 characters.", Required = true };
        var price = new Option<string>("--price") { Description = "In USDC.", HelpName = "1.00", Required = true };
        var sla = new Option<int>("--sla-minutes") { Description = "Minutes from payment in which delivery is valid, 5 – 525,600.", Required = true };
        var description = new Option<string?>("--description") { Description = "Up to 4,096 characters." };
        var type = new Option<string?>("--type") { Description = "What is delivered; the default is text.", HelpName = "text|schema" };
        type.AcceptOnlyFromAmong(DeliverableType.Text.Value, DeliverableType.Schema.Value);
        var ttl = new Option<int?>("--ttl") { Description = "Seconds in which a negotiation must be answered, 60 – 604,800; the default is 900." };
        return new Command("create", "Offer something.") { agent, name, price, sla, description, type, ttl }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var request = new CreateServiceRequest
            {
                AgentId = session.Value(agent)!,
                Name = session.Value(name)!,
                Price = session.Value(price)!,
                SlaMinutes = session.Value(sla),
                Description = session.Value(description),
                DeliverableType = session.Value(type) is { } word ? DeliverableType.Parse(word) : null,
                NegotiationTtlSeconds = session.Value(ttl),
            };
            Show(session, await setup.CreateServiceAsync(request, cancellationToken));
        });
    }

    private static Command List() => new Command("list", "All services, newest first.") { PageOptions.Limit, PageOptions.Cursor }.Runs(async (session, cancellationToken) =>
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
        var enabled = new Option<bool?>("--enabled") { Description = "Whether it takes new orders.", HelpName = "true|false" };
        return new Command("update", "Make a new version; running negotiations and orders keep theirs.") { Id, name, description, price, sla, ttl, enabled }
            .Runs(async (session, cancellationToken) =>
            {
                using var setup = session.Setup();
                var request = new UpdateServiceRequest
                {
                    Name = session.Value(name),
                    Description = session.Value(description),
                    Price = session.Value(price),
                    SlaMinutes = session.Value(sla),
                    NegotiationTtlSeconds = session.Value(ttl),
                    Enabled = session.Value(enabled),
                };
                Show(session, await setup.UpdateServiceAsync(session.Value(Id), request, cancellationToken));
            });
    }

    private static void Show(Session session, Service service) => session.Print.Result(service, print => print.Fields(
        ("service", service.ServiceId),
        ("version", service.Version),
        ("name", service.Name),
        ("description", service.Description),
        ("agent", service.AgentId),
        ("price", service.Price + " USDC"),
        ("delivery within", service.SlaMinutes + " min"),
        ("delivers", service.DeliverableType),
        ("answer within", service.NegotiationTtlSeconds + " s"),
        ("enabled", service.Enabled ? "yes" : "no")));
}
