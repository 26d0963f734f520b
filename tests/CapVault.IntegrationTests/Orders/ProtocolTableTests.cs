using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.IntegrationTests;

/// <summary>
/// The protocol's table exists in Solidity and in C#. Here both judge every cell: each step, from each phase with each flag under all kinds of terms, by each
/// actor, before, at and after the deadline.
/// </summary>
public sealed class ProtocolTableTests : IAsyncLifetime
{
    private const int Sla = 300;
    private const int Review = 400;
    private const int RulingWindow = 30 * 24 * 3600;
    private const int Price = 1_000_000;

    private static readonly byte[] Hash = [.. Enumerable.Repeat((byte)7, 32)];

    private static readonly Call[] Calls =
    [
        new(OrderStep.Create), new(OrderStep.CreateAndPay), new(OrderStep.Pay), new(OrderStep.Approve), new(OrderStep.Deliver), new(OrderStep.Release), new(OrderStep.Dispute),
        new(OrderStep.Resolve), new(OrderStep.Resolve, Refunds: true), new(OrderStep.Reject), new(OrderStep.Expire),
    ];

    private readonly EthECKey _requester = EthECKey.GenerateKey();
    private readonly EthECKey _provider = EthECKey.GenerateKey();
    private readonly EthECKey _arbiter = EthECKey.GenerateKey();
    private readonly EthECKey _approver = EthECKey.GenerateKey();
    private SandboxChain _chain = null!;
    private ulong _salt;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        // Accounts of people this time: they call the vault themselves.
        foreach (var key in new[] { _requester, _provider, _arbiter, _approver })
        {
            await _chain.Node.RequestAsync<object>("anvil_setBalance", key.GetPublicAddress(), "0xde0b6b3a7640000");
        }

