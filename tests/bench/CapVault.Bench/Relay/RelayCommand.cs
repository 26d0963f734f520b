using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using CapVault.Contracts;

namespace CapVault.Bench.Relay;

/// <summary><c>relay</c>: sponsored ERC-20 transfers of reference accounts through one bundler's JSON-RPC.</summary>
internal static class RelayCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "The bundler's, in the report; a --process has it too" };
        var url = new Option<string>("--bundler") { Required = true, Description = "Its JSON-RPC address" };
        var key = new Option<string?>("--key") { Description = "Its bearer key" };
        var ownPaymaster = new Option<bool>("--own-paymaster") { Description = "It sponsors by ERC-7677; without, a verifying paymaster is deployed for it" };
        var rpc = new Option<string>("--rpc") { Required = true, Description = "Anvil's address" };
        var deployment = new Option<string>("--deployment") { Required = true, Description = "The deployment file" };
        var processes = new Option<string[]>("--process") { AllowMultipleArgumentsPerToken = true, Description = "name=pid: whose CPU time counts" };
        var closed = new Option<int[]>("--closed") { AllowMultipleArgumentsPerToken = true, Description = "Closed loops: operations at a time" };
        var open = new Option<int[]>("--open") { AllowMultipleArgumentsPerToken = true, Description = "Open loops: operations a second" };
        var seconds = new Option<int>("--seconds") { DefaultValueFactory = _ => 15, Description = "How long each load lasts" };
        var results = new Option<string>("--results") { Required = true, Description = "The file that measurements are added to, a JSON line each" };
        var command = new Command("relay", "Sponsored operations through a bundler") { name, url, key, ownPaymaster, rpc, deployment, processes, closed, open, seconds, results };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var target = Deployment.Read(parsed.GetRequiredValue(deployment));
            var node = new Node(parsed.GetRequiredValue(rpc));
            using var bundler = new Bundler(parsed.GetRequiredValue(url), parsed.GetValue(key), target.EntryPoint);
            var factory = await FactoryAsync(node, target, parsed.GetValue(ownPaymaster) ? bundler : null, cancellationToken);
            await using var inclusions = await Inclusions.WatchAsync(node, parsed.GetRequiredValue(rpc), target.EntryPoint, cancellationToken);
            var usage = (parsed.GetValue(processes) ?? [])
                .Append(string.Create(CultureInfo.InvariantCulture, $"client={Environment.ProcessId}"))
                .Select(process => process.Split('='))
                .ToDictionary(process => process[0], process => new ProcessUsage(int.Parse(process[1], CultureInfo.InvariantCulture)), StringComparer.Ordinal);
            var test = new LoadTest(parsed.GetRequiredValue(name), node, bundler, inclusions, factory, usage);
            var length = TimeSpan.FromSeconds(parsed.GetValue(seconds));

            await test.ClosedAsync(16, TimeSpan.FromSeconds(3), cancellationToken); // warms everything up
            Console.WriteLine(Measurement.Header);
            foreach (var inFlight in parsed.GetValue(closed) ?? [])
            {
                await ReportAsync(await test.ClosedAsync(inFlight, length, cancellationToken), parsed.GetRequiredValue(results), cancellationToken);
            }

            foreach (var perSecond in parsed.GetValue(open) ?? [])
            {
                await ReportAsync(await test.OpenAsync(perSecond, length, cancellationToken), parsed.GetRequiredValue(results), cancellationToken);
            }
        });
        return command;
    }

    private static async Task<OperationFactory> FactoryAsync(Node node, Deployment deployment, Bundler? sponsor, CancellationToken cancellationToken)
    {
        var root = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../../.."));
        var chainId = await node.ChainIdAsync();
        var pool = await AccountPool.CreateAsync(node, deployment, Path.Combine(root, "node_modules/@account-abstraction/contracts/artifacts"), cancellationToken);
        if (sponsor is not null)
        {
            return new OperationFactory(chainId, deployment, pool, (operation, token) => sponsor.SponsorAsync(operation, chainId, token));
        }

        var paymaster = await VerifyingPaymaster.DeployAsync(
            node, chainId, deployment.EntryPoint, Path.Combine(root, "out/VerifyingPaymaster.sol/VerifyingPaymaster.json"), cancellationToken);
        return new OperationFactory(chainId, deployment, pool, (operation, _) => Task.FromResult(paymaster.Sponsor(operation)));
    }

    private static Task ReportAsync(Measurement measurement, string results, CancellationToken cancellationToken)
    {
        Console.WriteLine(measurement);
        return File.AppendAllTextAsync(results, JsonSerializer.Serialize(measurement) + "\n", cancellationToken);
    }
}
