using System.Data;
using Dapper;

namespace CapVault.Relayer.Storage;

/// <summary>A transaction that is being written. It commits when the work that got it returns.</summary>
public sealed class Tx(IDbConnection connection)
{
    private List<Action>? _committed;

    /// <summary>Runs <paramref name="action"/> after the commit, and not at all without one: for wake-ups, which may get lost without harm.</summary>
    public void OnCommitted(Action action) => (_committed ??= []).Add(action);

    /// <summary>Runs a statement and returns how many rows it changed.</summary>
    public Task<int> ExecuteAsync(string sql, object? parameters = null) => connection.ExecuteAsync(sql, parameters);

    /// <summary>All rows.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, object? parameters = null) => (await connection.QueryAsync<T>(sql, parameters)).AsList();

    /// <summary>The first row, or default.</summary>
    public Task<T?> FirstOrDefaultAsync<T>(string sql, object? parameters = null) => connection.QueryFirstOrDefaultAsync<T?>(sql, parameters);

    /// <summary>The only row.</summary>
    public Task<T> SingleAsync<T>(string sql, object? parameters = null) => connection.QuerySingleAsync<T>(sql, parameters);

    internal void RunCommitted() => _committed?.ForEach(action => action());
}
