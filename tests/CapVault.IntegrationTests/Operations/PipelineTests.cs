using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>A relayer with one lane, several bundles of which may be on their way.</summary>
public sealed class PipelinedSandbox() : Sandbox(["Lanes=1", "InFlight=3", "BundleAgeMilliseconds=0"]);

/// <summary>Bundles, and operations of one nonce lane, do not wait for each other to be mined.</summary>
public sealed class PipelineTests(PipelinedSandbox sandbox) : IClassFixture<PipelinedSandbox>
{
    [Fact]
    public async Task Several_bundles_of_a_lane_are_on_their_way_at_once_up_to_a_limit()
    {
        var pairs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => sandbox.NewPairAsync()));
        var orders = await Task.WhenAll(pairs.Select(pair => pair.CreateOrderAsync()));
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        for (var index = 0; index < 3; index++)
        {
            await PayAsync(pairs[index].Requester, orders[index]);
            await sandbox.Chain.Node.HasPendingAsync(transactions: index + 1);
        }

        await PayAsync(pairs[3].Requester, orders[3]);
        await sandbox.Chain.Node.MineAsync();
        var paid = await Task.WhenAll(Enumerable.Range(0, 3).Select(index => IsAsync(OrderStatus.Paid, pairs[index].Requester, orders[index])));
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        var receipts = await Task.WhenAll(paid.Select(order => sandbox.Chain.ReceiptAsync(order.PayTxHash)));
        receipts.Select(receipt => receipt.BlockNumber.Value).Distinct().Should().ContainSingle();
        receipts.Select(receipt => receipt.TransactionHash).Should().OnlyHaveUniqueItems();
        mining.Resume();
        await IsAsync(OrderStatus.Paid, pairs[3].Requester, orders[3]);
    }

    [Fact]
    public async Task The_next_operation_of_a_nonce_lane_is_sent_before_the_one_before_it_is_mined()
    {
        var pair = await sandbox.NewPairAsync();
        var (first, second) = await TwoOrdersOfOneLaneAsync(pair, pair);
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();

        await PayAsync(pair.Requester, first);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        var accepted = await PayAsync(pair.Requester, second);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();

        accepted.Should().HaveLength(66, "its sequence follows one that is still on its way");
        var paid = new[] { await IsAsync(OrderStatus.Paid, pair.Requester, first), await IsAsync(OrderStatus.Paid, pair.Requester, second) };
        var operations = new List<UserOperationEventEventDTO>();
        foreach (var order in paid)
        {
            operations.AddRange((await sandbox.Chain.ReceiptAsync(order.PayTxHash)).OperationsOf(pair.Requester.Wallet));
        }

        operations[1].Nonce.Should().Be(operations[0].Nonce + 1);
        operations[1].UserOpHash.ToHex(prefix: true).Should().Be(accepted);
    }

    [Fact]
    public async Task A_direct_call_of_incrementNonce_costs_nobody_anything()
    {
        var pair = await sandbox.NewPairAsync();
        var others = await sandbox.NewPairAsync();
        var (first, second) = await TwoOrdersOfOneLaneAsync(pair, pair);
        var othersOrder = await others.CreateOrderAsync();
        var key = UserOperations.ExecutorKey(first.ChainOrderId.HexToByteArray());

        await VoidNextPlaceAsync(pair.Requester, key);

        var paid = await Task.WhenAll(
            pair.Requester.Client.PayOrderAsync(first.OrderId), pair.Requester.Client.PayOrderAsync(second.OrderId), others.Requester.Client.PayOrderAsync(othersOrder.OrderId));

        paid.Should().OnlyContain(result => result.Order.Status == OrderStatus.Paid && result.Order.LastFailure == null);
        (await NonceOfAsync(pair.Requester, key)).Should().Be(UserOperations.Nonce(key, 5), "two creations, a place that was voided, two payments");
    }

    [Fact]
    public async Task What_was_signed_for_a_place_that_the_Owner_has_voided_ends_with_a_reason()
    {
        var executor = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(requesterKey: executor);
        var order = await pair.CreateOrderAsync();
        var requester = new SelfHeldApi(sandbox.Api, pair.Requester, executor);
        var prepared = await requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        await VoidNextPlaceAsync(pair.Requester, UserOperations.ExecutorKey(order.ChainOrderId.HexToByteArray()));

        var failed = SelfHeldApi.OrderOf(await requester.SubmitAsync(prepared, wait: 30));

        failed.Status.Should().Be(OrderStatus.Created);
        failed.LastFailure!.Reason.Should().Contain("another one used its place").And.Contain("prepare the step again");
        (await requester.TakeAsync(order.OrderId, OrderStep.Pay)).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task Behind_an_Owner_who_changes_the_Executor_steps_wait_and_are_signed_by_the_new_one()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var rotating = sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), executor: null);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        var before = await PayAsync(pair.Requester, order);
        mining.Resume();

        await rotating;
        var paid = await IsAsync(OrderStatus.Paid, pair.Requester, order);
        paid.LastFailure.Should().BeNull();
        (await sandbox.Chain.ReceiptAsync(paid.PayTxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle()
            .Which.UserOpHash.ToHex(prefix: true).Should().NotBe(before, "the Executor that had signed was replaced before");
    }

    // As the Owner, at the EntryPoint itself: no log says so.
    private async Task VoidNextPlaceAsync(Party party, int key)
    {
        var before = await NonceOfAsync(party, key);
        await sandbox.Chain.OwnerCallsAsync(party.Wallet, sandbox.Chain.Deployment.EntryPoint, new IncrementNonceFunction { Key = key });
        await Eventually.TrueAsync(async () => await NonceOfAsync(party, key) == before + 1, "the place is used");
    }

    private Task<BigInteger> NonceOfAsync(Party party, int key) => sandbox.Chain.Web3.Eth.GetContractQueryHandler<GetNonceFunction>()
        .QueryAsync<BigInteger>(sandbox.Chain.Deployment.EntryPoint, new GetNonceFunction { Sender = party.Wallet, Key = key });

    private async Task<string?> PayAsync(Party party, Sdk.Order order)
    {
        var answer = await sandbox.Api.PostAsync(party.Key, $"orders/{order.OrderId}/pay");
        ((int)answer.Status).Should().Be(202, answer.Body);
        return answer.Data.GetProperty("pending").GetProperty("userOpHash").GetString();
    }

    private static async Task<Sdk.Order> IsAsync(OrderStatus status, Party party, Sdk.Order order)
    {
        var seen = order;
        await Eventually.TrueAsync(async () => (seen = await party.Client.GetOrderAsync(order.OrderId)).Status == status, () => $"the order is {status}; it is {seen.Status}, {seen.LastFailure?.Reason}");
        return seen;
    }

    /// <summary>Orders of one Requester whose steps share a nonce lane: ids are known before anything is on chain.</summary>
    internal static async Task<(Sdk.Order First, Sdk.Order Second)> TwoOrdersOfOneLaneAsync(Pair one, Pair other)
    {
        var seen = new Dictionary<int, Negotiation>();
        while (true)
        {
            var negotiation = await one.NegotiateAsync();
            var matching = await other.NegotiateAsync();
            seen[UserOperations.ExecutorKey(negotiation.ChainOrderId.HexToByteArray())] = negotiation;
            if (seen.TryGetValue(UserOperations.ExecutorKey(matching.ChainOrderId.HexToByteArray()), out var earlier))
            {
                return (
                    (await one.Provider.Client.AcceptNegotiationAsync(earlier.NegotiationId)).Order,
                    (await other.Provider.Client.AcceptNegotiationAsync(matching.NegotiationId)).Order);
            }
        }
    }
}
