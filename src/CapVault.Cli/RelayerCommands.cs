using System.CommandLine;
using System.Globalization;
using System.Numerics;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>relayer status|ops|drain|resume</c>: for whoever runs it, with an operator key that has the scope admin.</summary>
internal static class RelayerCommands
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    public static Command Create() => new("relayer", "The relayer itself (operator, admin): how it is doing, its operations, a pause before a restart.")
    {
        Status(),
        Operations(),
        Drain(),
        Resume(),
    };

    /// <summary>How a relayer is doing, on one page.</summary>
    public static void Describe(Printer print, RelayerStatus status)
    {
        var isReady = status.Checks.All(check => check.Ok);
        print.Line();
        print.Line($"  {(isReady ? "✓ ready" : "✗ NOT READY")}, version {status.Version}");
        foreach (var check in status.Checks)
        {
            print.Line($"    {(check.Ok ? "✓" : "✗")} {check.Name}{(check.Problem is null ? "" : $": {check.Problem}")}");
        }

        print.Line();
        var chainTime = DateTimeOffset.FromUnixTimeSeconds(status.ChainTime);
        print.Fields(
            ("block", status.Block == status.ChainHead ? $"{status.Block}, the newest" : $"{status.Block} of {status.ChainHead}"),
            ("chain time", chainTime.ToString("u")),
            ("base fee", Gwei(status.BaseFee)),
            ("gas deposit", Ether(status.PaymasterDeposit)),
            ("promised gas", Ether(status.PaymasterPromised)),
            ("deposit alarm", status.PaymasterAlarm),
            ("open operations", status.OldestOpen is { } oldest ? $"{status.Open}, the oldest of {oldest:u}" : "none"),
            ("newest event", status.EventHead),
            ("streams", status.Streams));
        print.Table(["lane", "balance", "in flight"], status.Lanes.Select(lane => (IReadOnlyList<string>)[lane.Address, Ether(lane.Balance), Number(lane.InFlight)]));
        print.Table(
            ["operations", "count"],
            status.Operations.OrderBy(state => state.Key, StringComparer.Ordinal).Select(state => (IReadOnlyList<string>)[state.Key, Number(state.Value)]));
    }

    private static Command Status() => new Command("status", "Whether it is ready, and how chain, lanes, money and operations stand.").Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        var status = await setup.GetStatusAsync(cancellationToken);
        session.Print.Result(status, print => Describe(print, status));
    });

    private static Command Operations()
    {
        var hash = new Argument<string?>("hash") { Description = "Of an operation, or of a transaction that carries it.", Arity = ArgumentArity.ZeroOrOne };
        var state = new Option<string?>("--state") { Description = "Only in this state.", HelpName = "QUEUED" };
        state.AcceptOnlyFromAmong("RECEIVED", "QUEUED", "ASSIGNED", "BROADCAST", "INCLUDED", "FINAL", "REJECTED", "EXPIRED", "FAILED", "SUPERSEDED");
        var order = new Option<string?>("--order") { Description = "Only steps of this order, ord_… or the 0x-prefixed orderId.", HelpName = "orderId" };
        return new Command("ops", "Operations, newest first: what must get on chain, and what became of it.") { hash, state, order, PageOptions.Limit, PageOptions.Cursor }
            .Runs(async (session, cancellationToken) =>
            {
                using var setup = session.Setup();
                var paging = PageOptions.Read(session);
                var filter = new ListOperationsRequest
                {
                    Hash = session.Value(hash),
                    State = session.Value(state),
                    OrderId = session.Value(order),
                    Limit = paging.Limit,
                    Cursor = paging.Cursor,
                };
                var page = await setup.ListOperationsAsync(filter, cancellationToken);
                session.Print.Result(page, print => Show(print, page));
            });
    }

    private static Command Drain()
    {
        var wait = new Option<int>("--wait") { Description = "Seconds to wait until every operation has its outcome. The default is 60; 0 does not wait.", HelpName = "0–3600", DefaultValueFactory = _ => 60 };
        wait.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var seconds) && seconds is < 0 or > 3600)
            {
                result.AddError($"--wait: found {token.Value}, expected 0 to 3600.");
            }
        });
        return new Command("drain", "Take no new work and finish what is promised, before a restart. Reads and streams go on; 'relayer resume' ends it.") { wait }
            .Runs(async (session, cancellationToken) =>
            {
                using var setup = session.Setup();
                var drained = await setup.DrainAsync(cancellationToken);
                var started = TimeProvider.System.GetTimestamp();
                while (drained.Open > 0 && TimeProvider.System.GetElapsedTime(started).TotalSeconds < session.Value(wait))
                {
                    await Task.Delay(Poll, cancellationToken);
                    drained = await setup.DrainAsync(cancellationToken); // changes nothing any more, and counts
                }

                session.Print.Result(drained, print => print.Line(drained.Open == 0
                    ? "The relayer takes no new work, and nothing is on its way. Next: stop it, or capvault relayer resume."
                    : $"The relayer takes no new work. {drained.Open} operations are still on their way; stopped now, it carries them on when it starts again."));
            });
    }

    private static Command Resume() => new Command("resume", "Take new work again.").Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        var resumed = await setup.ResumeAsync(cancellationToken);
        session.Print.Result(resumed, print => print.Line("The relayer takes new work."));
    });

    // One has room for all that is known of it.
    private static void Show(Printer print, Page<OperationView> page)
    {
        if (page.Items is [var only])
        {
            print.Fields(
                ("operation", only.UserOpHash),
                ("what", What(only)),
                ("order", only.OrderId),
                ("account", only.Sender),
                ("state", only.Success == false ? $"{only.State}, reverted" : only.State),
                ("reason", only.Reason),
                ("tx", only.TxHash),
                ("block", only.Block),
                ("attempts", only.Attempt),
                ("trace", only.TraceId),
                ("taken", only.CreatedTime.ToString("u")));
            return;
        }

        print.Table(
            ["operation, or its transaction", "what", "state", "order", "attempts", "taken"],
            page.Items.Select(operation => (IReadOnlyList<string>)
            [
                operation.UserOpHash ?? operation.TxHash ?? "",
                What(operation),
                operation.Success == false ? $"{operation.State}, reverted" : operation.State,
                operation.OrderId ?? "",
                Number(operation.Attempt),
                operation.CreatedTime.ToString("u"),
            ]));
        PageOptions.More(print, page.NextCursor);
    }

    private static string What(OperationView operation) => operation.Step?.Value ?? operation.Kind;

    private static string Ether(string? wei) => Amount(wei, 1e18, "ETH");

    private static string Gwei(string? wei) => Amount(wei, 1e9, "gwei");

    private static string Amount(string? wei, double unit, string name) => wei is null
        ? "not known: the node does not answer"
        : string.Create(CultureInfo.InvariantCulture, $"{(double)BigInteger.Parse(wei, CultureInfo.InvariantCulture) / unit:0.####} {name}");

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
