using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>A look into the relayer's database, beside its API.</summary>
internal static class Storage
{
    // These change by themselves, or with who is connected; in all others a row is what a caller has caused.
    private static readonly string[] Others =
        ["block", "chain_event", "order_state", "lane_tx", "attempt", "eoa", "account_lane", "agent_presence", "compat_cursor", "lease", "sponsorship", "sponsor_budget"];

    /// <summary>Rows per table: what leaves no row leaves them as they are.</summary>
    public static Task<Dictionary<string, long>> CountRowsAsync(this Sandbox sandbox) =>
        sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            async connection =>
            {
                var tables = await connection.QueryAsync<string>(RelayerDatabase.IsPostgres
                    ? "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                    : "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
                var counts = new Dictionary<string, long>(StringComparer.Ordinal);
                foreach (var table in tables.Except(Others, StringComparer.Ordinal))
                {
                    counts[table] = await connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table}");
                }

                return counts;
            },
            CancellationToken.None);

    /// <summary>Returns when the outcome of every operation is known and every event has its number: nothing changes any more unless somebody calls.</summary>
    public static Task QuietAsync(this Sandbox sandbox) => Eventually.TrueAsync(
        () => sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            async connection => await connection.ExecuteScalarAsync<long>(
                "SELECT (SELECT count(*) FROM operation WHERE live = 1) + (SELECT count(*) FROM event WHERE seq IS NULL)") == 0,
            CancellationToken.None),
        "nothing is on its way any more");
}
