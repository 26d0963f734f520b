using System.Net;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>The relayer is killed around a submit: what it acknowledged happens, once, without another signature.</summary>
public sealed class SelfHeldCrashTests : IAsyncLifetime
{
    private readonly EthECKey _key = EthECKey.GenerateKey();
    private SandboxChain _chain = null!;
    private RelayerProcess _relayer = null!;
    private RawApi _api = null!;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        _relayer = await RelayerProcess.StartAsync(_chain);
        _api = new RawApi(_relayer.Url);
    }

    public async Task DisposeAsync()
    {
        _api.Dispose();
        await _relayer.DisposeAsync();
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task What_was_prepared_or_submitted_before_a_kill_goes_on_after_it()
    {
        using var setup = new SetupClient(new Config { BaseUrl = _relayer.Url }, _relayer.OperatorKey);
        var pair = new Pair(await AgentAsync(setup, "requester", _key), await AgentAsync(setup, "provider", EthECKey.GenerateKey()), null!);
        await setup.FaucetAsync(pair.Requester.Wallet, "10.00");
        pair = pair with { Service = await setup.CreateServiceAsync(new() { AgentId = pair.Provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 }) };
        var orders = new[] { await pair.CreateOrderAsync(), await pair.CreateOrderAsync() };
        var requester = new SelfHeldApi(_api, pair.Requester, _key);
        var submitted = await requester.PrepareAsync(orders[0].OrderId, OrderStep.Pay);
        var prepared = await requester.PrepareAsync(orders[1].OrderId, OrderStep.Pay);
        await using (await _chain.Node.StopMiningAsync())
        {
            (await requester.SubmitAsync(submitted)).Status.Should().Be(HttpStatusCode.Accepted);
            await _relayer.KillAsync();
        }

        await _relayer.StartAsync();
        var first = SelfHeldApi.OrderOf(await requester.SubmitAsync(submitted, wait: 30));
        var second = SelfHeldApi.OrderOf(await requester.SubmitAsync(prepared, wait: 30));

        new[] { first, second }.Should().OnlyContain(order => order.Status == OrderStatus.Paid && order.LastFailure == null);
        foreach (var order in orders)
        {
            (await _chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        }

        (await _chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(8_000_000);
    }

    private async Task<Party> AgentAsync(SetupClient setup, string name, EthECKey key)
    {
        var created = await setup.CreateSpenderAsync(name, key);
        var config = new Config { BaseUrl = _relayer.Url, Executor = new ExecutorSigner(created.Agent.WalletAddress, key) };
        return new Party(created.Agent, created.SdkKey, new AgentClient(config, created.SdkKey));
    }
}
