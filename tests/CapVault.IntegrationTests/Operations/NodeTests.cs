using System.Net;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Model;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>A node that goes away, forgets, or has heard from somebody else with the same key.</summary>
public sealed class NodeTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task While_the_node_is_away_steps_are_kept_and_the_rest_is_refused()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var way = new NodeProxy(chain.RpcUrl);
        await using var relayer = await RelayerServer.StartAsync(chain, $"RpcUrl={way.Url}");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        using var api = new RawApi(relayer.Url);
        var requester = await NewAgentAsync("requester");
        var provider = await NewAgentAsync("provider");
        await setup.FaucetAsync(requester.Wallet, "1.00");
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        var pair = new Pair(requester, provider, service);
        var order = await pair.CreatePaidOrderAsync();

        await way.CutAsync();
        var delivering = await api.PostAsync(provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"x"}""");
        var negotiating = await api.PostAsync(requester.Key, "orders/negotiate", $$"""{"serviceId":"{{service.ServiceId}}"}""");
        var reading = await api.GetAsync(requester.Key, $"orders/{order.OrderId}");

        delivering.Status.Should().Be(HttpStatusCode.Accepted, "a promise needs no node");
        negotiating.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        negotiating.Code.Should().Be(ErrorCodes.RelayerUnavailable);
        negotiating.Headers.RetryAfter.Should().NotBeNull();
        reading.Data.GetProperty("status").GetString().Should().Be("delivering");
        (await requester.Client.ListNegotiationsAsync(new())).Items.Should().ContainSingle("the refused one left nothing");

        way.Mend();
        (await pair.DeliverAsync(order.OrderId, "x")).Status.Should().Be(OrderStatus.Completed);

        async Task<Party> NewAgentAsync(string name)
        {
            var created = await setup.CreateSpenderAsync(name);
            return new Party(created.Agent, created.SdkKey, new AgentClient(new Config { BaseUrl = relayer.Url }, created.SdkKey));
        }
    }

    [Fact]
    public async Task A_transaction_that_the_node_has_forgotten_is_sent_again_as_it_was()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var txHash = (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Pending!.TxHash;

        await sandbox.Chain.Node.RequestAsync<object>("anvil_dropAllTransactions");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();

        (await paying).TxHash.Should().Be(txHash);
    }

    [Fact]
    public async Task A_nonce_that_somebody_else_has_used_costs_time_and_nothing_else()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var first = await pair.Requester.Client.GetOrderAsync(order.OrderId);

        // A second relayer with the same key, and more money to spend.
        var lane = sandbox.LaneOf(pair.Requester);
        var nonce = (await sandbox.Chain.Web3.Eth.Transactions.GetTransactionCount.SendRequestAsync(lane.Address)).Value;
        var foreign = new Transaction1559(
            sandbox.Chain.Deployment.ChainId, nonce, 10_000_000_000, 50_000_000_000, 21_000, TestKeys.Stranger.GetPublicAddress(), 1, "", []);
        await sandbox.Chain.Web3.Eth.Transactions.SendRawTransaction.SendRequestAsync(new Transaction1559Signer().SignTransaction(lane.Key, foreign));
        mining.Resume();

        var paid = await paying;
        paid.TxHash.Should().NotBe(first.Pending!.TxHash);
        (await sandbox.Chain.ReceiptAsync(paid.TxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle()
            .Which.UserOpHash.ToHex(prefix: true).Should().Be(first.Pending.UserOpHash, "it is the same operation in another transaction");
        (await sandbox.Chain.LogsAsync<OrderPaidEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await pair.DeliverAsync(order.OrderId)).Status.Should().Be(OrderStatus.Completed, "the lane goes on");
    }

    [Fact]
    public async Task A_nonce_that_a_reorganisation_frees_again_holds_nothing_up()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerServer.StartAsync(chain, "Lanes=1", "FinalityBlocks=2", "ResendMilliseconds=200");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        await using var mining = await chain.Node.StopMiningAsync();
        await setup.CreateAgentAsync(new() { Name = "first", Owner = TestKeys.Human.GetPublicAddress() });
        await chain.Node.HasPendingAsync(transactions: 1);

        // Somebody else uses the nonce of what was sent, which then goes at the next one.
        var nonce = (await chain.Web3.Eth.Transactions.GetTransactionCount.SendRequestAsync(TestKeys.Lane.GetPublicAddress())).Value;
        var foreign = new Transaction1559(chain.Deployment.ChainId, nonce, 10_000_000_000, 50_000_000_000, 21_000, TestKeys.Stranger.GetPublicAddress(), 1, "", []);
        await chain.Web3.Eth.Transactions.SendRawTransaction.SendRequestAsync(new Transaction1559Signer().SignTransaction(TestKeys.Lane, foreign));
        for (var block = 0; block < 4; block++)
        {
            await chain.Node.MineAsync();
        }

        await chain.Node.HasPendingAsync(transactions: 1);
        await chain.Node.MineAsync();
        await Eventually.TrueAsync(async () => (await setup.ListAgentsAsync(new())).Items.Single().Deployed, "it is deployed");

        // Both are taken back, and only ours is sent again: behind a nonce that nobody has.
        await chain.Node.RequestAsync<object>("anvil_reorg", 5, Array.Empty<object>());
        await Eventually.TrueAsync(async () => !(await setup.ListAgentsAsync(new())).Items.Single().Deployed, "it is taken back");
        mining.Resume();

        await Eventually.TrueAsync(async () => (await setup.ListAgentsAsync(new())).Items.Single().Deployed, "it is deployed again");
    }
}
