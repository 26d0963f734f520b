namespace CapVault.Cli.Sandbox;

/// <summary><c>sandbox down</c>: ends what <c>sandbox up</c> started. Logs and the relayer's data stay until the next start.</summary>
internal sealed class SandboxDown(SandboxFolder folder)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The relayer first: it finishes what it is writing while its chain still answers.</summary>
    /// <returns>Whether anything was running.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        var processes = SandboxFolder.Read<SandboxProcesses>(folder.ProcessesJson);
        var running = new[] { processes?.Relayer, processes?.Anvil }.OfType<ProcessId>().Where(process => process.IsAlive).ToList();
        foreach (var process in running)
        {
            await process.StopAsync(Patience, cancellationToken);
        }

        File.Delete(folder.SandboxJson);
        File.Delete(folder.ProcessesJson);
        return running.Count > 0;
    }
}
