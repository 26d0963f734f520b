using System.Globalization;
using System.Text.Json.Nodes;

namespace CapVault.Cli.Sandbox;

/// <summary>The sandbox's chain.</summary>
internal static class AnvilProcess
{
    /// <summary>Keys of Anvil's published test mnemonic, each with 10 000 test ETH.</summary>
    public const string DeployerKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    /// <summary>The relayer's sending key.</summary>
    public const string LaneKey = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

    /// <summary>Signs for the paymaster.</summary>
    public const string SponsorKey = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a";

    /// <summary>Receives the platform fees.</summary>
    public const string TreasuryKey = "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Starts it; it may not answer yet. A block each 0.2 s: automatic mining wedges under load.</summary>
    public static ProcessId Start(Toolchain tools, int port, SandboxFolder folder) => DetachedProcess.Start(
        tools.Anvil,
        ["--host", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture), "--block-time", "0.2", "--silent"],
        folder.Path,
        folder.AnvilLog,
        tools.Environment);

    /// <summary>Waits until it answers.</summary>
    /// <exception cref="CliException">It ended, or does not answer.</exception>
    public static async Task WaitAsync(ProcessId process, string rpcUrl, string log, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                using var answer = await http.PostAsync(
                    rpcUrl, JsonBody(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = "eth_blockNumber", ["params"] = new JsonArray() }), cancellationToken);
                if (answer.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (HttpRequestException) when (process.IsAlive && TimeProvider.System.GetElapsedTime(started) < Patience)
            {
                // Not listening yet.
            }
            catch (HttpRequestException)
            {
                throw new CliException(
                    $"Anvil {(process.IsAlive ? "does not answer" : "ended at once")}. Its last words:\n{Tool.Tail(await File.ReadAllTextAsync(log, cancellationToken))}",
                    $"Next: see {log}.");
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    private static StringContent JsonBody(JsonObject body) => new(body.ToJsonString(), System.Text.Encoding.UTF8, "application/json");
}
