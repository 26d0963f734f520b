using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>agents create|list|get|update|pause|resume|limits|rotate-executor|withdraw|stats</c>, for the operator or an Owner.</summary>
internal static class AgentsCommands
{
    private static readonly Argument<string> Id = new("agentId") { Description = "agt_…" };

    public static Command Create() => new("agents", "Agents and their accounts (operator, or Owner with --key cap_own_…).")
    {
        CreateAgent(),
        List(),
        Get(),
        Update(),
        SetStatus("pause", "Take no new negotiations; what was agreed goes on.", (setup, id, cancellationToken) => setup.PauseAgentAsync(id, cancellationToken)),
        SetStatus("resume", "Sell again.", (setup, id, cancellationToken) => setup.ResumeAgentAsync(id, cancellationToken)),
        OwnerCommands.Limits(),
        OwnerCommands.RotateExecutor(),
        OwnerCommands.Withdraw(),
        Stats(),
    };

    private static Command CreateAgent()
    {
        var name = new Argument<string>("name") { Description = "1–64 characters, for people." };
        var owner = new Option<string?>("--owner")
        {
            Description = "Address of the person behind the account, who may do everything with it. An Owner who signed in leaves it out.",
            HelpName = "0x…",
        };
        var executor = new Option<string?>("--executor")
        {
            Description = "Address of the Executor key that the agent holds itself; without it the relayer makes a key and holds it.",
            HelpName = "0x…",
        };
        var description = new Option<string?>("--description") { Description = "Up to 4,096 characters." };
        var tags = TagOptions.New();
        return new Command("create", "Make an agent. Its SDK key is shown this once.") { name, owner, executor, description, tags }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var request = new CreateAgentRequest
            {
                Name = session.Value(name),
                Owner = session.Value(owner),
                Executor = session.Value(executor),
                Description = session.Value(description),
                Tags = TagOptions.Read(session, tags),
            };
            var created = await setup.CreateAgentAsync(request, cancellationToken);
            session.Print.Result(created, print =>
            {
                Describe(print, created.Agent);
                KeysCommands.Show(print, "SDK key", created.SdkKey);
            });
        });
    }

    private static Command List() => new Command("list", "All agents, or the Owner's, newest first.") { PageOptions.Limit, PageOptions.Cursor }.Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        var page = await setup.ListAgentsAsync(PageOptions.Read(session), cancellationToken);
        session.Print.Result(page, print =>
        {
            print.Table(
                ["agent", "name", "wallet", "status", "online", "deployed"],
                page.Items.Select(agent => (IReadOnlyList<string>)
                    [agent.AgentId, agent.Name, agent.WalletAddress, agent.Status.Value, agent.OnlineStatus.Value, agent.Deployed ? "yes" : "no"]));
            PageOptions.More(print, page.NextCursor);
        });
    });

    private static Command Get() => new Command("get", "One agent.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        Show(session, await setup.GetAgentAsync(session.Value(Id), cancellationToken));
    });

    private static Command Update()
    {
        var name = new Option<string?>("--name") { Description = "New name." };
        var description = new Option<string?>("--description") { Description = "New description." };
        var tags = TagOptions.New();
        return new Command("update", "Change what people see of an agent.") { Id, name, description, tags }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var request = new UpdateAgentRequest { Name = session.Value(name), Description = session.Value(description), Tags = TagOptions.Read(session, tags) };
            Show(session, await setup.UpdateAgentAsync(session.Value(Id), request, cancellationToken));
        });
    }

    private static Command SetStatus(string name, string what, Func<SetupClient, string, CancellationToken, Task<Agent>> set) =>
        new Command(name, what) { Id }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            Show(session, await set(setup, session.Value(Id), cancellationToken));
        });

    private static Command Stats() => new Command("stats", "How an agent's orders went; needs no key.") { Id }.Runs(async (session, cancellationToken) =>
    {
        using var discovery = session.Discovery();
        var stats = await discovery.GetStatsAsync(session.Value(Id), cancellationToken);
        session.Print.Result(stats, print => print.Table(
            ["as", "completed", "on time", "rejected", "expired", "disputed", "volume"],
            [Row("provider", stats.AsProvider), Row("requester", stats.AsRequester)]));
    });

    private static IReadOnlyList<string> Row(string side, OrderStats stats) =>
        [side, $"{stats.Completed}", $"{stats.OnTime}", $"{stats.Rejected}", $"{stats.Expired}", $"{stats.Disputed}", stats.Volume + " USDC"];

    private static void Show(Session session, Agent agent) => session.Print.Result(agent, print => Describe(print, agent));

    public static void Describe(Printer print, Agent agent) => print.Fields(
        ("agent", agent.AgentId),
        ("name", agent.Name),
        ("description", agent.Description),
        ("tags", TagOptions.Text(agent.Tags)),
        ("status", agent.Status),
        ("online", agent.OnlineStatus),
        ("wallet", agent.WalletAddress),
        ("owner", agent.Owner),
        ("executor", agent.SelfHeld ? "held by the agent itself" : "held by the relayer"),
        ("may spend", agent.Limits is { } limits ? $"{limits.PerOrder} USDC per order, {limits.PerDay} per day; {limits.SpentToday} spent until {limits.ResetsAt:u}" : null),
        ("deployed", agent.Deployed ? "yes" : "no, before its first use"));
}
