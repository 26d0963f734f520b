using System.Security.Cryptography;
using Dapper;
using Microsoft.Data.Sqlite;

namespace CapVault.Relayer.Storage;

/// <summary>
/// Numbered SQL scripts (<c>0001_name.sql</c>), applied once each, in order, and remembered with their checksum. Numbers may be missing: branches
/// that are merged later bring theirs, and a database then applies them after higher ones.
/// </summary>
internal static class Migrations
{
    /// <exception cref="InvalidOperationException">The database was written by a newer relayer, or a script was altered after it was applied.</exception>
    public static async Task ApplyAsync(SqliteConnection connection)
    {
        await connection.ExecuteAsync("CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL) STRICT");
        var applied = (await connection.QueryAsync<Applied>("SELECT number, name, checksum FROM migration ORDER BY number")).ToDictionary(row => row.Number);
        var scripts = Scripts().ToList();

        if (applied.Values.FirstOrDefault(row => row.Number > scripts[^1].Number) is { } newer)
        {
            throw new InvalidOperationException(
                $"The database has migration {newer.Name}, this relayer knows up to {scripts[^1].Name}. Start the newer relayer, or restore a backup from before it.");
        }

        foreach (var script in scripts)
        {
            if (!applied.TryGetValue(script.Number, out var row))
            {
                await using var transaction = await connection.BeginTransactionAsync();
                await connection.ExecuteAsync(script.Sql, transaction: transaction);
                await connection.ExecuteAsync("INSERT INTO migration VALUES (@Number, @Name, @Checksum)", script, transaction);
                await transaction.CommitAsync();
            }
            else if (!row.Checksum.AsSpan().SequenceEqual(script.Checksum))
            {
                throw new InvalidOperationException(
                    $"Migration {script.Name} was altered after this database applied it. Restore the script, and put the change into a new one.");
            }
        }
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
