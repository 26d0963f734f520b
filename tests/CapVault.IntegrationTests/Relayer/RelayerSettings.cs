namespace CapVault.IntegrationTests;

/// <summary>How the relayers of the tests are set.</summary>
internal static class RelayerSettings
{
    /// <summary>The command line of a relayer.</summary>
    /// <param name="chain">What it works on.</param>
    /// <param name="dataDirectory">Its data.</param>
    /// <param name="url">Where it listens.</param>
    /// <param name="logLevel">What it says on its console.</param>
    /// <param name="more">Other settings, <c>Name=value</c>; they win.</param>
    public static string[] Arguments(SandboxChain chain, string dataDirectory, string url, string logLevel, IEnumerable<string> more) =>
    [
        $"--urls={url}",
        $"--Logging:LogLevel:Default={logLevel}",
        .. ((IEnumerable<string>)
        [
            $"RpcUrl={chain.RpcUrl}",
            $"DeploymentFile={chain.DeploymentFile}",
            $"DataDirectory={dataDirectory}",
            $"LaneKey={TestKeys.Lane.GetPrivateKey()}",
            $"SponsorKey={TestKeys.Sponsor.GetPrivateKey()}",
            $"FaucetKey={TestKeys.Owner.GetPrivateKey()}",
            "Sandbox=true",
            // One test calls as often as a hundred clients; those of the limits set their own.
            "AgentRequestsPerSecond=1000000",
            "AnonymousRequestsPerSecond=1000000",
            .. more,
        ]).Select(setting => $"--CapVault:{setting}"),
    ];
}
