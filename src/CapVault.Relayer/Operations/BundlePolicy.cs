namespace CapVault.Relayer.Operations;

/// <summary>A queued operation that could travel now.</summary>
public sealed record Candidate : Operation
{
    /// <summary>The place of its nonce lane that comes next on top of what is on its way; null where that is not known (an account that is not ours).</summary>
    public long? NextSeq { get; init; }
}

/// <summary>What would go into a bundle.</summary>
/// <param name="Operations">In their order.</param>
/// <param name="IsFull">Whether there was no room for the next.</param>
public sealed record Filling(List<Candidate> Operations, bool IsFull);

/// <summary>Decides what travels together, and when.</summary>
/// <param name="Size">Operations of a bundle at most.</param>
/// <param name="Gas">Gas of its operations at most.</param>
/// <param name="AgeMilliseconds">How long one waits for others while a bundle is on its way.</param>
/// <param name="InFlight">Bundles on their way at most.</param>
public sealed record BundlePolicy(int Size, long Gas, int AgeMilliseconds, int InFlight)
{
    /// <summary>An operation that so many transactions have carried in vain is given up. By then it has travelled alone more than once.</summary>
    public const int MaxAttempts = 8;

    /// <summary>
    /// How many may travel with an operation, itself included: half as many after each transaction that came to nothing with it. So those that are not to
    /// blame go through in their half, and whoever is ends up alone, in 6 steps of 50 instead of 50 transactions.
    /// </summary>
    public int LimitOf(Operation operation) => Math.Max(1, Size >> Math.Min(operation.Attempt, 30));

    /// <summary>
    /// The operations of the next bundle, in the order in which they came. Those of one nonce lane follow each other without a gap; the EntryPoint refuses a
    /// bundle for one that does not.
    /// </summary>
    /// <param name="candidates">What could travel, oldest first.</param>
    /// <param name="prefund">What the paymaster's deposit has room for, gwei. One more, and the EntryPoint refuses all of them.</param>
    public Filling Fill(IEnumerable<Candidate> candidates, long prefund)
    {
        var filled = new List<Candidate>();
        var next = new Dictionary<(string Sender, long Key), long>();
        var (limit, gas) = (Size, 0L);
        foreach (var candidate in candidates)
        {
            var lane = (Convert.ToHexString(candidate.Sender!), candidate.NonceKey!.Value);
            if (candidate.NonceSeq != (next.TryGetValue(lane, out var seq) ? seq : candidate.NextSeq ?? candidate.NonceSeq))
            {
                continue;
            }

            limit = Math.Min(limit, LimitOf(candidate));
            gas += candidate.GasLimit;
            prefund -= candidate.Prefund;
            if (filled.Count >= limit || gas > Gas || prefund < 0)
            {
                return new Filling(filled, IsFull: true);
            }

            filled.Add(candidate);
            next[lane] = candidate.NonceSeq!.Value + 1;
        }

        return new Filling(filled, IsFull: filled.Count == Size);
    }

    /// <summary>How long a bundle should still wait for more operations, milliseconds; 0: it goes now. Null: until one of those before it is mined.</summary>
    /// <param name="isFull">Whether there is no room for more.</param>
    /// <param name="age">Age of its oldest operation, milliseconds; negative where a relayer took it whose clock is ahead of ours.</param>
    /// <param name="inFlight">Bundles on their way.</param>
    public long? WaitFor(bool isFull, long age, int inFlight) => inFlight switch
    {
        0 => 0,
        _ when inFlight >= InFlight => null,
        _ when isFull || age < 0 => 0, // or it would wait until our clock gets there
        _ => Math.Max(0, AgeMilliseconds - age),
    };
}
