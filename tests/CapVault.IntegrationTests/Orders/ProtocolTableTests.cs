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
/// The protocol's table exists in Solidity and in C#. Here both judge every cell: each step, from each phase, by each actor, before, at and
/// after the deadline.
/// </summary>
public sealed class ProtocolTableTests : IAsyncLifetime
{
    private const int Sla = 300;

    // Reviewed and disputed orders are of a later profile: the vault has no way into those phases yet.
    private static readonly Phase[] Phases = [Phase.None, Phase.Negotiation, Phase.Lock, Phase.Clear, Phase.Rejected, Phase.Expired];
    private static readonly OrderStep[] Steps = [OrderStep.Create, OrderStep.Pay, OrderStep.Deliver, OrderStep.Reject, OrderStep.Expire];
    private static readonly byte[] Hash = [.. Enumerable.Repeat((byte)7, 32)];

    private readonly EthECKey _requester = EthECKey.GenerateKey();
    private readonly EthECKey _provider = EthECKey.GenerateKey();
    private SandboxChain _chain = null!;
    private ulong _salt;

    public async Task InitializeAsync()
    {
        _chain = await SandboxChain.StartAsync();
        // Accounts of people this time: they call the vault themselves.
        foreach (var key in new[] { _requester, _provider })
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
        foreach (var phase in Phases)
        {
            var (order, deadline) = await OrderInAsync(phase);
            (await PhaseOfAsync(order)).Should().Be(phase);
            foreach (var step in Steps)
            {
                foreach (var actor in Enum.GetValues<Actor>())
                {
                    foreach (var now in new[] { deadline - 1, deadline, deadline + 1 })
                    {
                        var found = VerdictOf(await RefusalAsync(step, order, actor, now));

                        Protocol.Judge(step, phase, actor, now, deadline).Should().Be(
                            found, "the vault says so when the {0} takes {1} in {2} at deadline {3}", actor, step, phase, now - deadline);
                        cells++;
                    }
                }
            }
        }

        cells.Should().Be(6 * 5 * 3 * 3);
    }

    [Fact]
    public async Task Every_allowed_step_leads_where_the_table_says()
    {
        foreach (var phase in Phases)
        {
            var (order, deadline) = await OrderInAsync(phase);
            await using var mining = await _chain.Node.StopMiningAsync();
            foreach (var (step, actor) in Steps.SelectMany(step => Enum.GetValues<Actor>().Select(actor => (step, actor))))
            {
                var now = step == OrderStep.Expire ? deadline + 1 : deadline;
                if (Protocol.Judge(step, phase, actor, now, deadline) != Verdict.Allowed)
                {
                    continue;
                }

                var before = await _chain.Node.RequestAsync<string>("evm_snapshot");
                await SendAsync(step, order, KeyOf(actor));
                await _chain.Node.HasPendingAsync(transactions: 1);
                await _chain.Node.MineAsync(time: now);

                (await PhaseOfAsync(order)).Should().Be(Protocol.To(step, phase), "{0} takes {1} in {2}", actor, step, phase);
                (await _chain.Node.RequestAsync<bool>("evm_revert", before)).Should().BeTrue();
            }

            mining.Resume();
        }
    }

    /// <summary>An order that has gone the way to a phase, and the deadline that counts there.</summary>
    private async Task<(ChainOrder Order, long Deadline)> OrderInAsync(Phase phase)
    {
        var order = await NewOrderAsync();
        var deadline = (long)order.PayDeadline;
        if (phase == Phase.None)
        {
            return (order, deadline);
        }

        await TakeAsync(OrderStep.Create, order, _requester);
        if (phase is Phase.Lock or Phase.Clear)
        {
            await TakeAsync(OrderStep.Pay, order, _requester);
            deadline = (long)(await _chain.Vault.OrderStateQueryAsync(OrderIdOf(order))).Since + Sla;
        }

        if (phase == Phase.Clear)
        {
            await TakeAsync(OrderStep.Deliver, order, _provider);
        }
        else if (phase == Phase.Rejected)
        {
            await TakeAsync(OrderStep.Reject, order, _provider);
        }
        else if (phase == Phase.Expired)
        {
            await _chain.Node.MineAsync(time: deadline + 1);
            await TakeAsync(OrderStep.Expire, order, TestKeys.Stranger);
        }

        return (order, deadline);
    }

