using System.Net;
using System.Numerics;
using CapVault.Contracts.CAPPaymaster;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Top-ups of 3 ETH a day at most.</summary>
public sealed class GriefedSandbox() : PolicySandbox(
    """{"open":true,"caps":{"maxFeeGwei":1,"maxPriorityFeeGwei":1},"budgets":{"global":"1","perOwner":"0.003","newOwner":"0.003","perAgent":"0.003","perKey":"1","topUps":"3"}}""",
    "SweepIntervalSeconds=1");

/// <summary>Who wants the sponsor's gas for nothing, and who wants the deposit gone.</summary>
public sealed class GriefingTests(GriefedSandbox sandbox) : IClassFixture<GriefedSandbox>
{
    /// <summary>Orders between one's own agents that nobody pays for: made and rejected for as long as the budget lasts, and not longer.</summary>
    [Fact]
    public async Task Invented_orders_end_with_their_Owners_budget()
    {
        var owner = EthECKey.GenerateKey();
        var (requester, provider) = (await NewPartyAsync(owner), await NewPartyAsync(owner));
        await sandbox.Setup.SetLimitsAsync(requester.AgentId, new OwnerSigner(requester.Wallet, owner), "1.00", "1.00");
        var service = await sandbox.Setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Nothing", Price = "1.00", SlaMinutes = 30 });
        var pair = new Pair(requester, provider, service);
        var made = 0;
        CapApiException? refusal = null;
        while (refusal is null && made < 60)
        {
            try
            {
                var order = await pair.CreateOrderAsync();
                await provider.Client.RejectOrderAsync(order.OrderId, "never mind");
                made++;
            }
            catch (CapApiException exception)
            {
                refusal = exception;
            }
        }

        refusal!.Code.Should().Be(ErrorCodes.SponsorBudgetExceeded);
        var spent = (await sandbox.LedgerAsync()).Where(row => row.AgentId == requester.AgentId || row.AgentId == provider.AgentId).Sum(row => row.State == "RELEASED" ? 0 : row.Cost ?? row.Reserved);
        spent.Should().BeLessThanOrEqualTo(3_000_000);
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    [Fact]
    public async Task A_deposit_that_is_drained_over_and_over_does_not_take_all_of_our_money()
    {
        var paymaster = new CAPPaymasterService(sandbox.Chain.As(TestKeys.Owner), sandbox.Chain.Deployment.Paymaster);
        var toppedUp = BigInteger.Zero;
        for (var round = 0; round < 3; round++)
        {
            var deposit = BigInteger.Parse((await sandbox.Setup.GetStatusAsync()).PaymasterDeposit!);
            toppedUp += round == 0 ? 0 : deposit;
            await paymaster.WithdrawRequestAndWaitForReceiptAsync(TestKeys.Owner.GetPublicAddress(), deposit);
            if (round < 2)
            {
                await Eventually.TrueAsync(async () => BigInteger.Parse((await sandbox.Setup.GetStatusAsync()).PaymasterDeposit!).Sign > 0, "it is filled up");
            }
        }

        await Eventually.TrueAsync(async () => (await sandbox.Setup.GetStatusAsync()).PaymasterAlarm is not null, "somebody is told");
        await sandbox.QuietAsync();

        toppedUp.Should().Be(3 * BigInteger.Pow(10, 18), "the cap of the day");
        var status = await sandbox.Setup.GetStatusAsync();
        status.PaymasterDeposit.Should().Be("0");
        status.PaymasterAlarm.Should().Contain("today's cap on top-ups").And.Contain("budgets.topUps");

        // The next day there is more.
        await sandbox.Setup.AdvanceClockAsync(86_400);
        await Eventually.TrueAsync(async () => BigInteger.Parse((await sandbox.Setup.GetStatusAsync()).PaymasterDeposit!).Sign > 0, "it is filled up");
        await Eventually.TrueAsync(async () => (await sandbox.Setup.GetStatusAsync()).PaymasterAlarm is null, "and nobody must look");
    }

    /// <summary>At most eight prepared operations, and each on the budget.</summary>
    [Fact]
    public async Task What_is_prepared_and_never_signed_is_bounded()
    {
        var executor = EthECKey.GenerateKey();
        var pair = await sandbox.NewPairAsync(requesterKey: executor);
        var requester = new SelfHeldApi(sandbox.Api, pair.Requester, executor);
        var prepared = 0;
        RawAnswer answer;
        do
        {
            var negotiation = await pair.NegotiateAsync();
            answer = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/accept?wait=30", """{"revision":1}""");
            if (answer.Status == HttpStatusCode.OK)
            {
                answer = await requester.AskAsync(negotiation.OrderId, OrderStep.Pay);
            }
        }
        while (answer.Status == HttpStatusCode.OK && ++prepared < 30);

        answer.Code.Should().BeOneOf(ErrorCodes.QuotaExceeded, ErrorCodes.SponsorBudgetExceeded);
        prepared.Should().BeInRange(1, 8);
        (await sandbox.LedgerOfAsync(pair.Requester)).Count(row => row.State == "RESERVED").Should().BeLessThanOrEqualTo(8);
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    private async Task<Party> NewPartyAsync(EthECKey owner)
    {
        var created = await sandbox.Setup.CreateAgentAsync(new() { Name = "griefer", Owner = owner.GetPublicAddress() });
        return new Party(created.Agent, created.SdkKey, new AgentClient(sandbox.Config, created.SdkKey));
    }
}
