using CapVault.Relayer.Operations;

namespace CapVault.Tests.Relayer;

public sealed class BundlePolicyTests
{
    private readonly BundlePolicy _policy = new(Size: 50, Gas: 15_000_000, AgeMilliseconds: 25, InFlight: 4);

    [Fact]
    public void A_bundle_waits_for_company_only_while_another_is_on_its_way()
    {
        _policy.WaitFor(isFull: false, age: 5, inFlight: 0).Should().Be(0);
        _policy.WaitFor(isFull: false, age: 5, inFlight: 1).Should().Be(20);
        _policy.WaitFor(isFull: true, age: 5, inFlight: 1).Should().Be(0);
        _policy.WaitFor(isFull: true, age: 99, inFlight: 4).Should().BeNull();
    }

    [Fact]
    public void An_operation_from_a_clock_that_is_ahead_does_not_wait_until_ours_gets_there() =>
        _policy.WaitFor(isFull: false, age: -60_000, inFlight: 1).Should().Be(0);
}
