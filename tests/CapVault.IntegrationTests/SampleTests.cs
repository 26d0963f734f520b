using System.Diagnostics;
using System.Text;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>The samples run as written: against a real relayer, each as a process of its own.</summary>
public sealed class SampleTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_requester_buys_from_a_provider_that_is_restarted_and_a_poller_sees_all_of_it()
    {
        using var folder = new TemporaryFolder();
        var pair = await sandbox.NewPairAsync();
        var inbox = folder.File("provider.inbox");
        string first;
        await using (var provider = Start("Provider", pair.Provider.Key, inbox))
        {
            first = await RunAsync("Requester", pair.Requester.Key, pair.Service.ServiceId, """{"text":"bonjour"}""");
        }

        // Asked while nobody was there to answer.
        var waiting = await pair.NegotiateAsync(new { text = "second" });
        var refused = await pair.NegotiateAsync();
        await using var restarted = Start("Provider", pair.Provider.Key, inbox);
        var order = await AcceptedAsync(pair, waiting);
        await pair.Requester.Client.PayOrderAsync(order.OrderId);
        await Eventually.TrueAsync(
            async () => (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Status == OrderStatus.Completed, () => $"the job is done; the provider said:\n{restarted.Output}");
        await Eventually.TrueAsync(
            async () => (await pair.Requester.Client.GetNegotiationAsync(refused.NegotiationId)).Status == NegotiationStatus.Rejected, () => $"it is refused; the provider said:\n{restarted.Output}");
        var cursor = folder.File("poller.cursor");
        var seen = await RunAsync("Poller", pair.Requester.Key, cursor, "1");
        var again = await RunAsync("Poller", pair.Requester.Key, cursor, "1");

        first.Should().Contain("""{"TEXT":"BONJOUR"}""");
        (await pair.Requester.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { HashVerified = true, DeliverableText = """{"TEXT":"SECOND"}""" });
        (await pair.Provider.Client.ListOrdersAsync(new())).Items.Should().HaveCount(2, "no job is done twice");
        seen.Split('\n').Count(line => line.Contains("order_completed", StringComparison.Ordinal)).Should().Be(2);
        again.Should().BeEmpty("each event is seen once");
    }

    private static async Task<Order> AcceptedAsync(Pair pair, Negotiation negotiation)
    {
        Order? order = null;
        await Eventually.TrueAsync(
            async () =>
            {
                order = (await pair.Requester.Client.ListOrdersAsync(new())).Items.FirstOrDefault(o => o.NegotiationId == negotiation.NegotiationId);
                return order?.Status == OrderStatus.Created;
            },
            "the negotiation is accepted");
        return order!;
    }

    private async Task<string> RunAsync(string sample, string key, params string[] arguments)
    {
        await using var running = Start(sample, key, arguments);
        await running.Process.WaitForExitAsync().WaitAsync(Patience);
        running.Process.ExitCode.Should().Be(0, running.Output);
        return running.Output;
    }

    private Sample Start(string sample, string key, params string[] arguments)
    {
        // The build puts them beside the tests.
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, $"CapVault.Samples.{sample}.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["CAPVAULT_API"] = sandbox.Relayer.Url;
        start.Environment["CAPVAULT_RPC"] = sandbox.Chain.RpcUrl;
        start.Environment["CAPVAULT_KEY"] = key;
        return new Sample(Process.Start(start)!);
    }

    private sealed class Sample : IAsyncDisposable
    {
        private readonly StringBuilder _output = new();

        public Sample(Process process)
        {
            Process = process;
            process.OutputDataReceived += (_, line) => Keep(line.Data);
            process.ErrorDataReceived += (_, line) => Keep(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        public Process Process { get; }

        public string Output
        {
            get
            {
                lock (_output)
                {
                    return _output.ToString();
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (!Process.HasExited)
            {
                Process.Kill();
                await Process.WaitForExitAsync();
            }

            Process.Dispose();
        }

        private void Keep(string? line)
        {
            if (line is not null)
            {
                lock (_output)
                {
                    _output.AppendLine(line);
                }
            }
        }
    }
}
