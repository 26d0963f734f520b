using System.CommandLine;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary>
/// <c>agents limits|rotate-executor|withdraw</c>: what only an Owner may do with an agent's account. By way of the relayer, which pays the gas; or with
/// <c>--rpc</c> by a transaction of the Owner's own, when there is no relayer.
/// </summary>
internal static class OwnerCommands
{
    private static readonly Argument<string> Agent = new("agent") { Description = "agt_…; with --rpc the address of its account." };

    private static readonly Option<string?> Rpc = new("--rpc")
    {
        Description = "Address of a JSON-RPC node: without any relayer, by a transaction that the Owner's address pays for.",
        HelpName = "url",
    };

    private static readonly Option<string?> Token = new("--token") { Description = "With --rpc: address of USDC. The default is the sandbox's.", HelpName = "0x…" };

    public static Command Limits()
    {
        var perOrder = new Option<string>("--per-order") { Description = "USDC that its Executor may spend on one order, for example 10.00; 0 for nothing.", HelpName = "amount", Required = true };
        var perDay = new Option<string>("--per-day") { Description = "USDC that it may spend between one midnight UTC and the next.", HelpName = "amount", Required = true };
        var command = new Command("limits", "Set what an agent's Executor may spend; 'agents get' shows it.") { Agent, perOrder, perDay, Rpc, Token, KeysCommands.OwnerKeyFile };
        return Takes(
            command,
            (setup, agentId, owner, session, cancellationToken) => setup.SetLimitsAsync(agentId, owner, session.Value(perOrder)!, session.Value(perDay)!, cancellationToken),
            (account, session, cancellationToken) => account.SetLimitsAsync(TokenOf(session), session.Value(perOrder)!, session.Value(perDay)!, cancellationToken));
    }

    public static Command RotateExecutor()
    {
        var executor = new Option<string?>("--executor") { Description = "Address of the key that the agent holds itself from now on. Without it the relayer makes one and holds it.", HelpName = "0x…" };
        var command = new Command("rotate-executor", "Give an agent another Executor; the one before can do nothing any more.") { Agent, executor, Rpc, KeysCommands.OwnerKeyFile };
        return Takes(
            command,
            (setup, agentId, owner, session, cancellationToken) => setup.SetExecutorAsync(agentId, owner, session.Value(executor), cancellationToken),
            (account, session, cancellationToken) => account.SetExecutorAsync(
                session.Value(executor) ?? throw new CliException("Found --rpc without --executor: nobody is there to make a key.", "Next: add --executor with the address of a key of yours.", ExitCode.Usage),
                cancellationToken));
    }

    public static Command Withdraw()
    {
        var to = new Option<string>("--to") { Description = "Who gets it.", HelpName = "0x…", Required = true };
        var amount = new Option<string>("--amount") { Description = "USDC, for example 10.00.", HelpName = "amount", Required = true };
        var command = new Command("withdraw", "Take USDC out of an agent's account.") { Agent, to, amount, Rpc, Token, KeysCommands.OwnerKeyFile };
        return Takes(
            command,
            (setup, agentId, owner, session, cancellationToken) => setup.WithdrawAsync(agentId, owner, session.Value(to)!, session.Value(amount)!, cancellationToken),
            (account, session, cancellationToken) => account.WithdrawAsync(TokenOf(session), session.Value(to)!, session.Value(amount)!, cancellationToken));
    }

    private static Command Takes(
        Command command,
        Func<SetupClient, string, OwnerSigner, Session, CancellationToken, Task<OwnerActionResult>> byRelayer,
        Func<OwnerAccount, Session, CancellationToken, Task<string>> direct) => command.Runs(async (session, cancellationToken) =>
    {
        var key = KeysCommands.OwnerKey(session);
        if (session.Value(Rpc) is { } rpc)
        {
            var txHash = await direct(new OwnerAccount(rpc, session.Value(Agent), key), session, cancellationToken);
            session.Print.Result(new { txHash }, print => print.Fields(("tx", txHash)));
            return;
        }

        using var setup = session.Setup();
        var agent = await setup.GetAgentAsync(session.Value(Agent), cancellationToken);
        var done = await byRelayer(setup, agent.AgentId, new OwnerSigner(agent.WalletAddress, key), session, cancellationToken);
        var after = await setup.GetAgentAsync(agent.AgentId, cancellationToken);
        session.Print.Result(done, print =>
        {
            AgentsCommands.Describe(print, after);
            print.Fields(("tx", done.TxHash));
        });
    });

    private static string TokenOf(Session session) => session.Value(Token) ?? session.Sandbox().Contracts.Usdc;
}
