using System.Globalization;

namespace CapVault.Sdk.Transport;

/// <summary>Looks into cursors (<c>epoch:seq</c>), which are opaque to everybody else, to tell an earlier from a later one.</summary>
internal static class LogPosition
{
    /// <summary>The later of two cursors of one log; the second when they cannot be compared.</summary>
    public static string Later(string one, string two) =>
        Parse(one) is var (epoch, seq) && Parse(two) is var (otherEpoch, otherSeq) && epoch == otherEpoch && seq >= otherSeq ? one : two;

    /// <summary>Whether a gap means that the log is another one, as after a restored backup, and not only that its beginning was cut off.</summary>
    public static bool IsOtherLog(string? from, string? to) =>
        from is null || to is null || Later(from, to) != to || Parse(from)?.Epoch != Parse(to)?.Epoch;

    private static (long Epoch, long Seq)? Parse(string cursor) =>
        cursor.Split(':') is [var epoch, var seq]
        && long.TryParse(epoch, NumberStyles.None, CultureInfo.InvariantCulture, out var epochNumber)
        && long.TryParse(seq, NumberStyles.None, CultureInfo.InvariantCulture, out var seqNumber)
            ? (epochNumber, seqNumber)
            : null;
}
