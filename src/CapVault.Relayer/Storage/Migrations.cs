using System.Data.Common;
using System.Security.Cryptography;

namespace CapVault.Relayer.Storage;

/// <summary>
/// Numbered SQL scripts (<c>0001_name.sql</c>), applied once each, in order, and remembered with their checksum. Numbers may be missing: branches
/// that are merged later bring theirs, and a database then applies them after higher ones.
/// </summary>
internal static class Migrations
{
    private const string Table = "CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL) STRICT";

    /// <summary>Applies what is missing: all of it, or nothing. Several processes may try at once; one does it, the others find it done.</summary>
    /// <returns>The names of those that were applied now.</returns>
    /// <exception cref="InvalidOperationException">The database was written by a newer relayer, or a script was altered after it was applied.</exception>
    public static async Task<IReadOnlyList<string>> ApplyAsync(DbConnection connection, Dialect dialect)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        var tx = new Tx(connection, dialect);
        await tx.LockAsync("migrations");
        await tx.ExecuteAsync(dialect.Schema(Table));
        var applied = (await tx.QueryAsync<Applied>("SELECT number, name, checksum FROM migration ORDER BY number")).ToDictionary(row => row.Number);
        var scripts = Scripts().ToDictionary(script => (long)script.Number);

        if (applied.Values.LastOrDefault(row => !scripts.ContainsKey(row.Number)) is { } newer)
        {
            throw new InvalidOperationException(
                $"The database has migration {newer.Name}, this relayer knows up to {scripts.Values.Last().Name}. Start the newer relayer, or restore a backup from before it.");
        }

        var missing = new List<string>();
        foreach (var script in scripts.Values)
        {
            if (!applied.TryGetValue(script.Number, out var row))
            {
                await tx.ExecuteAsync(dialect.Schema(script.Sql));
                await tx.ExecuteAsync("INSERT INTO migration (number, name, checksum) VALUES (@Number, @Name, @Checksum)", script);
                missing.Add(script.Name);
            }
            else if (!row.Checksum.AsSpan().SequenceEqual(script.Checksum))
            {
                throw new InvalidOperationException(
                    $"Migration {script.Name} was altered after this database applied it. Restore the script, and put the change into a new one.");
            }
        }

        await transaction.CommitAsync();
        return missing;
    }

    private static IEnumerable<Script> Scripts()
    {
        var assembly = typeof(Migrations).Assembly;
        foreach (var resource in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            var sql = reader.ReadToEnd();
            var name = resource.Split('.')[^2];
            yield return new Script(int.Parse(name.AsSpan(0, 4)), name, SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(sql)), sql);
        }
    }

    private sealed record Script(int Number, string Name, byte[] Checksum, string Sql);

    private sealed record Applied
    {
        public long Number { get; init; }

        public string Name { get; init; } = "";

        public byte[] Checksum { get; init; } = [];
    }
}
