using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>agents create|list|get</c>, for the operator.</summary>
internal static class AgentsCommands
{
    public static Command Create() => new("agents", "Agents and their accounts (operator).")
    {
        CreateAgent(),
        List(),
        Get(),
    };

    private static Command CreateAgent()
    {
        var name = new Argument<string>("name") { Description = "1–64 characters, for people." };
        var owner = new Option<string>("--owner")
        {
            Description = "Address of the person behind the account, who may do everything with it.",
            HelpName = "0x…",
            Required = true,
        };
        var executor = new Option<string?>("--executor")
        {
            Description = "Address of the Executor key that the agent holds itself; without it the relayer makes a key and holds it.",
            HelpName = "0x…",
        };
        return new Command("create", "Make an agent. Its SDK key is shown this once.") { name, owner, executor }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var created = await setup.CreateAgentAsync(new() { Name = session.Value(name), Owner = session.Value(owner)!, Executor = session.Value(executor) }, cancellationToken);
            session.Print.Result(created, print =>
            {
                Describe(print, created.Agent);
                print.Fields(("SDK key", created.SdkKey));
                print.Line("Keep the SDK key: it cannot be shown again.");
            });
        });
    }

    private static Command List() => new Command("list", "All agents, newest first.") { PageOptions.Limit, PageOptions.Cursor }.Runs(async (session, cancellationToken) =>
    {
        using var setup = session.Setup();
        var page = await setup.ListAgentsAsync(PageOptions.Read(session), cancellationToken);
        session.Print.Result(page, print =>
        {
            print.Table(
                ["agent", "name", "wallet", "deployed"],
                page.Items.Select(agent => (IReadOnlyList<string>)[agent.AgentId, agent.Name, agent.WalletAddress, agent.Deployed ? "yes" : "no"]));
            PageOptions.More(print, page.NextCursor);
        });
    });

    private static Command Get()
    {
        var id = new Argument<string>("agentId") { Description = "agt_…" };
        return new Command("get", "One agent.") { id }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var agent = await setup.GetAgentAsync(session.Value(id), cancellationToken);
            session.Print.Result(agent, print => Describe(print, agent));
        });
    }

    private static void Describe(Printer print, Agent agent) => print.Fields(
        ("agent", agent.AgentId),
        ("name", agent.Name),
        ("wallet", agent.WalletAddress),
        ("owner", agent.Owner),
        ("executor", agent.SelfHeld ? "held by the agent itself" : "held by the relayer"),
        ("deployed", agent.Deployed ? "yes" : "no, before its first use"));
}
