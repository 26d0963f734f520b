using CapVault.Cli;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary><c>capvault watch</c> and <c>capvault events list</c>.</summary>
public sealed class WatchTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Theory]
    [InlineData("watch --types order_payed", "order_payed")]
    [InlineData("events list --types order_payed", "order_payed")]
    [InlineData("watch --after yesterday", "yesterday")]
    [InlineData("events list --after yesterday", "yesterday")]
    public async Task A_type_or_cursor_that_there_is_not_is_said_at_once(string line, string found)
    {
        var agent = await sandbox.NewAgentAsync("agent");

        var (code, output, error) = await RunAsync(agent, line, CancellationToken.None);

        code.Should().Be(ExitCode.Usage);
        output.Should().BeEmpty();
        error.Should().Contain(found).And.Contain("expected");
    }

    [Fact]
    public async Task Watching_with_a_state_file_goes_on_where_it_ended()
    {
        var pair = await sandbox.NewPairAsync();
        using var folder = new TemporaryFolder();
        var first = await pair.NegotiateAsync();
        var before = await WatchAsync(pair.Provider, folder.File("state"), first.NegotiationId);
        var second = await pair.NegotiateAsync();

        var after = await WatchAsync(pair.Provider, folder.File("state"), second.NegotiationId);

        before.Should().Contain(first.NegotiationId);
        after.Should().NotContain(first.NegotiationId);
    }

    [Fact]
    public async Task A_state_file_that_is_watched_already_is_refused()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        using var folder = new TemporaryFolder();
        using var held = FileInboxStore.Open(folder.File("state"));

        var (code, _, error) = await RunAsync(agent, $"watch --state {folder.File("state")}", CancellationToken.None);

        code.Should().Be(ExitCode.Usage);
        error.Should().Contain("in use by another process").And.Contain("--state");
    }

    [Fact]
    public async Task The_log_is_listed_page_by_page()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiations = new[] { await pair.NegotiateAsync(), await pair.NegotiateAsync(), await pair.NegotiateAsync() };
        await Eventually.TrueAsync(
            async () => (await pair.Provider.Client.ListEventsAsync(new() { After = EventStream.Oldest })).Events.Count == 3, "three events are numbered");

        var (_, first, _) = await RunAsync(pair.Provider, "events list --limit 2", CancellationToken.None);
        var next = first[(first.LastIndexOf("--after ", StringComparison.Ordinal) + 8)..].Trim();
        var (code, second, _) = await RunAsync(pair.Provider, $"events list --after {next}", CancellationToken.None);

        code.Should().Be(ExitCode.Ok);
        first.Should().Contain("There is more").And.Contain(negotiations[0].NegotiationId).And.Contain(negotiations[1].NegotiationId);
        second.Should().NotContain("There is more").And.Contain(negotiations[2].NegotiationId).And.NotContain(negotiations[1].NegotiationId);
    }

    private async Task<string> WatchAsync(Party party, string state, string until)
    {
        using var stop = new CancellationTokenSource();
        using var output = new StringWriter();
        var seen = TextWriter.Synchronized(output);
        var watching = CapVaultCli.RunAsync([.. Connection(party), "watch", "--after", "oldest", "--state", state], seen, seen, stop.Token);
        await Eventually.TrueAsync(() => Task.FromResult(Printed().Contains(until)), $"{until} is printed");
        await Eventually.TrueAsync(() => Task.FromResult(!watching.IsCompleted && File.ReadLines(state).Count() > 1), "it is remembered");
        await stop.CancelAsync();
        (await watching.WaitAsync(TimeSpan.FromSeconds(30))).Should().Be(ExitCode.Ok);
        return Printed();

        string Printed()
        {
            lock (seen)
            {
                return output.ToString();
            }
        }
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(Party party, string line, CancellationToken cancellationToken)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CapVaultCli.RunAsync([.. Connection(party), .. line.Split(' ')], output, error, cancellationToken).WaitAsync(TimeSpan.FromSeconds(30), cancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private string[] Connection(Party party) => ["--api", sandbox.Relayer.Url, "--key", party.Key];
}
