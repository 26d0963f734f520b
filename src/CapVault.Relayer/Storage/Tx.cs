using System.Buffers.Binary;
using System.Data;
using System.Security.Cryptography;
using System.Text;
using Dapper;

namespace CapVault.Relayer.Storage;

/// <summary>A transaction that is being written. It commits when the work that got it returns.</summary>
public sealed class Tx
{
    private readonly IDbConnection _connection;
    private readonly Dialect _dialect;
    private List<Action>? _committed;

    internal Tx(IDbConnection connection, Dialect dialect) => (_connection, _dialect) = (connection, dialect);

    /// <inheritdoc cref="Db.Now"/>
    public string Now => _dialect.Now;

    /// <summary>Runs <paramref name="action"/> after the commit, and not at all without one: for wake-ups, which may get lost without harm.</summary>
    public void OnCommitted(Action action) => (_committed ??= []).Add(action);

    /// <summary>
    /// Waits until no other transaction has this subject, and keeps it until this one ends. Who decides from what it reads calls this first: otherwise
    /// two could decide at once, each without what the other writes. Of several subjects the wider comes first: an Owner or agent, its negotiation, its
    /// order, a nonce lane.
    /// </summary>
    /// <param name="subject">An id, hash or address.</param>
    public Task LockAsync(byte[] subject) => LockAsync((IReadOnlyCollection<byte[]>)[subject]);

    /// <inheritdoc cref="LockAsync(byte[])"/>
    public Task LockAsync(string subject) => LockAsync(Encoding.UTF8.GetBytes(subject));

    /// <inheritdoc cref="LockAsync(byte[])"/>
    public Task LockAsync(IReadOnlyCollection<string> subjects) => LockAsync((IReadOnlyCollection<byte[]>)[.. subjects.Select(Encoding.UTF8.GetBytes)]);

    /// <inheritdoc cref="LockAsync(byte[])"/>
    public Task LockAsync(IReadOnlyCollection<byte[]> subjects) => _dialect.LockAsync(_connection, [.. subjects.Select(KeyOf)]);

    /// <summary>Runs a statement and returns how many rows it changed.</summary>
    public Task<int> ExecuteAsync(string sql, object? parameters = null) => _connection.ExecuteAsync(sql, parameters);

    /// <summary>
    /// Runs a statement whose result nobody needs: on a server it goes along with the next one, or with the commit, and so may fail there. One statement, not
    /// several.
    /// </summary>
    public Task PostAsync(string sql, object? parameters = null) => _dialect.PostAsync(_connection, sql, parameters);

    /// <summary>All rows.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, object? parameters = null) => (await _connection.QueryAsync<T>(sql, parameters)).AsList();

    /// <summary>The first row, or default.</summary>
    public Task<T?> FirstOrDefaultAsync<T>(string sql, object? parameters = null) => _connection.QueryFirstOrDefaultAsync<T?>(sql, parameters);

    /// <summary>The only row.</summary>
    public Task<T> SingleAsync<T>(string sql, object? parameters = null) => _connection.QuerySingleAsync<T>(sql, parameters);

    internal void RunCommitted() => _committed?.ForEach(action => action());

    // Two subjects with the same number only wait for each other.
    private static long KeyOf(byte[] subject) => BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(subject));
}
