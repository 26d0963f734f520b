using System.Text.Json;
using CapVault.Cli;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary><c>capvault services --arbiter …</c>, <c>release</c>, <c>dispute</c>, <c>approve</c> and <c>resolve</c>.</summary>
public sealed class ReviewCliTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task An_order_is_approved_delivered_and_released_from_the_command_line()
    {
        var pair = await GatedPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        var approved = await RunAsync(ExitCode.Ok, ["approve", order.ChainOrderId, .. Vault()]);
        await Eventually.TrueAsync(async () => (await pair.Provider.Client.GetOrderAsync(order.OrderId)).ApproveTxHash is not null, "the approval is known");
        var delivered = await RunAsync(ExitCode.Ok, ["deliver", order.OrderId, "--text", "done", .. As(pair.Provider)]);
        var released = await RunAsync(ExitCode.Ok, ["release", order.OrderId, .. As(pair.Requester)]);

        JsonSerializer.Deserialize<JsonElement>(approved).GetProperty("txHash").GetString().Should().HaveLength(66);
        JsonSerializer.Deserialize<JsonElement>(delivered).GetProperty("order").GetProperty("status").GetString().Should().Be("delivered");
        JsonSerializer.Deserialize<JsonElement>(released).GetProperty("finalStatus").GetString().Should().Be("RELEASED");
    }

    [Fact]
    public async Task Who_negotiates_says_whom_it_accepts()
    {
        var pair = await GatedPairAsync();
        string[] negotiate = ["negotiate", pair.Service.ServiceId, .. As(pair.Requester)];
        var account = TestKeys.Stranger.GetPublicAddress();

        var silent = await RunAsync(ExitCode.Failure, negotiate);
        var accepting = await RunAsync(ExitCode.Ok, [.. negotiate, "--arbiter", account, "--review-seconds", "3600", "--approver", account]);

        silent.Should().Contain(ErrorCodes.ThirdPartiesNotAccepted).And.Contain(account).And.Contain("Next: to accept them, repeat with --arbiter");
        JsonSerializer.Deserialize<JsonElement>(accepting).GetProperty("terms").GetProperty("arbiter").GetString().Should().Be(account);
    }

    [Fact]
    public async Task A_dispute_is_resolved_from_the_command_line()
    {
        var pair = await GatedPairAsync();
        await using var requester = await pair.Requester.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        var early = await RunAsync(ExitCode.Failure, ["resolve", order.ChainOrderId, "--provider-part", "0", "--reason", "x", .. Vault()]);
        early.Should().Contain("NotDisputed");
        await RunAsync(ExitCode.Ok, ["dispute", order.OrderId, "--reason", "Nobody answers.", .. As(pair.Requester)]);
        (await RunAsync(ExitCode.Usage, ["resolve", order.ChainOrderId, "--provider-part", "1.01", "--reason", "x", .. Vault()])).Should().Contain("from 0 to the price, 1.00");
        (await RunAsync(ExitCode.Failure, ["resolve", order.ChainOrderId, "--provider-part", "0.25", "--reason", "x", .. Vault()])).Should().Contain("NotApproved");
        await RunAsync(ExitCode.Ok, ["approve", order.ChainOrderId, .. Vault()]);

        await RunAsync(ExitCode.Ok, ["resolve", order.ChainOrderId, "--provider-part", "0.25", "--reason", "A quarter was done.", .. Vault()]);

        await requester.HearAsync(EventType.OrderCompleted, order.OrderId);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(225_000);
    }

    [Fact]
    public async Task A_node_that_is_away_or_none_is_named()
    {
        var (order, vault) = ("0x" + new string('1', 64), Vault());
        string[] With(string rpc) => [.. vault.Select(word => word == sandbox.Chain.RpcUrl ? rpc : word)];

        (await RunAsync(ExitCode.Failure, ["approve", order, .. With("http://127.0.0.1:1")])).Should().Contain("Could not ask the node at 127.0.0.1:1");
        (await RunAsync(ExitCode.Usage, ["approve", order, .. With("anvil")])).Should().Contain("expected the http or https address");
        (await RunAsync(ExitCode.Failure, ["approve", order, .. vault])).Should().Contain("The node knows no order");
        (await RunAsync(ExitCode.Usage, ["approve", "ord_1", .. vault])).Should().Contain("0x and 64 hex digits");
    }

    private async Task<Pair> GatedPairAsync()
    {
        var pair = await sandbox.NewPairAsync();
        var account = TestKeys.Stranger.GetPublicAddress();
        await RunAsync(
            ExitCode.Ok,
            [
                "services", "update", pair.Service.ServiceId, "--arbiter", account, "--review-seconds", "3600", "--approver", account,
                "--json", "--api", sandbox.Relayer.Url, "--key", sandbox.Relayer.OperatorKey,
            ]);
        return pair with { Service = await sandbox.Setup.GetServiceAsync(pair.Service.ServiceId) };
    }

    private string[] As(Party party) => ["--json", "--api", sandbox.Relayer.Url, "--key", party.Key];

    private string[] Vault()
    {
        var key = _folder.File("key");
        File.WriteAllText(key, TestKeys.Stranger.GetPrivateKey());
        return ["--json", "--key-file", key, "--rpc", sandbox.Chain.RpcUrl, "--deployment", sandbox.Chain.DeploymentFile];
    }

    // Output and errors: which of the two it was is what the code says.
    private static async Task<string> RunAsync(int expected, string[] args)
    {
        using var output = new StringWriter();
        var code = await CapVaultCli.RunAsync(args, output, output);
        code.Should().Be(expected, output.ToString());
        return output.ToString();
    }
}
