using System.Globalization;
using CapVault.Contracts;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.Cli.Sandbox;

/// <summary><c>sandbox up</c>: a chain, the contracts, a relayer, two agents and a service.</summary>
internal sealed class SandboxUp(SandboxFolder folder, Printer print)
{
    /// <summary>What the requester gets to spend, USDC.</summary>
    public const string Funds = "1000.00";

    // What each agent may spend per order and per day, USDC: more than anybody tries out, until its Owner sets less.
    private const string Limit = "1000000.00";

    private SandboxProcesses _processes = new();

    /// <summary>Starts everything, or nothing: what fails half-way is taken down again.</summary>
    public async Task<SandboxFile> RunAsync(int? port, int? anvilPort, CancellationToken cancellationToken)
    {
        var tools = await Toolchain.FindAsync(cancellationToken);
        var rpcUrl = Local(Ports.Choose(anvilPort, "--anvil-port"));
        var apiUrl = Local(Ports.Choose(port, "--port"));
        if (rpcUrl == apiUrl)
        {
            throw new CliException($"Found the same port for Anvil and the relayer ({new Uri(rpcUrl).Port}).", "Next: give --port and --anvil-port different numbers, or neither.", ExitCode.Usage);
        }

        Clean();
        try
        {
            return await StartAsync(tools, rpcUrl, apiUrl, cancellationToken);
        }
        catch
        {
            await new SandboxDown(folder).RunAsync(CancellationToken.None);
            throw;
        }
    }

    private async Task<SandboxFile> StartAsync(Toolchain tools, string rpcUrl, string apiUrl, CancellationToken cancellationToken)
    {
        await print.StepAsync($"Starting Anvil on {rpcUrl}", async () =>
        {
            var anvil = AnvilProcess.Start(tools, new Uri(rpcUrl).Port, folder);
            Remember(_processes with { Anvil = anvil });
            await AnvilProcess.WaitAsync(anvil, rpcUrl, folder.AnvilLog, cancellationToken);
            return anvil;
        });
        var deployment = await print.StepAsync("Compiling and deploying the contracts", () => Deployer.DeployAsync(tools, rpcUrl, folder, cancellationToken));
        await print.StepAsync($"Starting the relayer on {apiUrl}", async () =>
        {
            var relayer = RelayerProcess.Start(tools, apiUrl, rpcUrl, folder);
            Remember(_processes with { Relayer = relayer });
            await RelayerProcess.WaitAsync(relayer, apiUrl, folder.RelayerLog, cancellationToken);
            return relayer;
        });
        return await print.StepAsync(
            $"Making agents requester (with {Funds} USDC) and provider, their limits, and a service", () => PopulateAsync(deployment, rpcUrl, apiUrl, cancellationToken));
    }

    private async Task<SandboxFile> PopulateAsync(Deployment deployment, string rpcUrl, string apiUrl, CancellationToken cancellationToken)
    {
        using var setup = new SetupClient(new Config { BaseUrl = apiUrl }, folder.ReadOperatorKey());
        var owners = new[] { Role.Requester, Role.Provider }.Select(role =>
        {
            var key = EthECKey.GenerateKey();
            return new SandboxOwner(role.Value, key.GetPublicAddress(), key.GetPrivateKey());
        }).ToList();
        SandboxFolder.Write(folder.OwnersJson, owners);

        var agents = new List<SandboxAgent>();
        foreach (var owner in owners)
        {
            var created = await setup.CreateAgentAsync(new() { Name = owner.Name, Owner = owner.Address }, cancellationToken);
            await setup.SetLimitsAsync(
                created.Agent.AgentId, new OwnerSigner(created.Agent.WalletAddress, new EthECKey(owner.PrivateKey)), Limit, Limit, cancellationToken);
            agents.Add(new SandboxAgent(owner.Name, created.Agent.AgentId, created.Agent.WalletAddress, created.SdkKey));
        }

        await setup.FaucetAsync(agents[0].Address, Funds, cancellationToken);
        var service = await setup.CreateServiceAsync(
            new() { AgentId = agents[1].AgentId, Name = "Translation", Description = "A text, translated.", Price = "1.00", SlaMinutes = 30 }, cancellationToken);
        var sandbox = new SandboxFile
        {
            ChainId = (long)deployment.ChainId,
            RpcUrl = rpcUrl,
            ApiUrl = apiUrl,
            WsUrl = $"ws://{new Uri(apiUrl).Authority}/api/v1/stream",
            Contracts = new(deployment.Vault, deployment.EntryPoint, deployment.AccountFactory, deployment.Paymaster, deployment.Usdc),
            Agents = agents,
            ServiceId = service.ServiceId,
        };
        SandboxFolder.Write(folder.SandboxJson, sandbox);
        return sandbox;
    }

    // The chain begins anew, so what an earlier relayer knew of its chain is of no use.
    private void Clean()
    {
        Directory.CreateDirectory(folder.Path);
        if (!Directory.Exists(folder.Data))
        {
            return;
        }

        // --dir may name any folder: one named data that a relayer has not made is somebody's.
        if (Directory.EnumerateFileSystemEntries(folder.Data).Any() && !File.Exists(Path.Combine(folder.Data, "relayer.lock")))
        {
            throw new CliException($"{folder.Data} is there and is not a sandbox's.", "Next: choose another folder with --dir.", ExitCode.Usage);
        }

        Directory.Delete(folder.Data, recursive: true);
    }

    private void Remember(SandboxProcesses processes)
    {
        _processes = processes;
        SandboxFolder.Write(folder.ProcessesJson, processes);
    }

    private static string Local(int port) => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}");
}
