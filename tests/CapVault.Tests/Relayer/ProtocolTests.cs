using CapVault.Relayer.Orders;
using CapVault.Sdk;

namespace CapVault.Tests.Relayer;

/// <summary>The table of the protocol, in words of its own; the integration tests run it against the vault.</summary>
public sealed class ProtocolTests
{
    private const long Deadline = 1000;

    [Theory]
    [InlineData("pay", Phase.Negotiation)]
    [InlineData("deliver", Phase.Lock)]
    public void A_step_against_the_other_side_is_valid_in_the_deadlines_own_second_and_not_after_it(string step, Phase phase)
    {
        var actor = step == "pay" ? Actor.Requester : Actor.Provider;
        Judge(step, phase, actor, Deadline).Should().Be(Verdict.Allowed);
        Judge(step, phase, actor, Deadline + 1).Should().Be(Verdict.TooLate);
    }

    [Theory]
    [InlineData(Phase.Negotiation)]
    [InlineData(Phase.Lock)]
    public void Anyone_may_expire_only_after_the_deadline(Phase phase)
    {
        foreach (var actor in Enum.GetValues<Actor>())
        {
            Judge("expire", phase, actor, Deadline).Should().Be(Verdict.TooEarly);
            Judge("expire", phase, actor, Deadline + 1).Should().Be(Verdict.Allowed);
        }
    }

    [Fact]
    public void Both_may_reject_before_payment_and_only_the_Provider_after_it()
    {
        Judge("reject", Phase.Negotiation, Actor.Requester, 0).Should().Be(Verdict.Allowed);
        Judge("reject", Phase.Negotiation, Actor.Provider, 0).Should().Be(Verdict.Allowed);
        Judge("reject", Phase.Lock, Actor.Provider, Deadline + 1).Should().Be(Verdict.Allowed, "a concession has no deadline");
        Judge("reject", Phase.Lock, Actor.Requester, 0).Should().Be(Verdict.Unauthorized);
    }

    [Fact]
    public void Nothing_leads_out_of_a_final_phase()
    {
        foreach (var phase in new[] { Phase.Clear, Phase.Rejected, Phase.Expired })
        {
            foreach (var step in new[] { "create", "pay", "deliver", "release", "dispute", "resolve", "reject", "expire" })
            {
                foreach (var actor in Enum.GetValues<Actor>())
                {
                    Judge(step, phase, actor, Deadline + 1).Should().Be(Verdict.WrongPhase);
                }
            }
        }
    }

    [Fact]
    public void At_no_second_are_delivery_and_expiry_both_possible_or_both_impossible()
    {
        for (var now = Deadline - 2; now <= Deadline + 2; now++)
        {
            var deliver = Judge("deliver", Phase.Lock, Actor.Provider, now) == Verdict.Allowed;
            var expire = Judge("expire", Phase.Lock, Actor.Stranger, now) == Verdict.Allowed;
            (deliver ^ expire).Should().BeTrue($"at {now}");
        }
    }

    [Theory]
    [InlineData(Phase.Deliver)]
    [InlineData(Phase.Dispute)]
    public void At_no_second_are_the_timed_release_and_what_speaks_against_it_both_possible_or_both_impossible(Phase phase)
    {
        for (var now = Deadline - 2; now <= Deadline + 2; now++)
        {
            var release = Judge("release", phase, Actor.Stranger, now) == Verdict.Allowed;
            var against = (phase == Phase.Deliver
                ? Judge("dispute", phase, Actor.Requester, now)
                : Protocol.Judge(OrderStep.Resolve, new Standing(phase, Deadline) { IsReviewed = true, IsDisputed = true }, Actor.Arbiter, now)) == Verdict.Allowed;
            (release ^ against).Should().BeTrue($"at {now}");
        }
    }

    [Fact]
    public void Without_an_Approver_in_the_terms_whoever_it_would_be_is_a_stranger()
    {
        var plain = new Standing(Phase.Lock, Deadline);
        Protocol.Judge(OrderStep.Reject, plain, Actor.Approver, 0).Should().Be(Verdict.Unauthorized);
        Protocol.Judge(OrderStep.Reject, plain with { IsGated = true }, Actor.Approver, 0).Should().Be(Verdict.Allowed);
        Protocol.Judge(OrderStep.Reject, plain with { IsGated = true, IsApproved = true }, Actor.Approver, 0).Should().Be(Verdict.Unauthorized, "it has spoken");
        Protocol.Judge(OrderStep.Deliver, plain with { IsGated = true }, Actor.Provider, 0).Should().Be(Verdict.NotApproved);
    }

    [Fact]
    public void A_stranger_may_only_create_expire_and_release_after_silence()
    {
        Protocol.MayEver(OrderStep.Release, Actor.Stranger).Should().BeTrue();
        Judge("release", Phase.Lock, Actor.Stranger, Deadline + 1).Should().Be(Verdict.Unauthorized);
        Protocol.MayEver(OrderStep.Approve, Actor.Stranger).Should().BeFalse();
        Protocol.MayEver(OrderStep.Dispute, Actor.Stranger).Should().BeFalse();
        Protocol.MayEver(OrderStep.Resolve, Actor.Stranger).Should().BeFalse();
        Protocol.MayEver(OrderStep.Create, Actor.Stranger).Should().BeTrue();
        Protocol.MayEver(OrderStep.Expire, Actor.Stranger).Should().BeTrue();
        Protocol.MayEver(OrderStep.Pay, Actor.Stranger).Should().BeFalse();
        Protocol.MayEver(OrderStep.Deliver, Actor.Stranger).Should().BeFalse();
        Protocol.MayEver(OrderStep.Reject, Actor.Stranger).Should().BeFalse();
        Protocol.MayEver(OrderStep.Pay, Actor.Provider).Should().BeFalse();
        Protocol.MayEver(OrderStep.Deliver, Actor.Requester).Should().BeFalse();
    }

    private static Verdict Judge(string step, Phase phase, Actor actor, long now) =>
        Protocol.Judge(OrderStep.Parse(step), new Standing(phase, Deadline) { IsReviewed = true }, actor, now);
}