        await _chain.UsdcAs(TestKeys.Owner).MintRequestAndWaitForReceiptAsync(_requester.GetPublicAddress(), 1_000_000_000);
        await _chain.UsdcAs(_requester).ApproveRequestAndWaitForReceiptAsync(_chain.Deployment.Vault, 1_000_000_000);
    }

    public async Task DisposeAsync() => await _chain.DisposeAsync();

    [Fact]
    public async Task CR61_Every_call_outside_the_table_reverts_and_the_relayer_judges_each_cell_as_the_vault_does()
    {
        var cells = 0;
        var verdicts = new HashSet<Verdict>();
        foreach (var wanted in Standings())
        {
            var (order, standing) = await OrderInAsync(wanted);
            foreach (var call in Calls)
            {
                foreach (var actor in Enum.GetValues<Actor>())
                {
                    foreach (var now in new[] { standing.Deadline - 1, standing.Deadline, standing.Deadline + 1 })
                    {
                        var found = VerdictOf(await RefusalAsync(call, order, actor, now));

                        Protocol.Judge(call.Step, standing, actor, now, call.Refunds).Should().Be(
                            found, "the vault says so when the {0} takes {1} in {2} at deadline {3}", actor, call, standing, now - standing.Deadline);
                        verdicts.Add(found);
                        cells++;
                    }
                }
            }
        }

        cells.Should().Be(37 * 11 * 5 * 3);
        verdicts.Should().BeEquivalentTo(Enum.GetValues<Verdict>(), "each of them is somebody's answer");
    }

    [Fact]
    public async Task Every_allowed_step_leads_where_the_table_says()
    {
        foreach (var wanted in Standings())
        {
            var (order, standing) = await OrderInAsync(wanted);
            await using var mining = await _chain.Node.StopMiningAsync();
            foreach (var (call, actor, now) in
                from call in Calls
                from actor in Enum.GetValues<Actor>()
                from now in new[] { standing.Deadline, standing.Deadline + 1 }
                where Protocol.Judge(call.Step, standing, actor, now, call.Refunds) == Verdict.Allowed
                select (call, actor, now))
            {
                var before = await _chain.Node.RequestAsync<string>("evm_snapshot");
                await SendAsync(call, order, KeyOf(actor));
                await _chain.Node.HasPendingAsync(transactions: 1);
                await _chain.Node.MineAsync(time: now);

                (await PhaseOfAsync(order)).Should().Be(Protocol.To(call.Step, standing, call.Refunds), "{0} takes {1} in {2}", actor, call, standing);
                (await _chain.Node.RequestAsync<bool>("evm_revert", before)).Should().BeTrue();
            }

            mining.Resume();
        }
    }

    /// <summary>All that the table can be asked about; the deadlines come with the orders.</summary>
    private static IEnumerable<Standing> Standings() =>
        from reviewed in new[] { false, true }
        from gated in new[] { false, true }
        from phase in Enum.GetValues<Phase>()
        from approved in new[] { false, true }
        from disputed in new[] { false, true }
        let standing = new Standing(phase, 0) { IsReviewed = reviewed, IsGated = gated, IsApproved = approved, IsDisputed = disputed }
        where IsReachable(standing)
        select standing;

    private static bool IsReachable(Standing order) => order switch
    {
        { IsApproved: true, IsGated: false } or { IsDisputed: true, IsReviewed: false } => false,
        { Phase: Phase.None } => !order.IsApproved && !order.IsDisputed,
        { Phase: Phase.Negotiation } => !order.IsDisputed,
        { Phase: Phase.Lock } => true,
        { Phase: Phase.Deliver } => order.IsReviewed && order.IsApproved == order.IsGated,
        { Phase: Phase.Dispute } => order.IsDisputed && order.IsApproved == order.IsGated,
        // What is over is over, however it came to it.
        _ => !order.IsDisputed && order.IsApproved == order.IsGated,
    };

    /// <summary>An order that has gone the way there, and the deadline that counts.</summary>
    private async Task<(ChainOrder Order, Standing Standing)> OrderInAsync(Standing wanted)
    {
        var order = await NewOrderAsync(wanted);
        var deadline = (long)order.PayDeadline;
        if (wanted.Phase != Phase.None)
        {
            await TakeAsync(OrderStep.Create, order, _requester);
        }

        if (wanted.IsApproved)
        {
            await TakeAsync(OrderStep.Approve, order, _approver);
        }

        if (wanted.Phase is Phase.Lock or Phase.Deliver or Phase.Dispute or Phase.Clear)
        {
            await TakeAsync(OrderStep.Pay, order, _requester);
            deadline = await SinceAsync(order) + Sla;
        }

        if (wanted.IsDisputed && wanted.Phase != Phase.Dispute)
        {
            await TakeAsync(OrderStep.Dispute, order, _provider);
        }

        if (wanted.Phase is Phase.Deliver or Phase.Dispute or Phase.Clear)
        {
            await TakeAsync(OrderStep.Deliver, order, _provider);
            deadline = await SinceAsync(order) + Review;
        }

        if (wanted.Phase == Phase.Dispute)
        {
            await TakeAsync(OrderStep.Dispute, order, _requester);
            deadline = await SinceAsync(order) + RulingWindow;
        }
        else if (wanted.Phase == Phase.Clear && wanted.IsReviewed)
        {
            await TakeAsync(OrderStep.Release, order, _requester);
        }
        else if (wanted.Phase == Phase.Rejected)
        {
            await TakeAsync(OrderStep.Reject, order, _provider);
        }
        else if (wanted.Phase == Phase.Expired)
        {
            await _chain.Node.MineAsync(time: deadline + 1);
            await TakeAsync(OrderStep.Expire, order, TestKeys.Stranger);
        }

        var state = await _chain.Vault.OrderStateQueryAsync(OrderIdOf(order));
        (wanted with { Phase = (Phase)state.Phase, IsApproved = state.Approved, IsDisputed = state.Disputed }).Should().Be(wanted, "that is where the order should be");
        return (order, wanted with { Deadline = deadline });
    }

    private async Task<ChainOrder> NewOrderAsync(Standing wanted)
    {
        var head = await _chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(Nethereum.RPC.Eth.DTOs.BlockParameter.CreateLatest());
        return new ChainOrder
        {
            Requester = _requester.GetPublicAddress(),
            Provider = _provider.GetPublicAddress(),
            Token = _chain.Deployment.Usdc,
            Arbiter = wanted.IsReviewed ? _arbiter.GetPublicAddress() : AddressUtil.ZERO_ADDRESS,
            Approver = wanted.IsGated ? _approver.GetPublicAddress() : AddressUtil.ZERO_ADDRESS,
            CommissionTo = wanted.IsReviewed ? TestKeys.Treasury.GetPublicAddress() : AddressUtil.ZERO_ADDRESS,
            Amount = Price,
            FeeBps = 1000,
            CommissionBps = (ushort)(wanted.IsReviewed ? 100 : 0),
            PayDeadline = (ulong)head.Timestamp.Value + 1000,
            SlaSeconds = Sla,
            ReviewSeconds = (uint)(wanted.IsReviewed ? Review : 0),
            TermsHash = Hash,
            Salt = ++_salt,
        };
    }

    private async Task<long> SinceAsync(ChainOrder order) => (long)(await _chain.Vault.OrderStateQueryAsync(OrderIdOf(order))).Since;

    private async Task TakeAsync(OrderStep step, ChainOrder order, EthECKey key)
    {
        var txHash = await SendAsync(new Call(step), order, key);
        await Eventually.TrueAsync(
            async () => await _chain.Web3.Eth.Transactions.GetTransactionReceipt.SendRequestAsync(txHash) is { } receipt
                && (receipt.Status.Value == 1 ? true : throw new InvalidOperationException($"{step} reverted.")),
            $"{step} is mined");
    }

    private Task<string> SendAsync(Call call, ChainOrder order, EthECKey key) => call.Step.Value switch
    {
        "create" => SendAsync(Create(order), key),
        "create_and_pay" => SendAsync(CreateAndPay(order), key),
        "pay" => SendAsync(new PayOrderFunction { Order = order }, key),
        "approve" => SendAsync(new ApproveOrderFunction { Order = order }, key),
        "deliver" => SendAsync(new DeliverOrderFunction { Order = order, DeliverableHash = Hash }, key),
        "release" => SendAsync(new ReleaseOrderFunction { Order = order }, key),
        "dispute" => SendAsync(new DisputeOrderFunction { Order = order, ReasonHash = Hash }, key),
        "resolve" => SendAsync(Resolve(order, call), key),
        "reject" => SendAsync(new RejectOrderFunction { Order = order, ReasonHash = Hash }, key),
        _ => SendAsync(new ExpireOrderFunction { Order = order }, key),
    };

    private Task<string> SendAsync<T>(T function, EthECKey key)
        where T : FunctionMessage, new() => _chain.SendFirstAsync(key, _chain.Deployment.Vault, function);

    private Task<ContractError?> RefusalAsync(Call call, ChainOrder order, Actor actor, long now)
    {
        var from = KeyOf(actor).GetPublicAddress();
        return call.Step.Value switch
        {
            "create" => _chain.RefusalAsync(Create(order), from, now),
            "create_and_pay" => _chain.RefusalAsync(CreateAndPay(order), from, now),
            "pay" => _chain.RefusalAsync(new PayOrderFunction { Order = order }, from, now),
            "approve" => _chain.RefusalAsync(new ApproveOrderFunction { Order = order }, from, now),
            "deliver" => _chain.RefusalAsync(new DeliverOrderFunction { Order = order, DeliverableHash = Hash }, from, now),
            "release" => _chain.RefusalAsync(new ReleaseOrderFunction { Order = order }, from, now),
            "dispute" => _chain.RefusalAsync(new DisputeOrderFunction { Order = order, ReasonHash = Hash }, from, now),
            "resolve" => _chain.RefusalAsync(Resolve(order, call), from, now),
            "reject" => _chain.RefusalAsync(new RejectOrderFunction { Order = order, ReasonHash = Hash }, from, now),
            _ => _chain.RefusalAsync(new ExpireOrderFunction { Order = order }, from, now),
        };
    }

    private static ResolveDisputeFunction Resolve(ChainOrder order, Call call) =>
        new() { Order = order, ProviderPart = call.Refunds ? 0 : Price / 2, ReasonHash = Hash };

    // With both consents: whoever brings them may create.
    private CreateOrderFunction Create(ChainOrder order)
    {
        var orderId = OrderIdOf(order);
        return new CreateOrderFunction { Order = order, RequesterSig = Sign(_requester, orderId), ProviderSig = Sign(_provider, orderId) };
    }

    private CreateAndPayOrderFunction CreateAndPay(ChainOrder order) => new() { Order = order, ProviderSig = Sign(_provider, OrderIdOf(order)) };

    private static byte[] Sign(EthECKey key, byte[] orderId) => EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(orderId)).HexToByteArray();

    private byte[] OrderIdOf(ChainOrder order) => new OrderTypedData(_chain.Deployment.ChainId, _chain.Deployment.Vault).OrderId(order);

    private async Task<Phase> PhaseOfAsync(ChainOrder order) => (Phase)(await _chain.Vault.OrderStateQueryAsync(OrderIdOf(order))).Phase;

    private EthECKey KeyOf(Actor actor) => actor switch
    {
        Actor.Requester => _requester,
        Actor.Provider => _provider,
        Actor.Arbiter => _arbiter,
        Actor.Approver => _approver,
        _ => TestKeys.Stranger,
    };

    private static Verdict VerdictOf(ContractError? refusal) => refusal is null ? Verdict.Allowed
        : Enum.TryParse<Verdict>(refusal.Name, out var verdict) ? verdict
        : throw new InvalidOperationException($"Found {refusal}, which the table does not know.");

    private sealed record Call(OrderStep Step, bool Refunds = false);
}
