using System.Net;
using System.Net.Sockets;
using CapVault.Cli;
using CapVault.Cli.Sandbox;

namespace CapVault.Tests.Cli;

/// <summary>What the sandbox is built from: processes, ports, files.</summary>
public sealed class SandboxPartsTests : IDisposable
{
    private static readonly Dictionary<string, string> NoVariables = [];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("capvault-sandbox-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_detached_process_writes_its_log_and_ends_when_it_is_asked_to()
    {
        var process = await StartShellAsync(
            "trap 'echo bye; exit 0' TERM; echo $GREETING; while :; do sleep 0.05; done", "hello",
            new Dictionary<string, string>(StringComparer.Ordinal) { ["GREETING"] = "hello" });

        process.IsAlive.Should().BeTrue();
        await process.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);

        process.IsAlive.Should().BeFalse();
        (await File.ReadAllTextAsync(Log)).Should().Contain("bye");
    }

    [Fact]
    public async Task A_process_that_does_not_listen_is_killed_after_the_patience()
    {
        var process = await StartShellAsync("trap '' TERM; echo deaf; while :; do sleep 0.05; done", "deaf", NoVariables);

        await process.StopAsync(TimeSpan.FromMilliseconds(200), CancellationToken.None);

        process.IsAlive.Should().BeFalse();
    }

    [Fact]
    public async Task Another_process_with_the_same_number_is_left_alone()
    {
        var process = await StartShellAsync("echo here; while :; do sleep 0.05; done", "here", NoVariables);
        var earlier = process with { Started = process.Started + "0" };

        earlier.IsAlive.Should().BeFalse();
        await earlier.StopAsync(TimeSpan.FromSeconds(1), CancellationToken.None);

        process.IsAlive.Should().BeTrue();
        await process.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
    }

    [Fact]
    public void A_taken_port_is_refused_with_the_option_that_chooses_another_and_a_free_one_is_found()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        FluentActions.Invoking(() => Ports.Choose(port, "--anvil-port")).Should().Throw<CliException>()
            .Where(e => e.Message.Contains($"{port}", StringComparison.Ordinal) && e.Next.Contains("--anvil-port", StringComparison.Ordinal));
        Ports.Choose(null, "--anvil-port").Should().BeInRange(1, 65535).And.NotBe(port);
    }

    [Fact]
    public void Files_with_keys_are_readable_by_their_owner_alone_and_come_back_as_they_were()
    {
        var path = Path.Combine(_folder.FullName, "processes.json");
        var processes = new SandboxProcesses(Anvil: new ProcessId(1, "2"));

        SandboxFolder.Write(path, new SandboxProcesses());
        SandboxFolder.Write(path, processes);

        SandboxFolder.Read<SandboxProcesses>(path).Should().Be(processes);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(path).Should().Be(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        SandboxFolder.Read<SandboxProcesses>(path + ".missing").Should().BeNull();
        File.WriteAllText(path, "{");
        FluentActions.Invoking(() => SandboxFolder.Read<SandboxProcesses>(path)).Should().Throw<CliException>().WithMessage($"*{path}*");
    }

    [Fact]
    public void Two_commands_do_not_start_or_stop_the_sandbox_at_once()
    {
        var folder = new SandboxFolder(_folder);
        using (folder.Lock())
        {
            FluentActions.Invoking(folder.Lock).Should().Throw<CliException>().WithMessage("*Another command*");
        }

        using var again = folder.Lock();
        again.Should().NotBeNull();
    }

    [Fact]
    public void The_checkout_is_found_from_any_folder_inside_it()
    {
        var inner = _folder.CreateSubdirectory("a").CreateSubdirectory("b");
        File.WriteAllText(Path.Combine(_folder.FullName, "CapVault.sln"), "");

        ProjectRoot.FindFrom(inner.FullName).Should().Be(_folder.FullName);
    }

    private string Log => Path.Combine(_folder.FullName, "log");

    private async Task<ProcessId> StartShellAsync(string script, string until, Dictionary<string, string> environment)
    {
        var process = DetachedProcess.Start("/bin/sh", ["-c", script], _folder.FullName, Log, environment);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!File.Exists(Log) || !(await File.ReadAllTextAsync(Log, patience.Token)).Contains(until, StringComparison.Ordinal))
        {
            await Task.Delay(20, patience.Token);
        }

        return process;
    }
}
