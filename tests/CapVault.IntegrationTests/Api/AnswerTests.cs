using System.Net;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>What every answer has, and what the relayer says of itself.</summary>
public sealed class AnswerTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task A_request_is_known_by_its_id_in_answer_and_header()
    {
        var (pair, _) = await sandbox.PaidOrderAsync();
        using var http = new HttpClient();
        foreach (var (sent, echoed) in new[] { ("my-request.1", true), ("broken <id>", false), (new string('x', 200), false) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"{sandbox.Relayer.Url}/api/v1/orders"));
            request.Headers.Add("X-SDK-Key", pair.Requester.Key);
            request.Headers.TryAddWithoutValidation("X-Request-ID", sent);

            using var answer = await http.SendAsync(request);

            var id = answer.Headers.GetValues("X-Request-ID").Single();
            JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()).GetProperty("meta").GetProperty("requestId").GetString().Should().Be(id);
            id.Equals(sent, StringComparison.Ordinal).Should().Be(echoed);
        }
    }

    [Fact]
    public async Task The_configuration_is_that_of_the_chain()
    {
        var config = await sandbox.Setup.GetConfigAsync();

        config.Should().BeEquivalentTo(
            new
            {
                ChainId = 31337L,
                sandbox.Chain.Deployment.Vault,
                sandbox.Chain.Deployment.EntryPoint,
                sandbox.Chain.Deployment.AccountFactory,
                sandbox.Chain.Deployment.Paymaster,
                sandbox.Chain.Deployment.Usdc,
                Sandbox = true,
            });
    }

    [Fact]
    public async Task An_operation_can_be_looked_up_from_its_hash()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        var operation = (await sandbox.Chain.ReceiptAsync(order.CreateTxHash)).OperationsOf(pair.Requester.Wallet).Single();

        var found = await sandbox.Api.GetAsync(sandbox.Relayer.OperatorKey, $"relayer/ops/0x{Convert.ToHexStringLower(operation.UserOpHash)}");

        found.Data.GetProperty("step").GetString().Should().Be("create");
        found.Data.GetProperty("success").GetBoolean().Should().BeTrue();
        found.Data.GetProperty("txHash").GetString().Should().Be(order.CreateTxHash);
        (await sandbox.Api.GetAsync(sandbox.Relayer.OperatorKey, $"relayer/ops/0x{new string('0', 64)}")).Status.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task An_order_has_two_names()
    {
        var (pair, order) = await sandbox.PaidOrderAsync();

        var byChain = await pair.Requester.Client.GetOrderAsync(order.ChainOrderId);
        var upper = await pair.Requester.Client.GetOrderAsync("0x" + order.ChainOrderId[2..].ToUpperInvariant());

        byChain.OrderId.Should().Be(order.OrderId);
        upper.OrderId.Should().Be(order.OrderId);
    }

    [Fact]
    public async Task A_service_that_is_switched_off_takes_no_orders()
    {
        var pair = await sandbox.NewPairAsync();
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Enabled = false });

        var negotiate = () => pair.NegotiateAsync();

        (await negotiate.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.ServiceDisabled);
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Enabled = true });
        (await negotiate()).ServiceVersion.Should().Be(3);
    }
}
