using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>The steps of an order, and <c>orders list|get|delivery</c>.</summary>
internal static class OrdersCommands
{
    private static readonly Argument<string> Id = new("orderId") { Description = "ord_… or the 0x-prefixed orderId." };

    public static Command Create() => new("orders", "The agent's orders.")
    {
        List(),
        Get(),
        GetDelivery(),
    };

    public static Command Pay() => new Command("pay", "Pay the price into the vault, as the Requester. An accepted order that is not on chain is created by the same operation.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var agent = session.Agent(Role.Requester);
        var paid = await agent.PayOrderAsync(session.Value(Id), cancellationToken);
        session.Print.Result(paid, print =>
        {
            Describe(print, paid.Order);
            print.Line($"Next: capvault deliver {paid.Order.OrderId} --text …");
        });
    });

    public static Command Deliver()
    {
        var text = new Option<string?>("--text") { Description = "Deliver this text." };
        var schema = new Option<string?>("--schema") { Description = "Deliver this JSON value.", HelpName = "json" };
        var schemaFile = new Option<FileInfo?>("--schema-file") { Description = "Deliver the JSON value in this file.", HelpName = "file" };
        var files = new Option<string[]>("--file") { Description = "Deliver this file; may be repeated, and given alone or beside the others.", HelpName = "path|obj_…" };
        var deliver = new Command("deliver", "Deliver, as the Provider: the hash goes on chain and the vault pays out.") { Id, text, schema, schemaFile, files };
        deliver.Validators.Add(result =>
        {
            var contents = ((Option[])[text, schema, schemaFile]).Count(option => result.GetResult(option) is not null);
            if (contents > 1 || (contents == 0 && result.GetResult(files) is null))
            {
                result.AddError("Expected one of --text or --schema or --schema-file, or --file.");
            }
        });
        return deliver.Runs(async (session, cancellationToken) =>
        {
            var content = Content(session.Value(text), session.Value(schema), session.Value(schemaFile));
            using var agent = session.Agent(Role.Provider);
            var objectKeys = await FilesCommands.ObjectKeysAsync(agent, session.Value(files) ?? [], cancellationToken);
            var delivered = await DeliverAsync(agent, session.Value(Id), content with { Files = objectKeys.Count == 0 ? null : objectKeys }, cancellationToken);
            session.Print.Result(delivered, print =>
            {
                Describe(print, delivered.Order);
                print.Line($"Next: capvault orders delivery {delivered.Order.OrderId}{(delivered.Order.Status.IsFinal ? "" : $", then capvault release {delivered.Order.OrderId}")}");
            });
        });
    }

    public static Command Release() => new Command("release", "Pay the provider of an order under review: as the Requester, or as anyone once the review has passed in silence.") { Id }
        .Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            Show(session, await agent.ReleaseOrderAsync(session.Value(Id), cancellationToken));
        });

    public static Command Dispute()
    {
        var reason = new Option<string>("--reason") { Description = "1–512 characters; told to both.", Required = true };
        return new Command("dispute", "Let the Arbiter rule: before delivery as either party, in review as the Requester.") { Id, reason }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            Show(session, await agent.DisputeOrderAsync(session.Value(Id), session.Value(reason)!, cancellationToken));
        });
    }

    public static Command Reject()
    {
        var id = new Argument<string>("id") { Description = "ord_…, 0x… or neg_…" };
        var reason = new Option<string>("--reason") { Description = "1–512 characters; told to both.", Required = true };
        return new Command("reject", "Decline a negotiation (as the Provider) or end an order; a paid price goes back.") { id, reason }
            .Runs(async (session, cancellationToken) =>
            {
                if (session.Value(id).StartsWith("neg_", StringComparison.Ordinal))
                {
                    using var provider = session.Agent(Role.Provider);
                    var negotiation = await provider.RejectNegotiationAsync(session.Value(id), session.Value(reason)!, cancellationToken);
                    session.Print.Result(negotiation, print => NegotiationCommands.Describe(print, negotiation));
                    return;
                }

                using var agent = session.Agent(side: null);
                Show(session, await agent.RejectOrderAsync(session.Value(id), session.Value(reason)!, cancellationToken));
            });
    }

    public static Command Expire() => new Command("expire", "End an order whose deadline has passed; a paid price goes back.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var agent = session.Agent(Role.Requester);
        Show(session, await agent.ExpireOrderAsync(session.Value(Id), cancellationToken));
    });

    public static void Describe(Printer print, Order order) => print.Fields(
        ("order", order.OrderId),
        ("on chain", order.ChainOrderId),
        ("status", order.FinalStatus is { } final ? $"{order.Status} ({final})" : order.Status),
        ("reason", order.RejectReason),
        ("disputed by", order.DisputedBy is null ? null : $"{order.DisputedBy}{(order.DisputeReason is { } why ? $": {why}" : "")}"),
        ("last failure", order.LastFailure is { } failure ? $"{failure.Code}: {failure.Reason}" : null),
        ("price", order.Price + " USDC"),
        ("fee", order.FeeAmount is null ? null : order.FeeAmount + " USDC"),
        ("commission", order.CommissionAmount is null or "0.00" ? null : order.CommissionAmount + " USDC"),
        ("to provider", order.ProviderAmount is null ? null : order.ProviderAmount + " USDC"),
        ("refund", order.RefundAmount is null ? null : order.RefundAmount + " USDC"),
        ("pay until", order.PayDeadline.ToString("u")),
        ("deliver until", order.SlaDeadline?.ToString("u")),
        ("review until", order.ReviewDeadline?.ToString("u")),
        ("ruling until", order.ResolveDeadline?.ToString("u")),
        ("create tx", order.CreateTxHash),
        ("approve tx", order.ApproveTxHash),
        ("pay tx", order.PayTxHash),
        ("deliver tx", order.DeliverTxHash),
        ("dispute tx", order.DisputeTxHash),
        ("resolve tx", order.ResolveTxHash),
        ("clear tx", order.ClearTxHash),
        ("reject tx", order.RejectTxHash),
        ("expire tx", order.ExpireTxHash),
        ("deliverable hash", order.DeliverableHash));

    private static Command List()
    {
        var role = new Option<string?>("--role") { Description = "Only where the agent is on this side.", HelpName = "requester|provider" };
        role.AcceptOnlyFromAmong(Role.Requester.Value, Role.Provider.Value);
        var status = new Option<string?>("--status") { Description = "Only in this status.", HelpName = "paid" };
        return new Command("list", "The agent's orders, newest first.") { role, status, PageOptions.Limit, PageOptions.Cursor }.Runs(async (session, cancellationToken) =>
        {
            using var agent = session.Agent(Role.Requester);
            var filter = PageOptions.Read(session) with
            {
                Role = session.Value(role) is { } side ? Role.Parse(side) : null,
                Status = session.Value(status),
            };
            var page = await agent.ListOrdersAsync(filter, cancellationToken);
            session.Print.Result(page, print =>
            {
                print.Table(
                    ["order", "status", "price", "service", "created"],
                    page.Items.Select(order => (IReadOnlyList<string>)
                        [order.OrderId, order.Status.Value, order.Price + " USDC", order.ServiceId ?? "", order.CreatedTime.ToString("u")]));
                PageOptions.More(print, page.NextCursor);
            });
        });
    }

    private static Command Get() => new Command("get", "One order.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var agent = session.Agent(Role.Requester);
        Show(session, await agent.GetOrderAsync(session.Value(Id), cancellationToken));
    });

    private static Command GetDelivery() => new Command("delivery", "What was delivered, checked against its hash.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var agent = session.Agent(Role.Requester);
        var delivery = await agent.GetDeliveryAsync(session.Value(Id), cancellationToken);
        // HashVerified is not on the wire, but a program wants it too.
        session.Print.Result(new { delivery, delivery.HashVerified }, print =>
        {
            print.Fields(("hash", $"{delivery.ContentHash} ({(delivery.HashVerified ? "verified" : "NOT the hash of this content")})"), ("status", delivery.Status));
            print.Line(delivery.DeliverableText ?? delivery.DeliverableSchema?.ToString() ?? "");
            if (delivery.Manifest is { } manifest)
            {
                print.Table(
                    ["file", "name", "size", "type"],
                    manifest.Files.Select(file => (IReadOnlyList<string>)[file.ObjectKey, file.Name, file.Size.ToString(CultureInfo.InvariantCulture), file.ContentType]));
            }
        });
        if (!delivery.HashVerified)
        {
            throw new CliException("The content does not match the hash that was recorded for the order.", "Next: do not use it; take it up with the provider.");
        }
    });

    private static void Show(Session session, Order order) => session.Print.Result(order, print => Describe(print, order));

    private static async Task<DeliverOrderResult> DeliverAsync(AgentClient agent, string orderId, DeliverOrderRequest content, CancellationToken cancellationToken)
    {
        try
        {
            return await agent.DeliverOrderAsync(orderId, content, cancellationToken);
        }
        catch (OutcomeUnknownException e) when (content.Files is not null)
        {
            // The same command would upload again, and so deliver something else.
            throw new CliException(e.Message, $"Next: repeat with {string.Join(' ', content.Files.Select(key => "--file " + key))} in place of the files.", ExitCode.OutcomeUnknown);
        }
    }

    private static DeliverOrderRequest Content(string? text, string? schema, FileInfo? schemaFile)
    {
        if (schema is null && schemaFile is null)
        {
            return new() { DeliverableType = DeliverableType.Text, DeliverableText = text };
        }

        try
        {
            using var document = schemaFile is null ? JsonDocument.Parse(schema!) : JsonDocument.Parse(File.ReadAllBytes(schemaFile.FullName));
            return new() { DeliverableType = DeliverableType.Schema, DeliverableSchema = document.RootElement.Clone() };
        }
        catch (JsonException e)
        {
            var (option, next) = schemaFile is null ? ("--schema", "quote it for your shell, or deliver it as --text.") : ("--schema-file", "give a file that holds one JSON value.");
            throw new CliException($"{option}: found what is not JSON: {e.Message}", $"Next: {next}", ExitCode.Usage);
        }
    }
}
