using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Util;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.IntegrationTests;

/// <summary>Orders that go past the relayer: the chain is everybody's.</summary>
public sealed class OutsideOrdersTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task A_Provider_serves_a_Requester_that_is_no_agent_of_ours()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync(); // the Provider's account is deployed then
        await using var provider = await pair.Provider.ListenAsync();
        var person = TestKeys.Human;
        var order = await TermsAsync(person.GetPublicAddress(), pair.Provider.Wallet);
        await sandbox.Setup.FaucetAsync(person.GetPublicAddress(), "1.00");
        await sandbox.Chain.UsdcAs(person).ApproveRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Vault, order.Amount);

        // The person sends the call itself, which is its consent; the Provider's was got elsewhere.
        await sandbox.Chain.VaultAs(person).CreateOrderRequestAndWaitForReceiptAsync(order, [], await sandbox.ConsentAsync(order, pair.Provider));
        var created = await provider.HearAsync(e => e.Type == EventType.OrderCreated && e.NegotiationId is null, "an order without negotiation");
        created.RequesterAgentId.Should().BeNull();
        await sandbox.Chain.VaultAs(person).PayOrderRequestAndWaitForReceiptAsync(order);
        await provider.HearAsync(EventType.OrderPaid, created.OrderId!);
        var delivered = await pair.DeliverAsync(created.OrderId!, "for you, whoever you are");

        delivered.Should().BeEquivalentTo(new
        {
            Status = OrderStatus.Completed,
            RequesterWalletAddress = person.GetPublicAddress(),
            RequesterAgentId = (string?)null,
            NegotiationId = (string?)null,
            ChainOrderId = sandbox.OrderIdOf(order).ToHex(prefix: true),
        });
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(900_000);
        (await pair.Provider.Client.ListOrdersAsync(new())).Items.Should().Contain(o => o.OrderId == delivered.OrderId);
    }

    [Fact]
    public async Task A_step_that_its_party_takes_past_the_relayer_is_heard_and_ends_what_is_on_its_way()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        await using var requester = await pair.Requester.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var delivering = pair.DeliverAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        // The person behind the Provider rejects with the account's own hand, in the same block and first.
        await sandbox.Chain.OwnerCallsAsync(pair.Provider.Wallet, sandbox.Chain.Deployment.Vault, new RejectOrderFunction { Order = order.Terms.ToChain(), ReasonHash = new byte[32] });
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        mining.Resume();

        await delivering.Invoking(task => task).Should().ThrowAsync<CapApiException>();
        var told = await requester.HearAsync(EventType.OrderRejected, order.OrderId);
        told.Reason.Should().BeNull("its text was not said to us");
        (await pair.Requester.Client.GetOrderAsync(order.OrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Rejected, FinalStatus = FinalStatus.Refunded, RefundAmount = "1.00" });
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(1_000_000);
    }

    private async Task<ChainOrder> TermsAsync(string requester, string provider)
    {
        var head = await sandbox.Chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(BlockParameter.CreateLatest());
        return new ChainOrder
        {
            Requester = requester,
            Provider = provider,
            Token = sandbox.Chain.Deployment.Usdc,
            Arbiter = AddressUtil.ZERO_ADDRESS,
            Approver = AddressUtil.ZERO_ADDRESS,
            CommissionTo = AddressUtil.ZERO_ADDRESS,
            Amount = 1_000_000,
            FeeBps = 1000,
            PayDeadline = (ulong)head.Timestamp.Value + 1000,
            SlaSeconds = 600,
            TermsHash = new byte[32],
            Salt = 1,
        };
    }
}
