using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Two relayers on one PostgreSQL: one does everything, the other only answers. Whoever asks there cannot tell.</summary>
public sealed class SharedDatabaseTests : IAsyncLifetime
{
    private const string Key = "MasterKey=0x5555555555555555555555555555555555555555555555555555555555555555";
    private const string OtherKey = "MasterKey=0x6666666666666666666666666666666666666666666666666666666666666666";

    private PostgresServer _server = null!;
    private string _database = null!;
    private SandboxChain _chain = null!;
    private RelayerServer _worker = null!;
    private RelayerServer _desk = null!;

    public async Task InitializeAsync()
    {
        _server = await PostgresServer.GetAsync();
        _database = await _server.CreateDatabaseAsync();
        _chain = await SandboxChain.StartAsync();
        _worker = await RelayerServer.StartAsync(_chain, $"Database={_database}", Key);
        _desk = await RelayerServer.StartAsync(_chain, $"Database={_database}", Key, "Roles=api");
    }

    public async Task DisposeAsync()
    {
        await _desk.DisposeAsync();
        await _worker.DisposeAsync();
        await _server.DropDatabaseAsync(_database);
        await _chain.DisposeAsync();
    }

    [Fact]
    public async Task What_one_takes_the_other_carries_out_and_both_tell()
    {
        using var setup = Setup();
        var (requester, provider) = (await AgentAsync(setup, "requester"), await AgentAsync(setup, "provider"));
        await setup.FaucetAsync(requester.Wallet, "10.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        await using var heard = await requester.ListenAsync(audience: "all");
        using var atWorker = new AgentClient(new Config { BaseUrl = _worker.Url }, provider.Key);

        // Negotiated here and accepted there; paid here, where the wait ends with what is seen there.
        var negotiation = await requester.Client.NegotiateOrderAsync(new() { ServiceId = service.ServiceId });
        var accepted = await atWorker.AcceptNegotiationAsync(negotiation.NegotiationId);
        var paid = await requester.Client.PayOrderAsync(accepted.Order.OrderId);
        var delivered = await provider.Client.DeliverOrderAsync(accepted.Order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = "done" });

        paid.Order.Status.Should().Be(OrderStatus.Paid);
        delivered.Order.Status.Should().Be(OrderStatus.Completed);
        await heard.HearAsync(EventType.OrderCompleted, accepted.Order.OrderId);
        heard.Types.Should().Equal(EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted);
    }

    [Fact]
    public async Task A_key_that_is_rotated_at_one_loses_its_streams_at_the_other()
    {
        using var setup = Setup();
        var agent = await AgentAsync(setup, "agent");
        var (stream, _) = await RawStream.ConnectAsync(_desk.Url, agent.Key);
        await using var socket = stream;
        using var atWorker = new SetupClient(new Config { BaseUrl = _worker.Url }, _worker.OperatorKey);

        await atWorker.RotateSdkKeyAsync(agent.AgentId);

        await stream.ReadToCloseAsync();
        stream.CloseCode.Should().Be(4401);
    }

    [Fact]
    public async Task Who_is_connected_at_one_is_online_at_the_other()
    {
        using var setup = Setup();
        var agent = await AgentAsync(setup, "agent");
        using var atWorker = new SetupClient(new Config { BaseUrl = _worker.Url }, _worker.OperatorKey);
        var listener = await agent.ListenAsync();
        await Eventually.TrueAsync(async () => (await atWorker.GetAgentAsync(agent.AgentId)).OnlineStatus == OnlineStatus.Online, "the other one knows");

        await listener.DisposeAsync();
        await Eventually.TrueAsync(async () => (await atWorker.GetAgentAsync(agent.AgentId)).OnlineStatus == OnlineStatus.Offline, "the other one knows that too");
        await using var again = await agent.ListenAsync();
        await Eventually.TrueAsync(async () => (await atWorker.GetAgentAsync(agent.AgentId)).OnlineStatus == OnlineStatus.Online, "and that it is back");
        await _desk.StopAsync();
        (await atWorker.GetAgentAsync(agent.AgentId)).OnlineStatus.Should().Be(OnlineStatus.Offline, "it was connected to nobody else");
    }

    [Fact]
    public async Task One_with_another_master_key_is_refused()
    {
        var start = () => RelayerServer.StartAsync(_chain, $"Database={_database}", OtherKey);
        (await start.Should().ThrowAsync<InvalidOperationException>()).WithMessage("*another master key*MasterKey*");
    }

    private SetupClient Setup() => new(new Config { BaseUrl = _desk.Url }, _worker.OperatorKey);

    private async Task<Party> AgentAsync(SetupClient setup, string name)
    {
        var created = await setup.CreateSpenderAsync(name);
        return new Party(created.Agent, created.SdkKey, new AgentClient(new Config { BaseUrl = _desk.Url }, created.SdkKey));
    }
}
