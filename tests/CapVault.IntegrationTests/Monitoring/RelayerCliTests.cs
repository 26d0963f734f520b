using System.Text.Json;
using CapVault.Cli;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary><c>capvault relayer …</c>.</summary>
public sealed class RelayerCliTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task Its_status_is_a_page_for_people_and_JSON_for_programs()
    {
        await sandbox.PaidOrderAsync();
        await sandbox.QuietAsync();

        var page = await RunAsync("status");
        var json = JsonSerializer.Deserialize<RelayerStatus>(await RunAsync("status", "--json"), CapJson.Options)!;

        page.Should().Contain("✓ ready").And.Contain("✓ database").And.Contain("✓ node").And.Contain(TestKeys.Lane.GetPublicAddress()).And.Contain(" ETH").And.Contain("gwei")
            .And.MatchRegex(@"FINAL|INCLUDED").And.NotContain("NOT READY");
        json.Lanes.Should().Contain(lane => lane.Address == TestKeys.Lane.GetPublicAddress());
        json.Checks.Should().OnlyContain(check => check.Ok);
        json.Open.Should().Be(0);
    }

    [Fact]
    public async Task Operations_are_found_by_hash_order_and_state()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CompleteOrderAsync();
        var other = await pair.CreateOrderAsync();

        var ofOrder = await OpsAsync("--order", order.OrderId);
        var ofChainOrder = await OpsAsync("--order", order.ChainOrderId);
        var pay = ofOrder.Items.Single(operation => operation.Step == OrderStep.Pay);
        var byHash = await OpsAsync(pay.UserOpHash!);
        var byTransaction = await OpsAsync(order.PayTxHash!);
        var page = await RunAsync("ops", pay.UserOpHash!);
        var first = await OpsAsync("--order", order.OrderId, "--limit", "2");
        var rest = await OpsAsync("--order", order.OrderId, "--limit", "2", "--cursor", first.NextCursor!);

        ofOrder.Items.Select(operation => operation.Step?.Value).Should().Equal("deliver", "pay", "create");
        ofOrder.Items.Should().OnlyContain(operation => operation.OrderId == order.OrderId && operation.Success == true);
        ofChainOrder.Items.Should().BeEquivalentTo(ofOrder.Items);
        byHash.Items.Should().ContainSingle().Which.UserOpHash.Should().Be(pay.UserOpHash);
        byTransaction.Items.Should().Contain(operation => operation.UserOpHash == pay.UserOpHash);
        page.Should().Contain(pay.UserOpHash).And.Contain(order.PayTxHash).And.Contain(pay.Sender).And.Contain("pay");
        first.Items.Concat(rest.Items).Select(operation => operation.UserOpHash).Should().Equal(ofOrder.Items.Select(operation => operation.UserOpHash));
        rest.NextCursor.Should().BeNull();
        (await OpsAsync("--state", "EXPIRED")).Items.Should().BeEmpty();
        (await RunAsync("ops")).Should().Contain(other.OrderId).And.Contain(pay.UserOpHash);
    }

    [Fact]
    public async Task Drain_waits_for_what_is_promised_and_resume_ends_it()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        try
        {
            var impatient = await RunAsync("drain", "--wait", "0");
            var patient = RunAsync("drain");
            mining.Resume();

            impatient.Should().Contain("1 operations are still on their way");
            (await patient).Should().Contain("nothing is on its way");
            (await RunAsync("status")).Should().Contain("NOT READY").And.Contain("✗ draining");
        }
        finally
        {
            await RunAsync("resume");
        }

        (await RunAsync("status")).Should().Contain("✓ draining");
    }

    [Theory]
    [InlineData("ops --state LOST", "LOST")]
    [InlineData("ops 0x12", "64 hex digits")]
    [InlineData("ops --order 0x12", "64 hex digits")]
    [InlineData("ops --cursor nonsense", "nextCursor")]
    [InlineData("drain --wait 5000", "0 to 3600")]
    [InlineData("drain --wait soon", "soon")]
    public async Task A_wrong_value_is_named(string line, string expected)
    {
        var (code, _, error) = await RunToEndAsync(line.Split(' '));

        code.Should().Be(ExitCode.Usage);
        error.Should().Contain(expected);
    }

    [Fact]
    public async Task An_operator_without_the_scope_is_told_which_one_is_missing()
    {
        var reader = await sandbox.Setup.CreateApiKeyAsync(new() { Name = "reader", Scopes = [Scope.Read] });

        var (code, _, error) = await RunToEndAsync(["drain"], reader.Key);

        code.Should().Be(ExitCode.Failure);
        error.Should().Contain("admin");
    }

    private async Task<Page<OperationView>> OpsAsync(params string[] arguments)
    {
        var json = JsonSerializer.Deserialize<JsonElement>(await RunAsync(["ops", .. arguments, "--json"]));
        return new(
            json.GetProperty("items").Deserialize<List<OperationView>>(CapJson.Options)!,
            json.TryGetProperty("nextCursor", out var cursor) && cursor.ValueKind == JsonValueKind.String ? cursor.GetString() : null);
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var (code, output, error) = await RunToEndAsync(arguments);
        code.Should().Be(ExitCode.Ok, error);
        return output;
    }

    private async Task<(int Code, string Output, string Error)> RunToEndAsync(string[] arguments, string? key = null)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CapVaultCli.RunAsync(["relayer", .. arguments, "--api", sandbox.Relayer.Url, "--key", key ?? sandbox.Relayer.OperatorKey], output, error);
        return (code, output.ToString(), error.ToString());
    }
}
