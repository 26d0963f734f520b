using System.Net;
using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.IntegrationTests;

/// <summary>Before anything goes on chain: asking, declining, running out of time.</summary>
public sealed class NegotiationTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR01_Price_and_windows_come_from_the_service_never_from_the_caller()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00", slaMinutes: 30);

        var forged = await sandbox.Api.PostAsync(pair.Requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}","price":"0.01"}""");

        forged.Status.Should().Be(HttpStatusCode.BadRequest);
        forged.Code.Should().Be(ErrorCodes.ValidationError);
        forged.Detail("field").GetString().Should().Be("price");
        (await pair.Requester.Client.ListNegotiationsAsync(new())).Items.Should().BeEmpty();

        var negotiation = await pair.NegotiateAsync();

        negotiation.Price.Should().Be("1.00");
        negotiation.DeliveryWindow.Should().Be(1800);
        negotiation.PaymentToken.Should().Be(sandbox.Chain.Deployment.Usdc);
        negotiation.Terms.Should().BeEquivalentTo(new
        {
            Requester = pair.Requester.Wallet,
            Provider = pair.Provider.Wallet,
            Amount = "1000000",
            SlaSeconds = 1800,
        });
    }

    [Fact]
    public async Task CR02_A_pending_negotiation_leaves_no_trace_on_chain()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.NegotiateAsync();
        var unprefixed = negotiation.ChainOrderId[2..];
        async Task<bool> IsNamedAsync() => (await sandbox.Chain.VaultLogsAsync())
            .Any(log => $"{log.Data}{string.Concat(log.Topics)}".Contains(unprefixed, StringComparison.OrdinalIgnoreCase));

        (await IsNamedAsync()).Should().BeFalse();
        (await sandbox.Chain.PhaseOfAsync(negotiation.ChainOrderId)).Should().Be(Phase.None);

        await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId);

        (await IsNamedAsync()).Should().BeTrue("the first write on chain is createOrder");
    }

    [Fact]
    public async Task CR04_The_Provider_hears_of_a_negotiation_exactly_once()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = await pair.Requester.ListenAsync();
        await using var provider = await pair.Provider.ListenAsync();

        var negotiation = await pair.NegotiateAsync();
        await pair.CatchUpAsync(requester, provider);

        provider.Heard.Where(e => e.Type == EventType.NegotiationCreated && e.NegotiationId == negotiation.NegotiationId).Should().ContainSingle()
            .Which.RequesterAgentId.Should().Be(pair.Requester.AgentId);
    }

    [Fact]
    public async Task CR05_What_is_rejected_stays_rejected()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.NegotiateAsync();
        await pair.Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, "no");
        var before = await pair.Provider.Client.GetNegotiationAsync(negotiation.NegotiationId);

        var accept = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/accept");

        accept.Status.Should().Be(HttpStatusCode.Conflict);
        accept.Code.Should().Be(ErrorCodes.InvalidState);
        accept.Detail("currentState").GetString().Should().Be("rejected");
        var after = await pair.Provider.Client.GetNegotiationAsync(negotiation.NegotiationId);
        after.Status.Should().Be(NegotiationStatus.Rejected);
        after.Should().BeEquivalentTo(before, options => options.ComparingByMembers<Negotiation>().Excluding(n => n.TermsDocument));
    }

    [Fact]
    public async Task CR06_Without_an_answer_it_expires_and_may_be_asked_anew()
    {
        var pair = await sandbox.NewPairAsync(negotiationTtlSeconds: 60);
        await using var requester = await pair.Requester.ListenAsync();
        var negotiation = await pair.NegotiateAsync();

        await sandbox.Setup.AdvanceClockAsync(61);

        var told = await requester.HearAsync(EventType.NegotiationExpired, negotiation.NegotiationId);
        told.Status.Should().Be("expired");
        (await pair.Requester.Client.GetNegotiationAsync(negotiation.NegotiationId)).Status.Should().Be(NegotiationStatus.Expired);
        var late = await sandbox.Api.PostAsync(pair.Provider.Key, $"orders/negotiate/{negotiation.NegotiationId}/accept");
        late.Status.Should().Be(HttpStatusCode.Conflict);
        (await pair.NegotiateAsync()).Status.Should().Be(NegotiationStatus.Pending);
    }

    [Fact]
    public async Task CR10_The_Requester_is_told_why_it_was_rejected()
    {
        var pair = await sandbox.NewPairAsync();
        await using var requester = await pair.Requester.ListenAsync();
        var negotiation = await pair.NegotiateAsync();

        await pair.Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, "busy");

        (await requester.HearAsync(EventType.NegotiationRejected, negotiation.NegotiationId)).Reason.Should().Be("busy");
        (await pair.Requester.Client.GetNegotiationAsync(negotiation.NegotiationId)).RejectReason.Should().Be("busy");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(513)]
    public async Task A_reason_has_1_to_512_characters(int length)
    {
        var pair = await sandbox.NewPairAsync();
        var negotiation = await pair.NegotiateAsync();

        var reject = () => pair.Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, new string('x', length));

        (await reject.Should().ThrowAsync<CapApiException>()).Which.Details["field"].GetString().Should().Be("reason");
        (await pair.Provider.Client.RejectNegotiationAsync(negotiation.NegotiationId, new string('é', 512))).RejectReason.Should().HaveLength(512);
    }

    [Fact]
    public async Task A_price_change_is_for_new_negotiations_only()
    {
        var pair = await sandbox.NewPairAsync(price: "1.00");
        var before = await pair.NegotiateAsync();

        await sandbox.Setup.UpdateServiceAsync(pair.Service.ServiceId, new() { Price = "2.00" });
        var order = (await pair.Provider.Client.AcceptNegotiationAsync(before.NegotiationId)).Order;
        var after = await pair.NegotiateAsync();

        order.Price.Should().Be("1.00");
        after.Should().BeEquivalentTo(new { Price = "2.00", ServiceVersion = 2 });
    }
}
