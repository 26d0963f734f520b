using System.Globalization;

namespace CapVault.IntegrationTests.Faults;

/// <summary>What else goes wrong around a kill.</summary>
internal enum Mishap
{
    None,

    /// <summary>The newest block is replaced by an empty one.</summary>
    Reorg1,

    /// <summary>The newest two.</summary>
    Reorg2,

    /// <summary>The newest five.</summary>
    Reorg5,

    /// <summary>The newest three are gone, and the chain grows again from there.</summary>
    Rollback,

    /// <summary>The disk takes no more.</summary>
    DiskFull,

    /// <summary>The database server crashes and starts again (PostgreSQL).</summary>
    DatabaseCrash,

    /// <summary>One instance's clock goes ahead of the others' (several instances).</summary>
    ClockSkew,
}

/// <summary>One kill, and what goes wrong around it.</summary>
/// <param name="Calm">How long nothing goes wrong before.</param>
/// <param name="Node">What is wrong with the node, until the relayer has been started again for a while.</param>
/// <param name="Mishap">What happens beside.</param>
/// <param name="IsMishapWhileDown">Whether it happens between kill and start, where it can.</param>
/// <param name="Consumer">Number of the consumer that is started again on its inbox, if it is one.</param>
/// <param name="Kill">Where the relayer is killed.</param>
/// <param name="Down">How long it stays dead.</param>
/// <param name="Tail">How long the node's fault goes on after the start.</param>
internal sealed record Episode(
    TimeSpan Calm, NodeFault Node, Mishap Mishap, bool IsMishapWhileDown, int Consumer, KillPoint Kill, TimeSpan Down, TimeSpan Tail)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Kill}{(Node == NodeFault.None ? "" : $", {Node}")}{(Mishap == Mishap.None ? "" : $", {Mishap}{(IsMishapWhileDown ? " while down" : "")}")}, down {Down.TotalSeconds:F1} s");
}

/// <summary>Every decision of a campaign, from its seed. When things happen on the machine is not in it.</summary>
internal static class Plan
{
    /// <param name="kills">How many.</param>
    /// <param name="seed">The same seed, the same plan.</param>
    /// <param name="consumers">How many there are.</param>
    /// <param name="isPostgres">Whether there is a database server.</param>
    /// <param name="instances">Relayers.</param>
    public static IReadOnlyList<Episode> Make(int kills, int seed, int consumers, bool isPostgres, int instances)
    {
        var random = new Random(seed);
        var points = new Deck<KillPoint>(random, Enum.GetValues<KillPoint>());
        var faults = new Deck<NodeFault>(random, [.. Enum.GetValues<NodeFault>(), NodeFault.None]);
        Mishap[] impossible = [isPostgres ? Mishap.DiskFull : Mishap.DatabaseCrash, .. instances == 1 ? (Mishap[])[Mishap.ClockSkew] : []];
        var mishaps = new Deck<Mishap>(random, [.. Enum.GetValues<Mishap>().Except(impossible), Mishap.None, Mishap.None]);
        return [.. Enumerable.Range(0, kills).Select(_ => new Episode(
            TimeSpan.FromMilliseconds(random.Next(200, 1200)),
            faults.Draw(),
            mishaps.Draw(),
            random.Next(2) == 0,
            random.Next(3 * consumers),
            points.Draw(),
            TimeSpan.FromMilliseconds(random.Next(0, 800)),
            TimeSpan.FromMilliseconds(random.Next(0, 2000))))];
    }

    /// <summary>Gives every card once before any a second time, so that a short campaign has seen as much as it can.</summary>
    private sealed class Deck<T>(Random random, T[] cards)
    {
        private readonly Queue<T> _left = new();

        public T Draw()
        {
            if (_left.Count == 0)
            {
                random.Shuffle(cards);
                Array.ForEach(cards, _left.Enqueue);
            }

            return _left.Dequeue();
        }
    }
}
