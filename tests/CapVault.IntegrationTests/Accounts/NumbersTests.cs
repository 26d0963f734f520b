using System.Net;
using System.Numerics;
using System.Text.Json;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.IntegrationTests;

/// <summary>Numbers that are derived: fees, quotes, statistics, the pre-flight.</summary>
public sealed class NumbersTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR65_The_fees_are_those_of_the_vault()
    {
        var before = (await sandbox.Setup.GetFeesAsync()).Single();
        await EqualsTheChainAsync(before);
        before.MinFeeBps.Should().Be(1000, "10 % is the default");

        var vault = sandbox.Chain.VaultAs(TestKeys.Owner);
        await vault.SetTokenRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc, true, 250);
        try
        {
            var after = (await sandbox.Setup.GetFeesAsync()).Single();
            await EqualsTheChainAsync(after);
            after.MinFeeBps.Should().Be(250);
            var pair = await sandbox.NewPairAsync(price: "0.000039");
            var quote = await pair.Requester.Client.QuoteAsync(pair.Service.ServiceId);
            var order = await pair.CompleteOrderAsync();

            quote.Should().BeEquivalentTo(new { Price = "0.000039", FeeBps = 250, FeeAmount = "0.00", ProviderAmount = "0.000039", ServiceVersion = 1, SlaMinutes = 30, before.Token }, options => options.ExcludingMissingMembers());
            (order.FeeAmount, order.ProviderAmount).Should().Be((quote.FeeAmount, quote.ProviderAmount), "the vault rounds down too");
        }
        finally
        {
            await vault.SetTokenRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Usdc, true, 1000);
        }

        async Task EqualsTheChainAsync(TokenFee fee)
        {
            var config = await sandbox.Chain.Vault.TokenConfigQueryAsync(fee.Token);
            fee.Should().BeEquivalentTo(new { Token = sandbox.Chain.Deployment.Usdc, config.Enabled, MinFeeBps = (int)config.MinFeeBps });
            fee.Treasury.Should().Be(await sandbox.Chain.Vault.TreasuryQueryAsync());
        }
    }

    [Fact]
    public async Task CR67_Statistics_equal_a_recount_from_logs()
    {
        var pair = await sandbox.NewPairAsync(price: "1.25");
        await pair.CompleteOrderAsync();
        await pair.CompleteOrderAsync();
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Price = "2.00" });
        await pair.CompleteOrderAsync();
        var rejected = await pair.CreatePaidOrderAsync();
        await pair.Provider.Client.RejectOrderAsync(rejected.OrderId, "cannot");
        var running = await pair.CreatePaidOrderAsync();
        var expiring = await pair.CreateOrderAsync();
        await using var provider = await pair.Provider.ListenAsync();
        await sandbox.Setup.AdvanceClockAsync((int)(expiring.PayDeadline - DateTimeOffset.FromUnixTimeSeconds(await NowAsync())).TotalSeconds + 1);
        await provider.HearAsync(EventType.OrderExpired, expiring.OrderId);
        await provider.HearAsync(EventType.OrderExpired, running.OrderId); // its 30 minutes are over too

        var stats = await StatsAsync(pair.Provider.AgentId);

        var recount = await RecountAsync(pair.Provider.Wallet);
        recount.Should().BeEquivalentTo(new { Completed = 3, Rejected = 1, Expired = 2, OnTime = 3, Volume = "4.50" }, "this is what happened");
        stats.AsProvider.Should().BeEquivalentTo(recount);
        stats.AsRequester.Should().BeEquivalentTo(new OrderStats { Completed = 0, Rejected = 0, Expired = 0, Disputed = 0, OnTime = 0, Volume = "0.00" });
        (await StatsAsync(pair.Requester.AgentId)).AsRequester.Should().BeEquivalentTo(recount);
        using var discovery = new DiscoveryClient(sandbox.Config);
        (await discovery.GetAgentAsync(pair.Provider.AgentId)).AsProvider.Should().BeEquivalentTo(recount);
        (await discovery.GetServiceAsync(pair.Service.ServiceId)).Agent.AsProvider.Should().BeEquivalentTo(recount);
    }

    [Fact]
    public async Task An_agent_that_there_is_not_has_no_statistics()
    {
        var answer = await sandbox.Api.GetAsync(null, "agents/agt_000000000000000000000/stats");

        answer.Status.Should().Be(HttpStatusCode.NotFound);
        answer.Code.Should().Be(ErrorCodes.AgentNotFound);
    }

    [Fact]
    public async Task The_pre_flight_names_everything_that_stands_in_the_way_and_writes_nothing()
    {
        var pair = await sandbox.NewPairAsync(funds: "0.50", price: "1.00");
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Enabled = false, RequirementType = RequirementType.None });
        await sandbox.Setup.PauseAgentAsync(pair.Provider.AgentId);
        var before = await sandbox.CountRowsAsync();

        var result = await pair.Requester.Client.ValidateOrderAsync(new() { ServiceId = pair.Service.ServiceId, Requirements = JsonSerializer.SerializeToElement("x") });
        var own = await pair.Provider.Client.ValidateOrderAsync(new() { ServiceId = pair.Service.ServiceId });

        result.Valid.Should().BeFalse();
        result.Reasons.Select(reason => reason.Code).Should().Equal(ErrorCodes.ServiceDisabled, ErrorCodes.ServiceDisabled, ErrorCodes.ValidationError, ErrorCodes.InsufficientFunds);
        result.Reasons[1].Message.Should().Contain("paused");
        result.Reasons[2].Details!["field"].GetString().Should().Be("requirements");
        result.Reasons[3].Details!["available"].GetString().Should().Be("500000");
        own.Reasons.Should().Contain(reason => reason.Code == ErrorCodes.ValidationError && reason.Details!["field"].GetString() == "serviceId");
        (await sandbox.CountRowsAsync()).Should().Equal(before);

        // One after the other out of the way.
        await sandbox.Setup.ResumeAgentAsync(pair.Provider.AgentId);
        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Enabled = true });
        await sandbox.Setup.FaucetAsync(pair.Requester.Wallet, "0.50");
        (await pair.Requester.Client.ValidateOrderAsync(new() { ServiceId = pair.Service.ServiceId })).Should().BeEquivalentTo(new { Valid = true, Reasons = Array.Empty<ErrorBody>() });
        (await pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed);
    }

    [Fact]
    public async Task The_pre_flight_of_nothing_is_not_found()
    {
        var agent = await sandbox.NewAgentAsync("agent");

        var answer = await sandbox.Api.PostAsync(agent.Key, "orders/validate", """{"serviceId":"svc_000000000000000000000"}""");

        answer.Status.Should().Be(HttpStatusCode.NotFound);
        answer.Code.Should().Be(ErrorCodes.ServiceNotFound);
    }

    // Needs no key.
    private async Task<AgentStats> StatsAsync(string agentId) =>
        (await sandbox.Api.GetAsync(null, $"agents/{agentId}/stats")).Data.Deserialize<AgentStats>(CapJson.Options)!;

    private async Task<long> NowAsync() =>
        (long)(await sandbox.Chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(Nethereum.RPC.Eth.DTOs.BlockParameter.CreateLatest())).Timestamp.Value;

    /// <summary>From the vault's logs alone.</summary>
    private async Task<OrderStats> RecountAsync(string provider)
    {
        var logs = await sandbox.Chain.VaultLogsAsync();
        var orders = logs.DecodeAllEvents<OrderCreatedEventDTO>().Select(log => log.Event).Where(e => e.Provider.IsTheSameHex(provider))
            .ToDictionary(e => e.OrderId.ToHex(), e => e.Order, StringComparer.Ordinal);
        var deadlines = logs.DecodeAllEvents<OrderPaidEventDTO>().ToDictionary(log => log.Event.OrderId.ToHex(), log => log.Event.SlaDeadline, StringComparer.Ordinal);
        var completed = logs.DecodeAllEvents<OrderClearedEventDTO>().Where(log => orders.ContainsKey(log.Event.OrderId.ToHex())).ToList();
        var onTime = 0;
        foreach (var log in completed)
        {
            onTime += await sandbox.Chain.TimeOfAsync(log.Log.TransactionHash) <= deadlines[log.Event.OrderId.ToHex()] ? 1 : 0;
        }

        return new OrderStats
        {
            Completed = completed.Count,
            Rejected = logs.DecodeAllEvents<OrderRejectedEventDTO>().Count(log => orders.ContainsKey(log.Event.OrderId.ToHex())),
            Expired = logs.DecodeAllEvents<OrderExpiredEventDTO>().Count(log => orders.ContainsKey(log.Event.OrderId.ToHex())),
            Disputed = 0,
            OnTime = onTime,
            Volume = Money.Format(completed.Aggregate(BigInteger.Zero, (sum, log) => sum + orders[log.Event.OrderId.ToHex()].Amount)),
        };
    }
}
