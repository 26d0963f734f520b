using System.Net;
using System.Text.Json;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.IntegrationTests;

/// <summary>The relayer is killed as soon as a call's effect can be seen: who repeats the call finds that effect, and no second one is made.</summary>
public sealed class IdempotencyCrashTests : IAsyncLifetime
{
    private const int Kills = 3;

    private SandboxChain _chain = null!;
    private RelayerProcess _relayer = null!;
    private RawApi _api = null!;
    private CreateAgentResult _requester = null!;
    private CreateAgentResult _provider = null!;
    private string _serviceId = "";

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _relayer = await RelayerProcess.StartAsync(_chain);
        _api = new RawApi(_relayer.Url);
        using var setup = new SetupClient(new Config { BaseUrl = _relayer.Url }, _relayer.OperatorKey);
        _requester = await setup.CreateSpenderAsync("requester");
        _provider = await setup.CreateSpenderAsync("provider");
        await setup.FaucetAsync(_requester.Agent.WalletAddress, "1.00");
        _serviceId = (await setup.CreateServiceAsync(new() { AgentId = _provider.Agent.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 })).ServiceId;
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _relayer.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task A_negotiation_whose_relayer_is_killed_is_found_by_its_repeat()
    {
        var negotiate = JsonSerializer.Serialize(new { serviceId = _serviceId });
        for (var kill = 1; kill <= Kills; kill++)
        {
            var key = NewKey();
            var negotiating = OrNothingAsync(() => _api.PostAsync(_requester.SdkKey, "orders/negotiate", negotiate, key));
            var seen = "";
            await Eventually.TrueAsync(
                async () =>
                {
                    var list = await _api.GetAsync(_requester.SdkKey, "orders/negotiate");
                    seen = list.Data.EnumerateArray().Select(negotiation => negotiation.GetProperty("negotiationId").GetString()!).FirstOrDefault("");
                    return list.Data.GetArrayLength() == kill;
                },
                "the negotiation is there");
            await _relayer.KillAsync();
            var first = await negotiating;
            await _relayer.StartAsync();

            var repeat = await _api.PostAsync(_requester.SdkKey, "orders/negotiate", negotiate, key);

            repeat.Status.Should().Be(HttpStatusCode.Created);
            repeat.Data.GetProperty("negotiationId").GetString().Should().Be(seen);
            (first?.Body ?? repeat.Body).Should().Be(repeat.Body, "an answer that came out before the kill is given again");
            (await _api.GetAsync(_requester.SdkKey, "orders/negotiate")).Data.GetArrayLength().Should().Be(kill);
        }
    }

    [Fact]
    public async Task A_payment_whose_relayer_is_killed_is_joined_by_its_repeat_and_its_answer_outlives_another_kill()
    {
        var negotiation = await _api.PostAsync(_requester.SdkKey, "orders/negotiate", JsonSerializer.Serialize(new { serviceId = _serviceId }), NewKey());
        var accepted = await _api.PostAsync(
            _provider.SdkKey, $"orders/negotiate/{negotiation.Data.GetProperty("negotiationId").GetString()}/accept?wait=30", null, NewKey());
        var orderId = accepted.Data.GetProperty("order").GetProperty("orderId").GetString();
        await using var mining = await _chain.Node.StopMiningAsync();
        var key = NewKey();
        var paying = OrNothingAsync(() => PayAsync());
        JsonElement pending = default;
        await Eventually.TrueAsync(
            async () => (await _api.GetAsync(_requester.SdkKey, $"orders/{orderId}")).Data.TryGetProperty("pending", out pending), "the payment is taken");
        await _relayer.KillAsync();
        await paying;
        await _relayer.StartAsync();

        var joined = await PayAsync();
        mining.Resume();
        var paid = await PayAsync("?wait=30");
        await _relayer.KillAsync();
        await _relayer.StartAsync();
        var again = await PayAsync();

        joined.Code.Should().Be(ErrorCodes.IdempotencyKeyInProgress);
        joined.Detail("userOpHash").GetString().Should().Be(pending.GetProperty("userOpHash").GetString());
        paid.Status.Should().Be(HttpStatusCode.OK);
        paid.Data.GetProperty("status").GetString().Should().Be("paid");
        again.Should().BeEquivalentTo(new { paid.Status, paid.Body });
        var transfers = new Event<TransferEventDTO>(_chain.Node.Rpc, _chain.Deployment.Usdc);
        var filter = transfers.CreateFilterInput([_requester.Agent.WalletAddress], BlockParameter.CreateEarliest(), BlockParameter.CreateLatest());
        (await transfers.GetAllChangesAsync(filter)).Should().ContainSingle();
        (await _chain.ReceiptAsync(paid.Data.GetProperty("payTxHash").GetString())).OperationsOf(_requester.Agent.WalletAddress).Should().ContainSingle()
            .Which.UserOpHash.ToHex(prefix: true).Should().Be(pending.GetProperty("userOpHash").GetString());

        Task<RawAnswer> PayAsync(string query = "") => _api.PostAsync(_requester.SdkKey, $"orders/{orderId}/pay{query}", null, key);
    }

    private static string NewKey() => Guid.NewGuid().ToString();

    // The kill may cut the answer off, or not.
    private static async Task<RawAnswer?> OrNothingAsync(Func<Task<RawAnswer>> call)
    {
        try
        {
            return await call();
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
