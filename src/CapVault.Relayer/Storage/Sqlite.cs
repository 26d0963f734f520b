using System.Reflection;
using System.Runtime.InteropServices;
using Dapper;
using Microsoft.Data.Sqlite;

namespace CapVault.Relayer.Storage;

/// <summary>Makes the process able to open SQLite databases, once.</summary>
internal static class Sqlite
{
    private static readonly Lazy<bool> Ready = new(Initialise);

    /// <summary>Opens a connection that reads.</summary>
    public static async Task<SqliteConnection> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        _ = Ready.Value;
        var connection = new SqliteConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }

    /// <summary>Opens the connection that writes. WAL lets readers go on while it commits; FULL syncs every commit to the disk.</summary>
    public static async Task<SqliteConnection> OpenWriterAsync(string connectionString, CancellationToken cancellationToken)
    {
        var connection = await OpenAsync(connectionString, cancellationToken);
        await connection.ExecuteAsync("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
        return connection;
    }

    private static bool Initialise()
    {
        // The provider package brings no native library; Debian's libsqlite3-0 (3.40) is newer than the one of the bundle package (3.35).
        var provider = new SQLitePCL.SQLite3Provider_e_sqlite3();
        NativeLibrary.SetDllImportResolver(provider.GetType().Assembly, Resolve);
        SQLitePCL.raw.SetProvider(provider);
        Rows.Prepare();
        return true;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != "e_sqlite3")
        {
            return 0;
        }

        foreach (var candidate in (string[])["libsqlite3.so.0", "libsqlite3.dylib", "e_sqlite3", "sqlite3"])
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out var handle))
            {
                return handle;
            }
        }

        throw new DllNotFoundException("SQLite's native library was not found: install it (Debian and Ubuntu: apt-get install libsqlite3-0).");
    }
}
