using System.Text.Json;
using CapVault.Contracts;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.Signer;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.IntegrationTests;

/// <summary>A chain with the contracts, the real relayer on it, and agents as many as a test wants. One for the tests of a class.</summary>
public class Sandbox : IAsyncLifetime
{
    private readonly string[] _settings;
    private readonly List<AgentClient> _clients = [];
    private (Pair Pair, Order Order)? _paid;
    private int _agents;

    public Sandbox()
        : this([])
    {
    }

    /// <summary>With other settings of the relayer, <c>Name=value</c>.</summary>
    protected Sandbox(string[] settings) => _settings = settings;

    internal SandboxChain Chain { get; private set; } = null!;

    internal RelayerServer Relayer { get; private set; } = null!;

    /// <summary>The operator.</summary>
    internal SetupClient Setup { get; private set; } = null!;

    internal RawApi Api { get; private set; } = null!;

    /// <summary>For clients of one's own.</summary>
    internal Config Config => new() { BaseUrl = Relayer.Url, RpcUrl = Chain.RpcUrl };

    public virtual async Task InitializeAsync()
    {
        Chain = await SandboxChain.StartAsync();
        Relayer = await RelayerServer.StartAsync(Chain, _settings);
        Setup = new SetupClient(Config, Relayer.OperatorKey);
        Api = new RawApi(Relayer.Url);
    }

    public virtual async Task DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        Setup.Dispose();
        Api.Dispose();
        await Relayer.DisposeAsync();
        await Chain.DisposeAsync();
    }

    /// <summary>Waits until the relayer knows the node's newest block: on that one it simulates.</summary>
    internal async Task FollowedAsync()
    {
        var head = (long)(await Chain.Node.RequestAsync<HexBigInteger>("eth_blockNumber")).Value;
        await Eventually.TrueAsync(async () => (await Setup.GetStatusAsync()).Block >= head, $"the relayer follows to block {head}");
    }

    /// <summary>A new agent without money, that may not spend any.</summary>
    /// <param name="name">What it is called.</param>
    /// <param name="executor">Its Executor, where it keeps it itself.</param>
    internal async Task<Party> NewAgentAsync(string name, EthECKey? executor = null)
    {
        var created = await Setup.CreateAgentAsync(
            new() { Name = $"{name} {++_agents}", Owner = TestKeys.Human.GetPublicAddress(), Executor = executor?.GetPublicAddress() });
        var config = executor is null
            ? Config
            : Config with { Executor = new ExecutorSigner(created.Agent.WalletAddress, executor), Deployment = Chain.Deployment };
        var client = new AgentClient(config, created.SdkKey);
        _clients.Add(client);
        return new Party(created.Agent, created.SdkKey, client);
    }

    /// <summary>A new Requester with money and a new Provider with a service.</summary>
    internal async Task<Pair> NewPairAsync(
        string funds = "100.00",
        string price = "1.00",
        int slaMinutes = 30,
        int? negotiationTtlSeconds = null,
        DeliverableType? deliverableType = null,
        string? deliverableSchema = null,
        EthECKey? requesterKey = null,
        EthECKey? providerKey = null,
        ThirdParties? thirdParties = null)
    {
        var requester = await NewAgentAsync("requester", requesterKey);
        var provider = await NewAgentAsync("provider", providerKey);
        await Setup.LiftLimitsAsync(requester.Agent);
        await Setup.FaucetAsync(requester.Wallet, funds);
        var service = await Setup.CreateServiceAsync(new()
        {
            AgentId = provider.AgentId,
            Name = "Translation",
            Price = price,
            SlaMinutes = slaMinutes,
            NegotiationTtlSeconds = negotiationTtlSeconds,
            ThirdParties = thirdParties,
            DeliverableType = deliverableType,
            DeliverableSchema = deliverableSchema is null ? null : JsonSerializer.Deserialize<JsonElement>(deliverableSchema),
        });
        return new Pair(requester, provider, service);
    }

    /// <summary>An agent's consent to terms that were not negotiated here, signed with the Executor that the relayer holds.</summary>
    internal async Task<byte[]> ConsentAsync(ChainOrder order, Party party)
    {
        var row = await Relayer.Services.GetRequiredService<CapVault.Relayer.Accounts.Agents>().FindAsync(party.AgentId, CancellationToken.None);
        var executor = Relayer.Services.GetRequiredService<ExecutorKeys>().Decrypt(party.AgentId, row!.ExecutorKey);
        return OrderConsent.Sign(order, OrderIdOf(order), Chain.Deployment.ChainId, party.Wallet, executor);
    }

    /// <summary>From where the relayer sends a party's operations.</summary>
    internal LaneKey LaneOf(Party party) => Relayer.Services.GetRequiredService<ChainContext>().LaneOf(party.Wallet.HexToByteArray());

    /// <summary>The id of an order of this chain's vault.</summary>
    internal byte[] OrderIdOf(ChainOrder order) => new OrderTypedData(Chain.Deployment.ChainId, Chain.Deployment.Vault).OrderId(order);

    /// <summary>A paid order for all tests that only look at one, and its parties.</summary>
    internal async Task<(Pair Pair, Order Order)> PaidOrderAsync()
    {
        if (_paid is null)
        {
            var pair = await NewPairAsync();
            _paid = (pair, await pair.CreatePaidOrderAsync());
        }

        return _paid.Value;
    }
}
