using System.CommandLine;
using System.Globalization;
using CapVault.Cli.Sandbox;
using CapVault.Sdk;

namespace CapVault.Cli;

/// <summary><c>sandbox up|down|status|advance|faucet|demo</c>.</summary>
internal static class SandboxCommands
{
    public static Command Create() => new("sandbox", "A chain, a relayer and two agents on this machine.")
    {
        Up(),
        Down(),
        Status(),
        Advance(),
        Faucet(),
        DemoCommand.Create(),
    };

    private static Command Up()
    {
        var port = new Option<int?>("--port") { Description = "Port of the relayer. The default is a free one.", HelpName = "1–65535" };
        var anvilPort = new Option<int?>("--anvil-port") { Description = "Port of Anvil. The default is a free one.", HelpName = "1–65535" };
        RequirePort(port);
        RequirePort(anvilPort);
        return new Command("up", "Start it.") { port, anvilPort }.Runs(async (session, cancellationToken) =>
        {
            using var only = session.Folder.Lock();
            var processes = SandboxFolder.Read<SandboxProcesses>(session.Folder.ProcessesJson);
            if (processes is { Anvil.IsAlive: true, Relayer.IsAlive: true } && File.Exists(session.Folder.SandboxJson))
            {
                session.Print.Line("The sandbox is already up.");
                Show(session, session.Sandbox());
                return;
            }

            await new SandboxDown(session.Folder).RunAsync(cancellationToken); // the rest of one that broke
            Show(session, await new SandboxUp(session.Folder, session.Print).RunAsync(session.Value(port), session.Value(anvilPort), cancellationToken));
        });
    }

    private static Command Down() => new Command("down", "Stop it; no process and no port stays.").Runs(async (session, cancellationToken) =>
    {
        using var only = session.Folder.Lock();
        var stopped = await new SandboxDown(session.Folder).RunAsync(cancellationToken);
        session.Print.Result(new { stopped }, print => print.Line(stopped ? "The sandbox is down." : "The sandbox was not up."));
    });

    private static Command Status() => new Command("status", "Whether it runs, and how its relayer is doing.").Runs(async (session, cancellationToken) =>
    {
        var processes = SandboxFolder.Read<SandboxProcesses>(session.Folder.ProcessesJson);
        if (processes is not { Anvil.IsAlive: true, Relayer.IsAlive: true })
        {
            var what = processes is null ? "The sandbox is not up." : $"The sandbox is broken: Anvil {Word(processes.Anvil)}, relayer {Word(processes.Relayer)}.";
            throw new CliException(what, processes is null ? "Next: capvault sandbox up." : $"Next: capvault sandbox up. The logs are in {session.Folder.Path}.");
        }

        var sandbox = session.Sandbox();
        using var setup = session.Setup();
        var status = await setup.GetStatusAsync(cancellationToken);
        session.Print.Result(new { sandbox.RpcUrl, sandbox.ApiUrl, processes, status }, print =>
        {
            print.Fields(
                ("relayer", $"{sandbox.ApiUrl}, process {processes.Relayer!.Pid}"),
                ("anvil", $"{sandbox.RpcUrl}, process {processes.Anvil!.Pid}"),
                ("logs", session.Folder.Path));
            RelayerCommands.Describe(print, status);
        });
    });

    private static Command Advance()
    {
        var seconds = new Argument<int>("seconds") { Description = "1 – 31,536,000." };
        return new Command("advance", "Move the time of chain and relayer forward.") { seconds }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var now = await setup.AdvanceClockAsync(session.Value(seconds), cancellationToken);
            session.Print.Result(new { chainTime = now }, print => print.Line($"Chain time is now {now:u}."));
        });
    }

    private static Command Faucet()
    {
        var address = new Argument<string>("address") { Description = "Account that gets test USDC." };
        var amount = new Argument<string>("amount") { Description = "In USDC: 100.00" };
        return new Command("faucet", "Mint test USDC.") { address, amount }.Runs(async (session, cancellationToken) =>
        {
            using var setup = session.Setup();
            var txHash = await setup.FaucetAsync(session.Value(address), session.Value(amount), cancellationToken);
            session.Print.Result(new { txHash }, print => print.Line($"{session.Value(amount)} USDC for {session.Value(address)}, tx {txHash}"));
        });
    }

    private static void Show(Session session, SandboxFile sandbox) => session.Print.Result(sandbox, print =>
    {
        print.Line();
        print.Fields(
            ("relayer", sandbox.ApiUrl),
            ("stream", sandbox.WsUrl),
            ("chain", $"{sandbox.RpcUrl} (id {sandbox.ChainId.ToString(CultureInfo.InvariantCulture)})"),
            ("vault", sandbox.Contracts.Vault),
            ("USDC", sandbox.Contracts.Usdc));
        foreach (var agent in sandbox.Agents)
        {
            print.Fields((agent.Name, $"{agent.AgentId}, wallet {agent.Address}"));
        }

        print.Fields(("service", $"{sandbox.ServiceId}, 1.00 USDC, within 30 min"), ("keys", session.Folder.SandboxJson));
        print.Line();
        print.Line("Try: capvault sandbox demo");
        print.Line("or   capvault watch --as provider              (in another terminal)");
        print.Line("     capvault negotiate --requirements 'Say hello'");
        print.Line("     capvault sandbox down");
    });

    private static string Word(ProcessId? process) => process?.IsAlive == true ? "runs" : "does not run";

    private static void RequirePort(Option<int?> option) => option.Validators.Add(result =>
    {
        // What is no integer at all, the parser has complained about already; asking it for the value would throw.
        if (result.Tokens is [var token] && int.TryParse(token.Value, CultureInfo.InvariantCulture, out var port) && port is < 1 or > 65535)
        {
            result.AddError($"{option.Name}: found {token.Value}, expected 1 to 65535.");
        }
    });
}
