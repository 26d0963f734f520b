using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.Extensions.Options;

namespace CapVault.Relayer.Events;

/// <summary>The streams that are open now, of every kind: so that a key's streams end with it, and agents can be seen to be online.</summary>
public sealed class LiveConnections(Db db, Leases leases, TimeProvider time, IOptions<RelayerOptions> options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashSet<LiveConnection>> _byKey = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _sockets = new(StringComparer.Ordinal);

    /// <summary>How many are open.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _byKey.Values.Sum(open => open.Count);
            }
        }
    }

    /// <summary>
    /// Enters a stream before it begins: a WebSocket before its handshake is answered, so that a refusal is a plain HTTP answer. The key is
    /// looked at once more after the entry; a rotation in between either is seen here or cuts what was entered.
    /// </summary>
    /// <param name="caller">Whose it is.</param>
    /// <param name="present">Whether the agent counts as online with it: a WebSocket or SSE. Long-polls come and go.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>To be disposed when the stream has ended.</returns>
    /// <exception cref="ApiException">429 when the key has too many, 401 when it was revoked meanwhile.</exception>
    public async Task<LiveConnection> OpenAsync(Caller caller, bool present, CancellationToken cancellationToken)
    {
        var connection = new LiveConnection(this, caller.KeyId, present ? caller.AgentId : null);
        Add(connection);
        try
        {
            await RequireLiveKeyAsync(caller.KeyId, cancellationToken);
            if (connection.AgentId is { } agentId)
            {
                await RememberAsync(agentId, cancellationToken);
            }

            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Ends every stream of a key: WebSockets close with 4401, SSE and long-polls end. Call it after the commit that revokes the key.</summary>
    public void Cut(string keyId)
    {
        LiveConnection[] connections;
        lock (_lock)
        {
            connections = _byKey.TryGetValue(keyId, out var open) ? [.. open] : [];
        }

        foreach (var connection in connections)
        {
            connection.Cut();
        }
    }

    /// <summary>The name under which other processes know what is open at this one.</summary>
    public static string InstanceOf(Leases leases) => $"instance:{leases.Owner}";

    /// <summary>Agents that have a WebSocket or SSE open here.</summary>
    public HashSet<string> OnlineAgents()
    {
        lock (_lock)
        {
            return new HashSet<string>(_sockets.Keys, StringComparer.Ordinal);
        }
    }

    /// <summary>Whether an agent has a WebSocket or SSE open here.</summary>
    public bool IsOnline(string agentId)
    {
        lock (_lock)
        {
            return _sockets.ContainsKey(agentId);
        }
    }

    /// <summary>Whether each of these agents listens.</summary>
    public async Task<IReadOnlyDictionary<string, OnlineStatus>> StatusesAsync(IReadOnlyCollection<string> agentIds, CancellationToken cancellationToken)
    {
        var connected = await db.ReadAsync(
            connection => connection.QueryAsync<(string AgentId, bool IsElsewhere)>(
                $"""
                SELECT p.agent_id, EXISTS (
                  SELECT 1 FROM presence r JOIN lease l ON l.name = r.instance WHERE r.agent_id = p.agent_id AND r.instance <> @here AND l.until > {db.Now}) AS is_elsewhere
                FROM agent_presence p WHERE p.agent_id IN @agentIds
                """,
                new { agentIds, here = InstanceOf(leases) }),
            cancellationToken);
        var known = connected.ToDictionary(row => row.AgentId, row => row.IsElsewhere, StringComparer.Ordinal);
        return agentIds.Distinct(StringComparer.Ordinal).ToDictionary(
            agentId => agentId,
            agentId => !known.TryGetValue(agentId, out var isElsewhere) ? OnlineStatus.Draft : isElsewhere || IsOnline(agentId) ? OnlineStatus.Online : OnlineStatus.Offline,
            StringComparer.Ordinal);
    }

    internal void Remove(LiveConnection connection)
    {
        lock (_lock)
        {
            if (!_byKey.TryGetValue(connection.KeyId, out var open) || !open.Remove(connection))
            {
                return;
            }

            if (open.Count == 0)
            {
                _byKey.Remove(connection.KeyId);
            }

            if (connection.AgentId is { } agentId && --_sockets[agentId] == 0)
            {
                _sockets.Remove(agentId);
            }
        }
    }

    private void Add(LiveConnection connection)
    {
        var most = options.Value.StreamsPerKey;
        lock (_lock)
        {
            if (!_byKey.TryGetValue(connection.KeyId, out var open))
            {
                _byKey[connection.KeyId] = open = [];
            }

            if (open.Count >= most)
            {
                throw new ApiException(
                    429,
                    ErrorCodes.RateLimited,
                    $"This key has {most} streams open, which is as many as it may. Close one, or share one between the tasks of a process.",
                    new { limit = most },
                    retryable: true);
            }

            open.Add(connection);
            if (connection.AgentId is { } agentId)
            {
                _sockets[agentId] = _sockets.GetValueOrDefault(agentId) + 1;
            }
        }
    }

    // Not through ApiKeys, which end connections here.
    private async Task RequireLiveKeyAsync(string keyId, CancellationToken cancellationToken)
    {
        var isLive = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<bool>("SELECT 1 FROM api_key WHERE key_id = @keyId AND revoked_at IS NULL", new { keyId }),
            cancellationToken);
        if (!isLive)
        {
            throw new ApiException(401, ErrorCodes.InvalidApiKey, "The key was revoked just now. Use the new one.");
        }
    }

    private Task RememberAsync(string agentId, CancellationToken cancellationToken) => db.WriteAsync(
        tx => tx.ExecuteAsync(
            "INSERT INTO agent_presence (agent_id, last_connected_at) VALUES (@agentId, @now) ON CONFLICT (agent_id) DO UPDATE SET last_connected_at = excluded.last_connected_at",
            new { agentId, now = time.GetUtcNow().ToUnixTimeMilliseconds() }),
        cancellationToken);
}

/// <summary>A stream that is open.</summary>
public sealed class LiveConnection : IDisposable
{
    private readonly LiveConnections _connections;
    private readonly CancellationTokenSource _cut = new();

    internal LiveConnection(LiveConnections connections, string keyId, string? agentId)
    {
        _connections = connections;
        KeyId = keyId;
        AgentId = agentId;
        IsCut = _cut.Token;
    }

    /// <summary>Says that the key was revoked: the stream must end now, a WebSocket with 4401.</summary>
    public CancellationToken IsCut { get; }

    internal string KeyId { get; }

    internal string? AgentId { get; }

    /// <summary>Leaves the registry. Not the token's source: somebody may be cutting just now, and without a timer it holds nothing.</summary>
    public void Dispose() => _connections.Remove(this);

    internal void Cut() => _ = _cut.CancelAsync();
}
