using System.Numerics;
using CapVault.Relayer.Chain;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>From where the relayer sends: whose keys it starts with, who funds them, and what becomes of what others were to send.</summary>
public sealed class LaneKeyTests : IAsyncLifetime
{
    private SandboxChain _chain = null!;

    public async Task InitializeAsync() => _chain = await SandboxChain.StartAsync();

    public async Task DisposeAsync() => await _chain.DisposeAsync();

    [Fact]
    public async Task One_funded_address_is_enough_for_a_pool()
    {
        // A key of Anvil's, whose lanes nobody has funded.
        await using var relayer = await RelayerServer.StartAsync(_chain, $"LaneKey={TestKeys.Treasury.GetPrivateKey()}", "Lanes=3");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        var lanes = LaneKey.Derive(TestKeys.Treasury.GetPrivateKey(), 3);

        var accounts = new List<string>();
        while (accounts.Select(account => LaneOf(lanes, account).Lane).Distinct().Count() < 3)
        {
            accounts.Add((await setup.CreateSpenderAsync("agent")).Agent.WalletAddress); // deployed, and its limits set by an operation of its own lane
        }

        var status = await setup.GetStatusAsync();
        status.Lanes.Select(lane => lane.Address).Should().Equal(lanes.Select(lane => lane.Address));
        status.Lanes.Should().OnlyContain(lane => BigInteger.Parse(lane.Balance!) > BigInteger.Pow(10, 16));
        foreach (var lane in lanes)
        {
            (await _chain.Web3.Eth.Transactions.GetTransactionCount.SendRequestAsync(lane.Address)).Value.Should().BeGreaterThan(0);
        }
    }

    [Fact]
    public async Task With_another_LaneKey_everything_that_waited_goes_from_the_new_one_or_ends_with_a_reason()
    {
        await using var relayer = await RelayerServer.StartAsync(_chain, "Lanes=1", "InFlight=1");
        using var setup = new SetupClient(new Config { BaseUrl = relayer.Url }, relayer.OperatorKey);
        using var api = new RawApi(relayer.Url);
        var executor = EthECKey.GenerateKey();
        var (requester, holder, provider) = (await AgentAsync("requester"), await AgentAsync("holder", executor), await AgentAsync("provider"));
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        var (held, own) = (new Pair(requester, provider, service), new Pair(holder, provider, service));
        var (sent, waiting, signed, prepared) = (await held.CreateOrderAsync(), await held.CreateOrderAsync(), await own.CreateOrderAsync(), await own.CreateOrderAsync());
        var signer = new SelfHeldApi(api, holder, executor);
        await using (await _chain.Node.StopMiningAsync())
        {
            await api.PostAsync(requester.Key, $"orders/{sent.OrderId}/pay");
            await _chain.Node.HasPendingAsync(transactions: 1);
            await api.PostAsync(requester.Key, $"orders/{waiting.OrderId}/pay");
            await signer.SubmitAsync(await signer.PrepareAsync(signed.OrderId, OrderStep.Pay));
            var late = await signer.PrepareAsync(prepared.OrderId, OrderStep.Pay);
            await relayer.StopAsync();
            await _chain.Node.RequestAsync<object>("anvil_dropAllTransactions");

            await relayer.StartAsync($"LaneKey={TestKeys.Treasury.GetPrivateKey()}", "Lanes=2");

            var refused = await signer.SubmitAsync(late);
            (refused.Code, refused.Message).Should().Be((ErrorCodes.PreparationExpired, "The relayer sends from other addresses now than the one that this operation names. Prepare the step again."));
            var failed = (await holder.Client.GetOrderAsync(signed.OrderId)).LastFailure!;
            (failed.Code, failed.Reason).Should().Be((ErrorCodes.RelayFailed, "the relayer sends from other addresses now, and the operation was signed for one of before; prepare the step again"));
        }

        (await _chain.ReceiptAsync((await PaidAsync(requester, sent)).PayTxHash)).From.Should().BeEquivalentTo(TestKeys.Lane.GetPublicAddress(), "what the old one had sent is seen through");
        var lane = LaneOf(LaneKey.Derive(TestKeys.Treasury.GetPrivateKey(), 2), requester.Wallet);
        var paid = await PaidAsync(requester, waiting);
        (await _chain.ReceiptAsync(paid.PayTxHash)).From.Should().BeEquivalentTo(lane.Address);
        paid.LastFailure.Should().BeNull();
        foreach (var order in new[] { signed, prepared })
        {
            (await signer.TakeAsync(order.OrderId, OrderStep.Pay)).Status.Should().Be(OrderStatus.Paid);
        }

        async Task<Party> AgentAsync(string name, EthECKey? key = null)
        {
            var created = await setup.CreateSpenderAsync(name, key);
            await setup.FaucetAsync(created.Agent.WalletAddress, "10.00");
            var config = new Config { BaseUrl = relayer.Url, RpcUrl = _chain.RpcUrl };
            return new Party(created.Agent, created.SdkKey, new AgentClient(
                key is null ? config : config with { Executor = new ExecutorSigner(created.Agent.WalletAddress, key), Deployment = _chain.Deployment }, created.SdkKey));
        }
    }

    [Fact]
    public async Task It_does_not_start_with_a_key_that_the_paymaster_refuses_or_that_others_can_use()
    {
        await FluentActions.Awaiting(() => RelayerServer.StartAsync(_chain, $"SponsorKey={TestKeys.Stranger.GetPrivateKey()}"))
            .Should().ThrowAsync<InvalidOperationException>().WithMessage($"SponsorKey is the key of {TestKeys.Stranger.GetPublicAddress()}*takes signatures of {TestKeys.Sponsor.GetPublicAddress()}*");

        await _chain.Node.RequestAsync<object>("anvil_setCode", TestKeys.Lanes[0].Address, "0xef0100" + _chain.Deployment.Vault[2..]);
        await FluentActions.Awaiting(() => RelayerServer.StartAsync(_chain))
            .Should().ThrowAsync<InvalidOperationException>().WithMessage($"Lane 1, {TestKeys.Lanes[0].Address}, has code*");

        await FluentActions.Awaiting(() => RelayerServer.StartAsync(_chain, "BundleGas=16300000"))
            .Should().ThrowAsync<Microsoft.Extensions.Options.OptionsValidationException>().WithMessage("*BundleGas*16200000*");
    }

    private static async Task<Sdk.Order> PaidAsync(Party party, Sdk.Order order)
    {
        await Eventually.TrueAsync(async () => (await party.Client.GetOrderAsync(order.OrderId)).Status == OrderStatus.Paid, "the order is paid");
        return await party.Client.GetOrderAsync(order.OrderId);
    }

    private static LaneKey LaneOf(IReadOnlyList<LaneKey> lanes, string account) =>
        lanes[(int)(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(account.HexToByteArray()) % (uint)lanes.Count)];
}
