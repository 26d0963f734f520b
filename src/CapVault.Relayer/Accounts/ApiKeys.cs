using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;

namespace CapVault.Relayer.Accounts;

/// <summary>A row of <c>api_key</c>.</summary>
public sealed record ApiKeyRow
{
    /// <summary>The public part.</summary>
    public string KeyId { get; init; } = "";

    /// <summary>Whose it is; null for the operator's.</summary>
    public string? AgentId { get; init; }

    /// <summary>SHA-256 of the secret part.</summary>
    public byte[] SecretHash { get; init; } = [];

    /// <summary>For people; operator's keys only.</summary>
    public string? Name { get; init; }

    /// <summary>What it may do; operator's keys only.</summary>
    public Scopes Scopes { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>As the API shows it.</summary>
    public ApiKey ToModel() => new() { KeyId = KeyId, Name = Name ?? "", Scopes = Scopes.ToWords(), CreatedTime = DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt) };
}

/// <summary>Keys: <c>croo_sk_…</c> for agents, <c>ohk_live_…</c> or <c>ohk_test_…</c> for the operator.</summary>
public sealed class ApiKeys(Db db, LiveConnections connections, TimeProvider time)
{
    private const string AgentPrefix = "croo_sk_";

    private const string LivePrefix = "ohk_live_";
    private const string TestPrefix = "ohk_test_";

    /// <summary>Of the operator's keys: test money's look different.</summary>
    public static string OperatorPrefix(RelayerOptions options) => options.Sandbox ? TestPrefix : LivePrefix;

    /// <summary>Makes an agent's key and returns it; it cannot be read again.</summary>
    public async Task<string> CreateForAgentAsync(Tx tx, string agentId) => (await InsertAsync(tx, KeyText.New(AgentPrefix), agentId, name: null, Scopes.None)).Key.ToString();

    /// <summary>Gives an agent a new key in place of those that it has, which die with the commit, and their streams with them.</summary>
    public async Task<string> RotateForAgentAsync(Tx tx, string agentId)
    {
        var old = await tx.QueryAsync<string>("SELECT key_id FROM api_key WHERE agent_id = @agentId AND revoked_at IS NULL", new { agentId });
        foreach (var keyId in old)
        {
            await RevokeAsync(tx, keyId);
        }

        return await CreateForAgentAsync(tx, agentId);
    }