    private async Task<ChainOrder> NewOrderAsync()
    {
        var head = await _chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(Nethereum.RPC.Eth.DTOs.BlockParameter.CreateLatest());
        return new ChainOrder
        {
            Requester = _requester.GetPublicAddress(),
            Provider = _provider.GetPublicAddress(),
            Token = _chain.Deployment.Usdc,
            Arbiter = AddressUtil.ZERO_ADDRESS,
            Approver = AddressUtil.ZERO_ADDRESS,
            CommissionTo = AddressUtil.ZERO_ADDRESS,
            Amount = 1_000_000,
            FeeBps = 1000,
            CommissionBps = 0,
            PayDeadline = (ulong)head.Timestamp.Value + 1000,
            SlaSeconds = Sla,
            ReviewSeconds = 0,
            TermsHash = Hash,
            Salt = ++_salt,
        };
    }

    private async Task TakeAsync(OrderStep step, ChainOrder order, EthECKey key)
    {
        var txHash = await SendAsync(step, order, key);
        await Eventually.TrueAsync(
            async () => await _chain.Web3.Eth.Transactions.GetTransactionReceipt.SendRequestAsync(txHash) is { } receipt
                && (receipt.Status.Value == 1 ? true : throw new InvalidOperationException($"{step} reverted.")),
            $"{step} is mined");
    }

    private Task<string> SendAsync(OrderStep step, ChainOrder order, EthECKey key) => step switch
    {
        _ when step == OrderStep.Create => SendAsync(Create(order), key),
        _ when step == OrderStep.Pay => SendAsync(new PayOrderFunction { Order = order }, key),
        _ when step == OrderStep.Deliver => SendAsync(new DeliverOrderFunction { Order = order, DeliverableHash = Hash }, key),
        _ when step == OrderStep.Reject => SendAsync(new RejectOrderFunction { Order = order, ReasonHash = Hash }, key),
        _ => SendAsync(new ExpireOrderFunction { Order = order }, key),
    };

    private Task<string> SendAsync<T>(T call, EthECKey key)
        where T : FunctionMessage, new() => _chain.SendFirstAsync(key, _chain.Deployment.Vault, call);

    private Task<ContractError?> RefusalAsync(OrderStep step, ChainOrder order, Actor actor, long now)
    {
        var from = KeyOf(actor).GetPublicAddress();
        return step switch
        {
            _ when step == OrderStep.Create => _chain.RefusalAsync(Create(order), from, now),
            _ when step == OrderStep.Pay => _chain.RefusalAsync(new PayOrderFunction { Order = order }, from, now),
            _ when step == OrderStep.Deliver => _chain.RefusalAsync(new DeliverOrderFunction { Order = order, DeliverableHash = Hash }, from, now),
            _ when step == OrderStep.Reject => _chain.RefusalAsync(new RejectOrderFunction { Order = order, ReasonHash = Hash }, from, now),
            _ => _chain.RefusalAsync(new ExpireOrderFunction { Order = order }, from, now),
        };
    }

    // With both consents: whoever brings them may create.
    private CreateOrderFunction Create(ChainOrder order)
    {
        var orderId = OrderIdOf(order);
        return new CreateOrderFunction { Order = order, RequesterSig = Sign(_requester, orderId), ProviderSig = Sign(_provider, orderId) };
    }

    private static byte[] Sign(EthECKey key, byte[] orderId) => EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(orderId)).HexToByteArray();

    private byte[] OrderIdOf(ChainOrder order) => new OrderTypedData(_chain.Deployment.ChainId, _chain.Deployment.Vault).OrderId(order);

    private async Task<Phase> PhaseOfAsync(ChainOrder order) => (Phase)(await _chain.Vault.OrderStateQueryAsync(OrderIdOf(order))).Phase;

    private EthECKey KeyOf(Actor actor) => actor switch
    {
        Actor.Requester => _requester,
        Actor.Provider => _provider,
        _ => TestKeys.Stranger,
    };

    private static Verdict VerdictOf(ContractError? refusal) => refusal?.Name switch
    {
        null => Verdict.Allowed,
        "WrongPhase" => Verdict.WrongPhase,
        "Unauthorized" => Verdict.Unauthorized,
        "TooLate" => Verdict.TooLate,
        "TooEarly" => Verdict.TooEarly,
        _ => throw new InvalidOperationException($"Found {refusal}, which the table does not know."),
    };
}
