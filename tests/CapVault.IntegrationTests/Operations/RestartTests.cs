using System.Net;
using CapVault.Sdk;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.IntegrationTests;

/// <summary>A relayer that is stopped and started again on its data.</summary>
public sealed class RestartTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task It_knows_the_chains_time_while_it_catches_up()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Relayer.StopAsync();
        await sandbox.Chain.Node.RequestAsync<object>("anvil_mine", "0x400", "0x2"); // 1 024 blocks, 2 s apart
        var now = (long)(await sandbox.Chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(BlockParameter.CreateLatest())).Timestamp.Value;
        await sandbox.Relayer.StartAsync();

        var negotiation = await pair.NegotiateAsync();
        var late = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay");
        var catchingUp = await sandbox.Setup.GetStatusAsync();

        catchingUp.Block.Should().BeLessThan(catchingUp.ChainHead, "it is still catching up, or this proves nothing");
        negotiation.Terms.PayDeadline.Should().BeInRange(now + 900 + 1800, now + 900 + 1800 + 30);
        late.Status.Should().Be(HttpStatusCode.Accepted, "there is time left, and the operation waits for its turn");
        mining.Resume();
        (await pair.Requester.Client.PayOrderAsync(order.OrderId)).Order.Should().BeEquivalentTo(new { Status = OrderStatus.Paid, LastFailure = (object?)null });
    }

    [Fact]
    public async Task Streams_are_told_that_it_restarts()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var (stream, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var socket = stream;

        var stopping = sandbox.Relayer.StopAsync();
        await stream.ReadToCloseAsync();
        await stopping;
        await sandbox.Relayer.StartAsync();

        stream.CloseCode.Should().Be(1012);
    }
}
