using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Monitoring;

/// <summary>Whether this process should be given work, and why not.</summary>
public sealed class Readiness(Db db, Follower follower, Draining draining, IOptions<RelayerOptions> options, TimeProvider time)
{
    /// <summary>A probe that hangs is an answer, too.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Looks at everything.</summary>
    public async Task<IReadOnlyList<ReadinessCheck>> CheckAsync(CancellationToken cancellationToken)
    {
        var (database, oldest) = await DatabaseAsync(cancellationToken);
        return
        [
            Check("draining", draining.IsOn ? "the relayer takes no new work" : null),
            Check("database", database),
            Check("node", Node()),
            Check("lag", Lag()),
            Check("due", Over(oldest, options.Value.ReadyDueSeconds, "an operation has been waiting for")),
        ];
    }

    private async Task<(string? Problem, TimeSpan Oldest)> DatabaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            var oldest = await db.ReadAsync(
                connection => connection.ExecuteScalarAsync<long?>($"SELECT min(created_at) FROM operation WHERE {Gauges.IsOpen}"), cancellationToken)
                .WaitAsync(Patience, cancellationToken);
            return (db.WriteFailure is null ? null : "the last commit failed", Gauges.Since(oldest, time));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            return (exception is TimeoutException ? "it does not answer" : "it cannot be read", TimeSpan.Zero);
        }
    }

    private string? Node() => follower.Failure is not null ? "it does not answer as it should" : Over(follower.HeadAge, options.Value.StaleHeadSeconds, "its newest block is the same for");

    private string? Lag()
    {
        var where = $"at block {follower.Block} of {follower.ChainHead}";
        return follower.HasCaughtUp ? Over(follower.Lag, options.Value.ReadyLagSeconds, $"{where}, for") : $"{where} since the start";
    }

    private static string? Over(TimeSpan found, int most, string what) =>
        found > TimeSpan.FromSeconds(most) ? $"{what} {found.TotalSeconds:0} s, expected at most {most} s" : null;

    private static ReadinessCheck Check(string name, string? problem) => new() { Name = name, Ok = problem is null, Problem = problem };
}
