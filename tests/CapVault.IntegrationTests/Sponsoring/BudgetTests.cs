using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>At 1 gwei: a deployment is promised 0.00015 ETH, an Owner's action 0.00028, a creation 0.00028, a payment 0.0003, a delivery 0.000605, a rejection 0.00058.</summary>
public sealed class BudgetSandbox() : PolicySandbox(
    """{"open":true,"caps":{"maxFeeGwei":1,"maxPriorityFeeGwei":1},"budgets":{"global":"1","perOwner":"0.01","newOwner":"0.002","perAgent":"0.008","perKey":"0.01"}}""");

/// <summary>Gas that is promised, what it comes to, and who may not have more of it.</summary>
public sealed class BudgetTests(BudgetSandbox sandbox) : IClassFixture<BudgetSandbox>
{
    [Fact]
    public async Task An_Owner_that_has_used_its_budget_up_waits_for_the_next_day()
    {
        var (pair, owner) = await NewOwnersAsync();
        var paid = await pair.CreatePaidOrderAsync();
        var unpaid = await pair.CreateOrderAsync();
        await sandbox.QuietAsync();
        await SpendAsync(pair.Requester, "0.0019");
        var before = await sandbox.CountRowsAsync();

        var refused = await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{unpaid.OrderId}/pay");

        (refused.Status, refused.Code).Should().Be((HttpStatusCode.TooManyRequests, ErrorCodes.SponsorBudgetExceeded), refused.Body);
        refused.Message.Should().Contain("this agent's Owner").And.Contain("0.002 ETH").And.Contain("The next day begins at");
        var resetsAt = refused.Detail("resetsAt").GetDateTimeOffset();
        var now = DateTimeOffset.FromUnixTimeSeconds((await sandbox.Setup.GetStatusAsync()).ChainTime);
        resetsAt.Should().Be(new DateTimeOffset(now.Date.AddDays(1), TimeSpan.Zero));
        (await sandbox.CountRowsAsync()).Should().Equal(before, "nothing is half done");
        // What is not paid for holds no money, so to reject it is no exit; neither is what an Owner does.
        (await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{unpaid.OrderId}/reject", """{"reason":"x"}""")).Code.Should().Be(ErrorCodes.SponsorBudgetExceeded);
        await sandbox.Setup.Invoking(setup => setup.SetLimitsAsync(pair.Requester.AgentId, new OwnerSigner(pair.Requester.Wallet, owner), "1.00", "1.00"))
            .Should().ThrowAsync<CapApiException>().Where(e => e.Code == ErrorCodes.SponsorBudgetExceeded);
        (await sandbox.Setup.Invoking(setup => setup.CreateAgentAsync(new() { Name = "one more", Owner = owner.GetPublicAddress() })).Should().ThrowAsync<CapApiException>())
            .Which.Code.Should().Be(ErrorCodes.SponsorBudgetExceeded, "a deployment costs gas too");

        // The Requester's money comes back all the same.
        (await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/{paid.OrderId}/reject?wait=30", """{"reason":"x"}""")).Data.GetProperty("status").GetString().Should().Be("rejected");
        await sandbox.QuietAsync();
        await sandbox.BudgetsFitTheLedgerAsync();

        await sandbox.Setup.AdvanceClockAsync((int)(resetsAt - now).TotalSeconds + 1);
        var next = await pair.CreateOrderAsync();
        (await pair.Requester.Client.PayOrderAsync(next.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_first_completed_order_raises_the_budget()
    {
        var (pair, _) = await NewOwnersAsync();
        await SpendAsync(pair.Requester, "0.0005");
        var order = await pair.CompleteOrderAsync();
        order.Status.Should().Be(OrderStatus.Completed);
        await SpendAsync(pair.Requester, "0.003");

        (await pair.CreatePaidOrderAsync()).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_promise_counts_until_a_block_says_what_it_came_to()
    {
        var (pair, _) = await NewOwnersAsync();
        var order = await pair.CreateOrderAsync();
        await sandbox.QuietAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = pair.Requester.Client.PayOrderAsync(order.OrderId);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);

        (await sandbox.LedgerOfAsync(pair.Requester)).Should().ContainSingle(row => row.State == "RESERVED").Which.Should().BeEquivalentTo(new { Reserved = 300_000L, Cost = (long?)null });
        (await sandbox.Setup.GetStatusAsync()).PaymasterPromised.Should().Be("300000000000000");
        await sandbox.BudgetsFitTheLedgerAsync();

        await sandbox.Chain.Node.MineAsync();
        var operation = (await sandbox.Chain.ReceiptAsync((await paying).TxHash)).OperationsOf(pair.Requester.Wallet).Should().ContainSingle().Subject;
        await SettledAsync(operation);

        // Taken back with its block, it is a promise again.
        await sandbox.Chain.Node.RequestAsync<object>("anvil_reorg", 1, Array.Empty<object>());
        await Eventually.TrueAsync(async () => (await RowAsync(operation)).State == "RESERVED", "it counts in full again");
        await sandbox.BudgetsFitTheLedgerAsync();
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        await Eventually.TrueAsync(async () => (await RowAsync(operation)).State == "SETTLED", "it is settled again");
        await sandbox.BudgetsFitTheLedgerAsync();
        mining.Resume();
    }

    [Fact]
    public async Task What_never_lands_counts_for_nothing()
    {
        var (pair, _) = await NewOwnersAsync(requesterKey: EthECKey.GenerateKey());
        var order = await pair.CreateOrderAsync();
        var requester = new SelfHeldApi(sandbox.Api, pair.Requester, EthECKey.GenerateKey());
        await sandbox.QuietAsync();

        var first = await requester.PrepareAsync(order.OrderId, OrderStep.Pay);
        (await requester.PrepareAsync(order.OrderId, OrderStep.Pay)).UserOpHash.Should().Be(first.UserOpHash, "a repeat promises nothing new");
        await sandbox.Setup.AdvanceClockAsync(400);
        var second = await requester.PrepareAsync(order.OrderId, OrderStep.Pay);

        (await StateAsync(first.UserOpHash)).Should().Be("RELEASED", "the second takes its place");
        (await StateAsync(second.UserOpHash)).Should().Be("RESERVED");
        await sandbox.Setup.AdvanceClockAsync(700);
        await Eventually.TrueAsync(async () => await StateAsync(second.UserOpHash) == "RELEASED", "its time is over");
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    /// <summary>Validation passes, and the call would revert: it is never sent, and costs nobody anything.</summary>
    [Fact]
    public async Task What_would_revert_is_not_paid_for()
    {
        var (pair, _) = await NewOwnersAsync();
        var order = await pair.CreateOrderAsync();
        await sandbox.QuietAsync();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).BlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
        var deposit = (await sandbox.Setup.GetStatusAsync()).PaymasterDeposit;

        for (var attempt = 0; attempt < 5; attempt++)
        {
            (await sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30")).Data.GetProperty("lastFailure").GetProperty("code").GetString().Should().Be(ErrorCodes.PayReverted);
        }

        (await sandbox.Setup.GetStatusAsync()).PaymasterDeposit.Should().Be(deposit);
        (await sandbox.LedgerOfAsync(pair.Requester)).Count(row => row.State == "RELEASED").Should().Be(5);
        await sandbox.BudgetsFitTheLedgerAsync();
        await sandbox.Chain.UsdcAs(TestKeys.Owner).UnBlacklistRequestAndWaitForReceiptAsync(pair.Requester.Wallet);
        await sandbox.FollowedAsync();
    }

    /// <summary>A payment that reverts in its block, since somebody came first, is charged to who asked for it.</summary>
    [Fact]
    public async Task What_reverts_in_a_block_is_charged_to_its_agent()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00", price: "1.00");
        var order = await pair.CreateOrderAsync();
        await sandbox.QuietAsync();
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var paying = sandbox.Api.PostAsync(pair.Requester.Key, $"orders/{order.OrderId}/pay?wait=30");
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.WithdrawAllAsync(pair.Requester.Wallet);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 2);
        await sandbox.Chain.Node.MineAsync();
        mining.Resume();

        var failure = (await paying).Data.GetProperty("lastFailure");
        failure.GetProperty("code").GetString().Should().Be(ErrorCodes.PayReverted);
        await SettledAsync((await sandbox.Chain.ReceiptAsync(failure.GetProperty("txHash").GetString())).OperationsOf(pair.Requester.Wallet).Single());
    }

    [Fact]
    public async Task Many_agents_of_a_new_Owner_have_one_budget()
    {
        var owner = EthECKey.GenerateKey();
        var made = 0;
        RawAnswer answer;
        do
        {
            answer = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "agents", $$"""{"name":"sybil","owner":"{{owner.GetPublicAddress()}}"}""");
        }
        while (answer.Status == HttpStatusCode.Created && ++made < 100);

        answer.Code.Should().Be(ErrorCodes.SponsorBudgetExceeded);
        made.Should().BeInRange(12, 60, "0.002 ETH are thirteen deployments that are on their way, and some more once they cost less");
    }

    private Task<LedgerRow> RowAsync(UserOperationEventEventDTO operation) => RowAsync(operation.UserOpHash);

    private async Task<LedgerRow> RowAsync(byte[] hash) => (await sandbox.LedgerAsync()).Single(row => row.UserOpHash.AsSpan().SequenceEqual(hash));

    private async Task<string> StateAsync(string hash) => (await RowAsync(hash.HexToByteArray())).State;

    private async Task SettledAsync(UserOperationEventEventDTO operation)
    {
        (await RowAsync(operation)).Should().BeEquivalentTo(new { State = "SETTLED", Cost = Ledger.Gwei(operation.ActualGasCost) });
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    /// <summary>A pair of an Owner of its own, who is new.</summary>
    private async Task<(Pair Pair, EthECKey Owner)> NewOwnersAsync(EthECKey? requesterKey = null)
    {
        var owner = EthECKey.GenerateKey();
        var (requester, provider) = (await NewPartyAsync("requester", owner, requesterKey), await NewPartyAsync("provider", owner));
        await sandbox.Setup.SetLimitsAsync(requester.AgentId, new OwnerSigner(requester.Wallet, owner), "10.00", "100.00");
        await sandbox.Setup.FaucetAsync(requester.Wallet, "3.00");
        var service = await sandbox.Setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 3000 });
        return (new Pair(requester, provider, service), owner);
    }

    private async Task<Party> NewPartyAsync(string name, EthECKey owner, EthECKey? executor = null)
    {
        var created = await sandbox.Setup.CreateAgentAsync(new() { Name = name, Owner = owner.GetPublicAddress(), Executor = executor?.GetPublicAddress() });
        var config = executor is null
            ? sandbox.Config
            : sandbox.Config with { Executor = new ExecutorSigner(created.Agent.WalletAddress, executor), Deployment = sandbox.Chain.Deployment };
        return new Party(created.Agent, created.SdkKey, new AgentClient(config, created.SdkKey));
    }

    /// <summary>As if another operation of it had cost this much today.</summary>
    private async Task SpendAsync(Party party, string eth)
    {
        var ledger = sandbox.Relayer.Services.GetRequiredService<SponsorLedger>();
        var row = await sandbox.Relayer.Services.GetRequiredService<CapVault.Relayer.Accounts.Agents>().FindAsync(party.AgentId, CancellationToken.None);
        var hash = RandomNumberGenerator.GetBytes(32);
        await sandbox.Relayer.Services.GetRequiredService<Db>().WriteAsync(
            async tx =>
            {
                await ledger.ReserveAsync(tx, hash, row!.Account, new Payer(row.AgentId, row.Owner), (long)(decimal.Parse(eth, CultureInfo.InvariantCulture) * 1_000_000_000), long.MaxValue);
                await ledger.SettleAsync(tx, hash, cost: null, blockNumber: 0);
            },
            CancellationToken.None);
    }
}
