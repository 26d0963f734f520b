using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using Dapper;

namespace CapVault.Relayer.Accounts;

/// <summary>Keys: <c>croo_sk_&lt;id&gt;_&lt;secret&gt;</c> for agents, <c>ohk_…</c> for the operator. Only a hash of the secret is kept.</summary>
public sealed class ApiKeys(Db db, TimeProvider time)
{
    private const int IdBytes = 9; // 12 characters
    private const int SecretBytes = 32; // 43 characters
    private const string AgentPrefix = "croo_sk_";

    /// <summary>Makes a key and returns it; it cannot be read again.</summary>
    public async Task<string> CreateAsync(Tx tx, string? agentId, string prefix)
    {
        // Hex, because base64url has the underscore that separates the parts.
        var keyId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        await tx.ExecuteAsync(
            "INSERT INTO api_key (key_id, agent_id, secret_hash, created_at) VALUES (@keyId, @agentId, @hash, @now)",
            new { keyId, agentId, hash = Hash(secret), now = time.GetUtcNow().ToUnixTimeMilliseconds() });
        return $"{prefix}{keyId}_{secret}";
    }

    /// <summary>Makes an agent's key.</summary>
    public Task<string> CreateForAgentAsync(Tx tx, string agentId) => CreateAsync(tx, agentId, AgentPrefix);

    /// <summary>Whose key it is, or null.</summary>
    public async Task<Caller?> FindAsync(string key, CancellationToken cancellationToken)
    {
        if (Split(key) is not var (isAgent, keyId, secret))
        {
            return null;
        }

        var row = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<Row>(
                "SELECT agent_id, secret_hash FROM api_key WHERE key_id = @keyId AND revoked_at IS NULL AND (agent_id IS NOT NULL) = @isAgent",
                new { keyId, isAgent }),
            cancellationToken);
        // An unknown id takes the same comparison, so that timing does not tell ids apart.
        return CryptographicOperations.FixedTimeEquals(Hash(secret), row?.SecretHash ?? new byte[SHA256.HashSizeInBytes]) && row is not null
            ? new Caller(row.AgentId, keyId)
            : null;
    }

    /// <summary>Whose key has this id, or null when it was revoked: for identities that were proven before and are kept.</summary>
    public Task<Caller?> FindByIdAsync(string keyId, CancellationToken cancellationToken) => db.ReadAsync(
        async connection => await connection.QueryFirstOrDefaultAsync<Row>(
            "SELECT agent_id, secret_hash FROM api_key WHERE key_id = @keyId AND revoked_at IS NULL", new { keyId }) is { } row
            ? new Caller(row.AgentId, keyId)
            : null,
        cancellationToken);

    /// <summary>
    /// Makes the operator's key at the first start and writes it to <paramref name="path"/> (mode 0600). The file is written before the
    /// commit: a crash in between leaves a key that does not work, and the next start replaces it.
    /// </summary>
    public Task EnsureOperatorKeyAsync(string path, string prefix, CancellationToken cancellationToken) => db.WriteAsync(
        async tx =>
        {
            if (await tx.FirstOrDefaultAsync<string>("SELECT key_id FROM api_key WHERE agent_id IS NULL AND revoked_at IS NULL") is null)
            {
                SecretFile.Write(path, await CreateAsync(tx, null, prefix));
            }
        },
        cancellationToken);

    private static (bool IsAgent, string KeyId, string Secret)? Split(string key)
    {
        // croo_sk_<id>_<secret>, ohk_test_<id>_<secret>: the secret may contain underscores, the id does not.
        var parts = key.Split('_', 4);
        return parts is ["croo", "sk", { Length: IdBytes * 2 } keyId, { Length: 43 } secret] ? (true, keyId, secret)
            : parts is ["ohk", "live" or "test", { Length: IdBytes * 2 } operatorKeyId, { Length: 43 } operatorSecret] ? (false, operatorKeyId, operatorSecret)
            : null;
    }

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private sealed record Row
    {
        public string? AgentId { get; init; }

        public byte[] SecretHash { get; init; } = [];
    }
}
