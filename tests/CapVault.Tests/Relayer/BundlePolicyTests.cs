using CapVault.Relayer.Operations;
using FsCheck;
using FsCheck.Fluent;

namespace CapVault.Tests.Relayer;

/// <summary>What travels together, and when.</summary>
public sealed class BundlePolicyTests
{
    private const long Plenty = long.MaxValue;

    private static readonly BundlePolicy Policy = new(Size: 50, Gas: 15_000_000, AgeMilliseconds: 25, InFlight: 4);

    [Fact]
    public void What_is_alone_goes_at_once_and_what_has_company_on_its_way_waits_for_more()
    {
        Policy.WaitFor(isFull: false, age: 0, inFlight: 0).Should().Be(0);
        Policy.WaitFor(isFull: false, age: 0, inFlight: 1).Should().Be(25);
        Policy.WaitFor(isFull: false, age: 20, inFlight: 3).Should().Be(5);
        Policy.WaitFor(isFull: false, age: 30, inFlight: 3).Should().Be(0);
        Policy.WaitFor(isFull: true, age: 0, inFlight: 3).Should().Be(0);
        Policy.WaitFor(isFull: true, age: 1000, inFlight: 4).Should().BeNull("there is a limit to what may be on its way");
        Policy.WaitFor(isFull: false, age: -60_000, inFlight: 1).Should().Be(0, "another relayer's clock is ahead, and it would wait until ours gets there");
    }

    [Fact]
    public void A_bundle_is_full_at_its_size_its_gas_or_the_deposit()
    {
        Policy.Fill(Strangers(60), Plenty).Should().Match<Filling>(filling => filling.Operations.Count == 50 && filling.IsFull);
        Policy.Fill(Strangers(20), Plenty).Should().Match<Filling>(filling => filling.Operations.Count == 20 && !filling.IsFull);
        Policy.Fill(Strangers(60, gas: 1_000_000), Plenty).Operations.Should().HaveCount(15);
        Policy.Fill(Strangers(60, prefund: 10), prefund: 99).Operations.Should().HaveCount(9, "one more, and the EntryPoint refuses all of them");
        Policy.Fill(Strangers(60, prefund: 10), prefund: 9).Should().Match<Filling>(filling => filling.Operations.Count == 0 && filling.IsFull);
    }

    [Fact]
    public void Operations_of_a_nonce_lane_follow_each_other_without_a_gap()
    {
        var filled = Policy.Fill([At(1, seq: 7, next: 7), At(1, seq: 8, next: 7), At(1, seq: 10, next: 7), At(2, seq: 3, next: 2), At(3, seq: 0, next: 0), At(3, seq: 5, next: null, key: 9)], Plenty);

        filled.Operations.Select(operation => (operation.Sender![0], operation.NonceSeq)).Should().Equal((1, 7), (1, 8), (3, 0), (3, 5));
    }

    [Fact]
    public void Who_has_spoilt_bundles_travels_with_half_as_many_each_time_and_in_the_end_alone()
    {
        var limits = Enumerable.Range(0, BundlePolicy.MaxAttempts).Select(attempt => Policy.LimitOf(new Candidate { Attempt = attempt }));

        limits.Should().Equal(50, 25, 12, 6, 3, 1, 1, 1);
    }

    [Fact]
    public void A_suspect_shrinks_the_bundle_that_it_is_in()
    {
        List<Candidate> candidates = [.. Strangers(10), At(200, seq: 0, next: 0) with { Attempt = 3 }, .. Strangers(20, from: 100)];

        Policy.Fill(candidates, Plenty).Operations.Should().HaveCount(10, "with the suspect there may be 6");
        Policy.Fill(candidates[10..], Plenty).Operations.Should().HaveCount(6);
    }

    // Any mix of culprits among 50: everybody else is through after few transactions, and each culprit is given up.
    [Fact]
    public void Culprits_are_found_by_halves_whoever_they_are() => Prop.ForAll<byte[]>(marks =>
    {
        var culprits = marks.Select(mark => (long)(mark % 50)).Take(3).ToHashSet();
        var waiting = Strangers(50).Select((operation, index) => operation with { OperationId = index }).ToList();
        var (transactions, landed, lost) = (0, new List<long>(), new List<long>());
        while (waiting.Count > 0)
        {
            transactions++;
            var bundle = Policy.Fill(waiting, Plenty).Operations;
            waiting = [.. waiting.Except(bundle)];
            if (!bundle.Exists(operation => culprits.Contains(operation.OperationId)))
            {
                landed.AddRange(bundle.Select(operation => operation.OperationId));
                continue;
            }

            var again = bundle.ConvertAll(operation => operation with { Attempt = operation.Attempt + 1 });
            lost.AddRange(again.Where(operation => operation.Attempt >= BundlePolicy.MaxAttempts).Select(operation => operation.OperationId));
            waiting = [.. waiting.Concat(again.Where(operation => operation.Attempt < BundlePolicy.MaxAttempts)).OrderBy(operation => operation.OperationId)];
        }

        lost.Should().BeEquivalentTo(culprits);
        landed.Should().HaveCount(50 - culprits.Count).And.OnlyHaveUniqueItems();
        transactions.Should().BeLessThan(50);
        return true;
    }).QuickCheckThrowOnFailure();

    private static List<Candidate> Strangers(int count, long gas = 190_000, long prefund = 1, int from = 0) =>
        [.. Enumerable.Range(from, count).Select(number => At((byte)number, seq: 0, next: 0) with { GasLimit = gas, Prefund = prefund })];

    private static Candidate At(byte sender, long seq, long? next, long key = 1) => new()
    {
        Kind = OperationKind.UserOp,
        Sender = [sender],
        NonceKey = key,
        NonceSeq = seq,
        NextSeq = next,
    };
}