    /// <summary>Makes a key of the operator.</summary>
    public Task<CreateApiKeyResult> CreateAsync(string prefix, string name, Scopes scopes, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            if (!await call.ClaimAsync(tx))
            {
                var first = await tx.SingleAsync<ApiKeyRow>("SELECT * FROM api_key WHERE key_id = @Id", KeyText.Parse(call.Made!)!);
                return new CreateApiKeyResult { ApiKey = first.ToModel(), Key = call.Made! };
            }

            var (key, row) = await InsertAsync(tx, KeyText.New(prefix), agentId: null, name, scopes);
            await call.RememberAsync(tx, key.ToString());
            return new CreateApiKeyResult { ApiKey = row.ToModel(), Key = key.ToString() };
        },
        cancellationToken);

    /// <summary>The operator's keys that work, newest first.</summary>
    public Task<List<ApiKeyRow>> ListAsync(int limit, long beforeTime, string beforeId, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => (await connection.QueryAsync<ApiKeyRow>(
            """
            SELECT * FROM api_key WHERE agent_id IS NULL AND revoked_at IS NULL AND (created_at, key_id) < (@beforeTime, @beforeId)
            ORDER BY created_at DESC, key_id DESC LIMIT @limit
            """,
            new { limit, beforeTime, beforeId })).AsList(),
        cancellationToken);

    /// <summary>Revokes a key of the operator; its streams end.</summary>
    /// <exception cref="ApiException">404 if there is none that works.</exception>
    public Task RevokeAsync(string keyId, IdempotentCall call, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            if (!await call.ClaimAsync(tx))
            {
                return;
            }

            await tx.LockAsync(keyId);
            if (await tx.FirstOrDefaultAsync<string>("SELECT key_id FROM api_key WHERE key_id = @keyId AND agent_id IS NULL AND revoked_at IS NULL", new { keyId }) is null)
            {
                throw ApiException.NotFound(ErrorCodes.ApiKeyNotFound, "API key", keyId);
            }

            await RevokeAsync(tx, keyId);
        },
        cancellationToken);

    /// <summary>Ends the streams here of keys that another process has revoked. Clocks may differ by the time that is looked back.</summary>
    public async Task CutRevokedAsync(CancellationToken cancellationToken)
    {
        var since = time.GetUtcNow().AddMinutes(-5).ToUnixTimeMilliseconds();
        foreach (var keyId in await db.ReadAsync(
            connection => connection.QueryAsync<string>("SELECT key_id FROM api_key WHERE revoked_at > @since", new { since }), cancellationToken))
        {
            connections.Cut(keyId);
        }
    }

    /// <summary>Whose key it is, or null.</summary>
    public async Task<Caller?> FindAsync(string key, CancellationToken cancellationToken)
    {
        if (KeyText.Parse(key) is not { Prefix: AgentPrefix or LivePrefix or TestPrefix } text)
        {
            return null;
        }

        var row = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<ApiKeyRow>(
                "SELECT * FROM api_key WHERE key_id = @Id AND revoked_at IS NULL AND CASE WHEN agent_id IS NULL THEN 0 ELSE 1 END = @isAgent", new { text.Id, isAgent = text.Prefix == AgentPrefix }),
            cancellationToken);
        return text.Matches(row?.SecretHash) ? new Caller(row!.AgentId, row.KeyId) { Scopes = row.Scopes } : null;
    }

    /// <summary>Whose key has this id, or null when it was revoked: for identities that were proven before and are kept.</summary>
    public Task<Caller?> FindByIdAsync(string keyId, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => await connection.QueryFirstOrDefaultAsync<ApiKeyRow?>("SELECT * FROM api_key WHERE key_id = @keyId AND revoked_at IS NULL", new { keyId }) is { } row
            ? new Caller(row.AgentId, row.KeyId) { Scopes = row.Scopes }
            : null,
        cancellationToken);

    /// <summary>
    /// Makes sure that some key may do everything: at the first start, and when the last one was revoked. It is written to
    /// <paramref name="path"/> (mode 0600) before the commit: a crash in between leaves a key that does not work, and the next start replaces it.
    /// </summary>
    public Task EnsureOperatorKeyAsync(string path, string prefix, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            await tx.LockAsync("operator key");
            if (await tx.FirstOrDefaultAsync<string>("SELECT key_id FROM api_key WHERE agent_id IS NULL AND revoked_at IS NULL AND scopes = @All", new { Scopes.All }) is null)
            {
                var (key, _) = await InsertAsync(tx, KeyText.New(prefix), agentId: null, Path.GetFileName(path), Scopes.All);
                SecretFile.Write(path, key.ToString());
            }
        },
        cancellationToken);

    private async Task<(KeyText Key, ApiKeyRow Row)> InsertAsync(Tx tx, KeyText key, string? agentId, string? name, Scopes scopes)
    {
        var row = new ApiKeyRow { KeyId = key.Id, AgentId = agentId, SecretHash = key.Hash, Name = name, Scopes = scopes, CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds() };
        await tx.ExecuteAsync(
            "INSERT INTO api_key (key_id, agent_id, secret_hash, name, scopes, created_at) VALUES (@KeyId, @AgentId, @SecretHash, @Name, @Scopes, @CreatedAt)", row);
        return (key, row);
    }

    private async Task RevokeAsync(Tx tx, string keyId)
    {
        await tx.ExecuteAsync("UPDATE api_key SET revoked_at = @now WHERE key_id = @keyId", new { keyId, now = time.GetUtcNow().ToUnixTimeMilliseconds() });
        tx.OnCommitted(() => connections.Cut(keyId));
    }
}
