using CapVault.Relayer.Chain;
using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer.Orders;

/// <summary>
/// <c>CapVault.Relayer rebuild</c>: takes what the chain says of every order from its stored logs again, and ends. Nothing changes in a database that is in order; in one
/// that was tampered with or restored from parts, the logs win.
/// </summary>
public static class RebuildCommand
{
    /// <summary>So that a transaction stays small, however many orders there are.</summary>
    private const int Batch = 200;

    /// <summary>Rebuilds, and writes how many orders there are, and how many were not as their logs say.</summary>
    /// <param name="args">Settings, as for the relayer.</param>
    /// <param name="output">For the result.</param>
    /// <param name="error">For what is wrong.</param>
    /// <param name="cancellationToken">Cancels it; what is rebuilt stays.</param>
    /// <returns>0, or 1 if a relayer is running on the database, or cannot start with these settings.</returns>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        try
        {
            // Built, and never run: it follows no chain and sends nothing.
            await using var relayer = await RelayerHost.BuildAsync(args, cancellationToken);
            var lease = relayer.Services.GetRequiredService<Leases>().Of(Follower.LeaseName);
            if (!await lease.HoldAsync(cancellationToken))
            {
                throw new InvalidOperationException("A relayer is following the chain with this database. Stop it, wait 10 s if it was killed, and run this again.");
            }

            var (orders, changed) = await RebuildAsync(
                relayer.Services.GetRequiredService<Db>(), relayer.Services.GetServices<IProjection>().OfType<OrderBook>().Single(), lease, cancellationToken);
            await lease.ReleaseAsync(CancellationToken.None);
            await output.WriteLineAsync($"{orders} orders rebuilt from their logs, {changed} of them were not as their logs say.");
            return 0;
        }
        catch (InvalidOperationException exception)
        {
            await error.WriteLineAsync(exception.Message);
            return 1;
        }
    }

    private static async Task<(int Orders, int Changed)> RebuildAsync(Db db, OrderBook book, Lease lease, CancellationToken cancellationToken)
    {
        var (orders, changed) = (0, 0);
        byte[] last = [];
        while (true)
        {
            // Those of which only a row is left, and those of which only logs are.
            var ids = (await db.ReadAsync(
                connection => connection.QueryAsync<byte[]>(
                    $"""
                    SELECT order_id FROM order_state WHERE order_id > @last
                    UNION SELECT order_id FROM chain_event WHERE order_id IS NOT NULL AND order_id > @last
                    ORDER BY order_id LIMIT {Batch}
                    """,
                    new { last }),
                cancellationToken)).ToList();
            if (ids.Count == 0)
            {
                return (orders, changed);
            }

            changed += await db.WriteAsync(
                async tx =>
                {
                    await lease.RequireAsync(tx);
                    var before = await StatesAsync(tx, ids);
                    foreach (var orderId in ids)
                    {
                        await book.RebuildAsync(tx, orderId);
                    }

                    var after = await StatesAsync(tx, ids);
                    return before.Except(after, StringComparer.Ordinal).Union(after.Except(before, StringComparer.Ordinal), StringComparer.Ordinal).DistinctBy(row => row[..64], StringComparer.Ordinal).Count();
                },
                cancellationToken);
            orders += ids.Count;
            last = ids[^1];
        }
    }

    // Each row as one text that begins with its order's id: two of them are equal where their rows are.
    private static async Task<List<string>> StatesAsync(Tx tx, List<byte[]> ids)
    {
        var rows = await tx.QueryAsync<dynamic>("SELECT * FROM order_state WHERE order_id IN @ids", new { ids });
        return rows.ConvertAll(row => TextOf((IDictionary<string, object?>)row));
    }

    private static string TextOf(IDictionary<string, object?> row) =>
        Convert.ToHexString((byte[])row["order_id"]!) + string.Concat(row.Select(column => $"|{(column.Value is byte[] bytes ? Convert.ToHexString(bytes) : column.Value)}"));
}
