using System.Globalization;

namespace CapVault.Cli.Sandbox;

/// <summary>The sandbox's relayer.</summary>
internal static class RelayerProcess
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Starts it; it may not be ready yet.</summary>
    public static ProcessId Start(Toolchain tools, string apiUrl, string rpcUrl, SandboxFolder folder)
    {
        var environment = new Dictionary<string, string>(tools.Environment, StringComparer.Ordinal)
        {
            ["ASPNETCORE_URLS"] = apiUrl,
            ["CapVault__RpcUrl"] = rpcUrl,
            ["CapVault__DeploymentFile"] = folder.DeploymentJson,
            ["CapVault__DataDirectory"] = folder.Data,
            ["CapVault__LaneKey"] = AnvilProcess.LaneKey,
            ["CapVault__SponsorKey"] = AnvilProcess.SponsorKey,
            ["CapVault__FaucetKey"] = AnvilProcess.DeployerKey,
            ["CapVault__Sandbox"] = "true",
            // Everybody here is on this machine, and may want to know how much it takes.
            ["CapVault__AgentRequestsPerSecond"] = "1000000",
            ["CapVault__AnonymousRequestsPerSecond"] = "1000000",
        };
        return DetachedProcess.Start(tools.Dotnet, [tools.Relayer], folder.Path, folder.RelayerLog, environment);
    }

    /// <summary>Waits until it takes orders.</summary>
    /// <exception cref="CliException">It ended, or is not ready in time.</exception>
    public static async Task WaitAsync(ProcessId process, string apiUrl, string log, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var started = TimeProvider.System.GetTimestamp();
        while (!await IsReadyAsync(http, apiUrl, cancellationToken))
        {
            if (!process.IsAlive || TimeProvider.System.GetElapsedTime(started) > Patience)
            {
                throw new CliException(
                    $"The relayer {(process.IsAlive ? "is not ready after " + Patience.TotalSeconds.ToString(CultureInfo.InvariantCulture) + " s" : "ended at once")}. "
                        + $"Its last words:\n{Tool.Tail(await File.ReadAllTextAsync(log, cancellationToken))}",
                    $"Next: see {log}.");
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>Whether it takes orders now.</summary>
    public static async Task<bool> IsReadyAsync(HttpClient http, string apiUrl, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(apiUrl + "/health/ready"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }
}
