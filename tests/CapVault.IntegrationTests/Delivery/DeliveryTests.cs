using System.Net;
using System.Text.Json;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;

namespace CapVault.IntegrationTests;

/// <summary>From paid to paid out.</summary>
public sealed class DeliveryTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR18_The_content_is_there_as_soon_as_its_transaction_is()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        var accepted = await sandbox.Api.PostAsync(
            pair.Provider.Key, $"orders/{order.OrderId}/deliver", """{"deliverableType":"text","deliverableText":"Voilà."}""");
        accepted.Status.Should().Be(HttpStatusCode.Accepted);
        accepted.Data.GetProperty("status").GetString().Should().Be("delivering");
        var seen = await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}?wait=30");
        var delivery = await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}/delivery");

        seen.Data.GetProperty("deliverTxHash").GetString().Should().HaveLength(66);
        delivery.Status.Should().Be(HttpStatusCode.OK);
        delivery.Data.GetProperty("deliverableText").GetString().Should().Be("Voilà.");
    }

    [Theory]
    [InlineData("The deliverable.")]
    [InlineData("Déjà vu, 你好, 🤖\nsecond line\t ")]
    public async Task CR19_The_hash_on_chain_is_what_cast_computes(string text)
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreatePaidOrderAsync();

        var delivered = await pair.DeliverAsync(order.OrderId, text);

        var expected = (await Repository.RunAsync(Repository.Tool("cast"), ["keccak", text])).Trim();
        var log = (await sandbox.Chain.LogsAsync<OrderDeliveredEventDTO>(order.ChainOrderId)).Should().ContainSingle().Which;
        log.Event.DeliverableHash.ToHex(prefix: true).Should().Be(expected);
        delivered.DeliverableHash.Should().Be(expected);
        (await sandbox.Chain.StateOfAsync(order.ChainOrderId)).HashPrefix.Should().Equal(expected.HexToByteArray().Take(25));
        (await sandbox.Chain.Vault.IsDeliveredQueryAsync(order.ChainOrderId.HexToByteArray(), expected.HexToByteArray())).Should().BeTrue();
    }

    [Fact]
    public async Task CR21_The_price_is_split_between_the_Provider_and_the_treasury()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var order = await pair.CreatePaidOrderAsync();
        order.FeeBps.Should().Be(1000);

        var delivered = await pair.DeliverAsync(order.OrderId);

        var block = (ulong)(await sandbox.Chain.ReceiptAsync(delivered.ClearTxHash)).BlockNumber.Value;
        (await GrowthAsync(block, at => sandbox.Chain.Usdc.BalanceOfQueryAsync(pair.Provider.Wallet, at))).Should().Be(900_000);
        (await GrowthAsync(block, async at => (await sandbox.Chain.Vault.TokenConfigQueryAsync(sandbox.Chain.Deployment.Usdc, at)).AccruedFees)).Should().Be(100_000);

        var treasuryBefore = await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Treasury);
        var accrued = (await sandbox.Chain.Vault.TokenConfigQueryAsync(sandbox.Chain.Deployment.Usdc)).AccruedFees;
        await sandbox.Chain.VaultAs(TestKeys.Stranger).SweepFeesRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc);

        (await sandbox.Chain.UsdcOfAsync(sandbox.Chain.Deployment.Treasury) - treasuryBefore).Should().Be(accrued).And.BeGreaterThanOrEqualTo(100_000);
        (await sandbox.Chain.Vault.TokenConfigQueryAsync(sandbox.Chain.Deployment.Usdc)).AccruedFees.Should().Be(0);
        delivered.Should().BeEquivalentTo(new { FeeAmount = "0.10", ProviderAmount = "0.90" });
    }

    [Fact]
    public async Task CR22_A_completed_order_is_final()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = await pair.Requester.ListenAsync();
        var order = await pair.CompleteOrderAsync();
        var terms = order.Terms.ToChain();

        (await requester.HearAsync(EventType.OrderCompleted, order.OrderId)).Status.Should().Be("completed");
        foreach (var caller in new[] { pair.Requester.Wallet, pair.Provider.Wallet, TestKeys.Stranger.GetPublicAddress() })
        {
            foreach (var refusal in new[]
            {
                await sandbox.Chain.RefusalAsync(new CreateOrderFunction { Order = terms, RequesterSig = [], ProviderSig = [] }, caller),
                await sandbox.Chain.RefusalAsync(new PayOrderFunction { Order = terms }, caller),
                await sandbox.Chain.RefusalAsync(new DeliverOrderFunction { Order = terms, DeliverableHash = order.DeliverableHash.HexToByteArray() }, caller),
                await sandbox.Chain.RefusalAsync(new RejectOrderFunction { Order = terms, ReasonHash = new byte[32] }, caller),
                await sandbox.Chain.RefusalAsync(new ExpireOrderFunction { Order = terms }, caller),
            })
            {
                refusal!.Value.Should().BeOfType<WrongPhaseError>().Which.Phase.Should().Be((byte)Phase.Clear);
            }
        }
    }

    [Fact]
    public async Task CR23_A_delivery_that_reverts_once_is_repeated_and_settles_once()
    {
        var pair = await sandbox.NewPairAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var delivering = pair.DeliverAsync(order.OrderId, "again");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await using (await sandbox.Chain.BreakAsync(sandbox.Chain.Deployment.Vault))
        {
            await sandbox.Chain.Node.MineAsync();
        }

        (await delivering.Invoking(task => task).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.DeliverReverted);
        var failed = await pair.Provider.Client.GetOrderAsync(order.OrderId);
        failed.Status.Should().Be(OrderStatus.Paid);
        failed.LastFailure.Should().BeEquivalentTo(new { Code = ErrorCodes.DeliverReverted, Op = OrderStep.Deliver });
        (await sandbox.Chain.ReceiptAsync(failed.LastFailure!.TxHash)).OperationsOf(pair.Provider.Wallet).Should().ContainSingle().Which.Success.Should().BeFalse();
        await provider.HearAsync(EventType.OrderDeliverFailed, order.OrderId);
        var early = await sandbox.Api.GetAsync(pair.Requester.Key, $"orders/{order.OrderId}/delivery");
        early.Code.Should().Be(ErrorCodes.InvalidState, "what is not on chain is not handed out");

        mining.Resume();
        var delivered = await pair.DeliverAsync(order.OrderId, "again");

        delivered.Should().BeEquivalentTo(new { Status = OrderStatus.Completed, LastFailure = (object?)null });
        (await sandbox.Chain.LogsAsync<OrderClearedEventDTO>(order.ChainOrderId)).Should().ContainSingle();
        (await sandbox.Chain.LogsAsync<OrderDeliveredEventDTO>(order.ChainOrderId)).Should().ContainSingle()
            .Which.Event.DeliverableHash.ToHex(prefix: true).Should().Be(delivered.DeliverableHash);
    }

    [Fact]
    public async Task CR24_The_deliverable_is_for_the_parties_once_it_is_on_chain()
    {
        var pair = await sandbox.NewPairAsync();
        var stranger = await sandbox.NewAgentAsync("stranger");
        var order = await pair.CreatePaidOrderAsync();

        foreach (var party in new[] { pair.Requester, pair.Provider })
        {
            var early = await sandbox.Api.GetAsync(party.Key, $"orders/{order.OrderId}/delivery");
            early.Status.Should().Be(HttpStatusCode.Conflict);
            early.Code.Should().Be(ErrorCodes.InvalidState);
        }

        await pair.DeliverAsync(order.OrderId, "for your eyes");

        foreach (var party in new[] { pair.Requester, pair.Provider })
        {
            (await party.Client.GetDeliveryAsync(order.OrderId)).Should().BeEquivalentTo(new { DeliverableText = "for your eyes", HashVerified = true });
        }

        var peek = await sandbox.Api.GetAsync(stranger.Key, $"orders/{order.OrderId}/delivery");
        peek.Status.Should().Be(HttpStatusCode.NotFound);
        peek.Code.Should().Be(ErrorCodes.OrderNotFound);
    }

    [Fact]
    public async Task A_payout_that_cannot_be_pushed_waits_for_its_account_and_blocks_nobody()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();
        var order = await pair.CreatePaidOrderAsync();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Provider.Wallet);
        await sandbox.FollowedAsync();

        var delivered = await pair.DeliverAsync(order.OrderId);

        delivered.Should().BeEquivalentTo(new { Status = OrderStatus.Completed, ProviderAmount = "0.90", LastFailure = (object?)null });
        var told = await provider.HearAsync(EventType.PayoutDeferred, order.OrderId);
        told.Data!.Value.GetProperty("account").GetString().Should().BeEquivalentTo(pair.Provider.Wallet);
        told.Data.Value.GetProperty("amount").GetString().Should().Be("900000");
        (await sandbox.Chain.UsdcOfAsync(pair.Provider.Wallet)).Should().Be(0);
        (await sandbox.Chain.Vault.ClaimableQueryAsync(sandbox.Chain.Deployment.Usdc, pair.Provider.Wallet)).Should().Be(900_000);
        await pair.CatchUpAsync(requester, provider);
        requester.Types.Should().Contain(EventType.OrderCompleted).And.NotContain(EventType.PayoutDeferred, "it is not its account");
    }

    [Fact]
    public async Task CR44_A_JSON_value_is_hashed_in_its_canonical_form_and_has_its_own_field()
    {
        var pair = await sandbox.NewPairAsync(deliverableType: DeliverableType.Schema);
        var order = await pair.CreatePaidOrderAsync();
        var value = JsonSerializer.Deserialize<JsonElement>("""{ "b": [1.50, true, null], "a": "é" }""");

        await pair.Provider.Client.DeliverOrderAsync(order.OrderId, new() { DeliverableType = DeliverableType.Schema, DeliverableSchema = value });

        var delivery = await pair.Requester.Client.GetDeliveryAsync(order.OrderId);
        delivery.HashVerified.Should().BeTrue();
        delivery.Should().BeEquivalentTo(new { DeliverableType = DeliverableType.Schema, DeliverableText = (string?)null, HashScheme = HashScheme.Schema, Status = "accepted" });
        delivery.SubmittedAt.Should().BeBefore(delivery.VerifiedAt!.Value.AddSeconds(1));
        delivery.DeliverableSchema!.Value.GetProperty("a").GetString().Should().Be("é");
        delivery.ContentHash.Should().Be((await Repository.RunAsync(Repository.Tool("cast"), ["keccak", """{"a":"é","b":[1.5,true,null]}"""])).Trim());
    }

    private static async Task<System.Numerics.BigInteger> GrowthAsync(ulong block, Func<BlockParameter, Task<System.Numerics.BigInteger>> amount) =>
        await amount(new BlockParameter(block)) - await amount(new BlockParameter(block - 1));
}
