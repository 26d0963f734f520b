using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.DependencyInjection;

namespace CapVault.IntegrationTests;

/// <summary>A look into the relayer's database, beside its API.</summary>
internal static class Storage
{
    // What callers can cause. Tables of blocks and transactions grow by themselves.
    private static readonly string[] Tables = ["agent", "api_key", "owner_session", "service", "service_tag", "negotiation", "orders", "delivery", "reason", "operation", "event", "idempotency"];

    /// <summary>Rows per table: what leaves no row leaves them as they are.</summary>
    public static Task<Dictionary<string, long>> CountRowsAsync(this Sandbox sandbox) =>
        sandbox.Relayer.Services.GetRequiredService<Db>().ReadAsync(
            async connection =>
            {
                var counts = new Dictionary<string, long>(StringComparer.Ordinal);
                foreach (var table in Tables)
                {
                    counts[table] = await connection.ExecuteScalarAsync<long>($"SELECT count(*) FROM {table}");
                }

                return counts;
            },
            CancellationToken.None);
}
