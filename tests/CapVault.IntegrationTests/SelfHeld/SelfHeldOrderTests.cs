using System.Net;
using CapVault.Contracts.AgentAccount;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Whole orders of agents whose Executor stays with them, with the SDK as it stands.</summary>
public sealed class SelfHeldOrderTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task An_order_settles_whoever_holds_its_Executor(bool requesterHolds, bool providerHolds)
    {
        var (requesterKey, providerKey) = (requesterHolds ? EthECKey.GenerateKey() : null, providerHolds ? EthECKey.GenerateKey() : null);
        var pair = await sandbox.NewPairAsync(funds: "5.00", price: "1.00", requesterKey: requesterKey, providerKey: providerKey);
        (pair.Requester.Agent.SelfHeld, pair.Provider.Agent.SelfHeld).Should().Be((requesterHolds, providerHolds));
        await using var requester = await pair.Requester.ListenAsync(audience: "all");
        await using var provider = await pair.Provider.ListenAsync(audience: "all");

        var negotiation = await pair.NegotiateAsync(new { text = "Hello" });
        negotiation.Awaiting.Should().Be(Role.Provider);
        var seen = await pair.Provider.Client.GetNegotiationAsync(negotiation.NegotiationId);
        var created = (await pair.Provider.Client.AcceptNegotiationAsync(seen)).Order;
        var paid = await pair.Requester.Client.PayOrderAsync(created.OrderId);
        var delivered = await pair.Provider.Client.DeliverOrderAsync(created.OrderId, Pair.Text("Bonjour"));

        var delivery = await pair.Requester.Client.GetDeliveryAsync(created.OrderId);
        (delivery.DeliverableText, delivery.HashVerified).Should().Be(("Bonjour", true));
        delivered.Order.Should().BeEquivalentTo(new { Status = OrderStatus.Completed, FinalStatus = FinalStatus.Done, LastFailure = (object?)null });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(4_000_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
        EventType[] story = [EventType.NegotiationCreated, EventType.NegotiationAccepted, EventType.OrderCreated, EventType.OrderPaid, EventType.OrderCompleted];
        await requester.HearAsync(EventType.OrderCompleted, created.OrderId);
        await provider.HearAsync(EventType.OrderCompleted, created.OrderId);
        requester.Types.Should().Equal(story);
        provider.Types.Should().Equal(story);

        // On chain: whose account acted, by whose key.
        var creation = await sandbox.Chain.ReceiptAsync(created.CreateTxHash);
        sandbox.Relayer.Services.GetRequiredService<ChainContext>().IsLane(creation.From.HexToByteArray()).Should().BeTrue();
        creation.To.Should().BeEquivalentTo(requesterHolds ? sandbox.Chain.Deployment.Vault : sandbox.Chain.Deployment.EntryPoint, "the relayer's own address creates where it cannot make the account do so");
        creation.OperationsOf(pair.Requester.Wallet).Should().HaveCount(requesterHolds ? 0 : 1);
        (await sandbox.Chain.ReceiptAsync(paid.TxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Which.Success.Should().BeTrue();
        (await sandbox.Chain.ReceiptAsync(delivered.TxHash)).OperationsOf(pair.Provider.Wallet).Should().ContainSingle().Which.Success.Should().BeTrue();
        foreach (var (party, key) in new[] { (pair.Requester, requesterKey), (pair.Provider, providerKey) }.Where(side => side.Item2 is not null))
        {
            (await new AgentAccountService(sandbox.Chain.Web3, party.Wallet).ExecutorQueryAsync()).Should().BeEquivalentTo(key!.GetPublicAddress());
        }
    }

    [Fact]
    public async Task Rejections_give_the_money_back()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", requesterKey: EthECKey.GenerateKey(), providerKey: EthECKey.GenerateKey());
        var unpaid = await pair.CreateOrderAsync();
        var paid = await pair.CreatePaidOrderAsync();

        var byRequester = await pair.Requester.Client.RejectOrderAsync(unpaid.OrderId, "changed my mind");
        var byProvider = await pair.Provider.Client.RejectOrderAsync(paid.OrderId, "too busy");

        byRequester.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, RejectReason = "changed my mind" });
        byProvider.Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, RejectReason = "too busy", FinalStatus = FinalStatus.Refunded });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    [Fact]
    public async Task Repeating_a_call_gives_the_first_result()
    {
        var pair = await sandbox.NewPairAsync(requesterKey: EthECKey.GenerateKey(), providerKey: EthECKey.GenerateKey());
        var order = await pair.CreateOrderAsync();

        var payments = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => pair.Requester.Client.PayOrderAsync(order.OrderId)));
        var again = await pair.Requester.Client.PayOrderAsync(order.ChainOrderId);
        await pair.DeliverAsync(order.OrderId, "x");
        var deliveredAgain = await pair.DeliverAsync(order.OrderId, "x");
        var other = () => pair.DeliverAsync(order.OrderId, "y");

        payments.Select(payment => payment.TxHash).Distinct(StringComparer.Ordinal).Should().ContainSingle().Which.Should().Be(again.TxHash);
        deliveredAgain.Status.Should().Be(OrderStatus.Completed);
        (await other.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.AlreadyDelivered);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(99_000_000);
    }

    [Fact]
    public async Task Many_orders_go_on_at_once()
    {
        var pair = await sandbox.NewPairAsync(requesterKey: EthECKey.GenerateKey(), providerKey: EthECKey.GenerateKey());

        var orders = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => pair.CompleteOrderAsync()));

        orders.Should().OnlyContain(order => order.Status == OrderStatus.Completed && order.LastFailure == null);
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(24 * 900_000);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0x0000000000000000000000000000000000000000")]
    [InlineData("0x12")]
    public async Task An_Executor_is_an_address(string executor)
    {
        var answer = await sandbox.Api.PostAsync(
            sandbox.Relayer.OperatorKey, "agents", $$"""{"name":"x","owner":"{{TestKeys.Human.GetPublicAddress()}}","executor":"{{executor}}"}""");

        (answer.Status, answer.Code, answer.Detail("field").GetString()).Should().Be((HttpStatusCode.BadRequest, ErrorCodes.ValidationError, "executor"));
    }

    [Fact]
    public async Task Another_master_key_is_noticed_although_the_newest_agent_has_no_key_under_it()
    {
        await sandbox.NewAgentAsync("held");
        await sandbox.NewAgentAsync("self-held", EthECKey.GenerateKey());
        await sandbox.Relayer.StopAsync();
        try
        {
            var starting = () => sandbox.Relayer.StartAsync($"MasterKey=0x{new string('1', 64)}");
            (await starting.Should().ThrowAsync<InvalidOperationException>()).WithMessage("The master key*");
        }
        finally
        {
            await sandbox.Relayer.StartAsync();
        }
    }

    [Fact]
    public async Task The_relayer_never_has_their_key()
    {
        var (requesterKey, providerKey) = (EthECKey.GenerateKey(), EthECKey.GenerateKey());
        var pair = await sandbox.NewPairAsync(requesterKey: requesterKey, providerKey: providerKey);
        await pair.CompleteOrderAsync();

        var stored = await sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            async connection => (await connection.QueryAsync<byte[]>(
                "SELECT executor_key FROM agent WHERE agent_id IN @ids", new { ids = new[] { pair.Requester.AgentId, pair.Provider.AgentId } })).AsList(),
            CancellationToken.None);

        stored.Should().HaveCount(2).And.OnlyContain(key => key.Length == 0);
        await sandbox.Relayer.StopAsync(); // so that everything is in the files
        try
        {
            var files = Directory.GetFiles(sandbox.Relayer.DataDirectory).SelectMany(File.ReadAllBytes).ToArray();
            files.AsSpan().IndexOf(pair.Requester.Wallet.HexToByteArray()).Should().BePositive("this is the right place to look");
            foreach (var key in new[] { requesterKey, providerKey })
            {
                files.AsSpan().IndexOf(key.GetPrivateKeyAsBytes()).Should().Be(-1);
                files.AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(key.GetPrivateKeyAsBytes().ToHex())).Should().Be(-1);
            }
        }
        finally
        {
            await sandbox.Relayer.StartAsync();
        }
    }
}
