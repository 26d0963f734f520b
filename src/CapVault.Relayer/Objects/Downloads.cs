using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;

namespace CapVault.Relayer.Objects;

/// <summary>Who may have which object.</summary>
public sealed class Downloads(Db db)
{
    // The Requester gets what the content that is on chain names, nothing of what else was submitted.
    private const string MayHave = """
        (o.agent_id = @agentId OR EXISTS (
          SELECT 1 FROM delivery_object d JOIN orders r ON r.order_id = d.order_id JOIN order_state s ON s.order_id = d.order_id
          WHERE d.object_key = o.object_key AND r.requester_agent_id = @agentId AND r.provider_agent_id = o.agent_id AND s.deliverable_hash = d.content_hash))
        """;

    /// <summary>A stored object, for the agent that uploaded it, and for the Requester of an order whose delivery names it.</summary>
    /// <exception cref="ApiException">404 for anybody else; 409 for the uploader while there are no bytes.</exception>
    public async Task<ObjectRow> GetAsync(string agentId, string objectKey, CancellationToken cancellationToken)
    {
        var row = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<ObjectRow?>($"SELECT o.* FROM object o WHERE o.object_key = @objectKey AND {MayHave}", new { objectKey, agentId }),
            cancellationToken) ?? throw ObjectRow.NotFound(objectKey);
        return row.StoredAt is not null ? row : throw NotStored(objectKey);
    }

    /// <summary>Stored objects of an agent's own, in the order asked for.</summary>
    /// <exception cref="ApiException">404 for one that is not the agent's, 409 for one without bytes.</exception>
    public async Task<IReadOnlyList<StoredObject>> GetOwnAsync(string agentId, IReadOnlyList<string> objectKeys, CancellationToken cancellationToken)
    {
        if (objectKeys.Count == 0)
        {
            return [];
        }

        var rows = (await db.ReadAsync(
            connection => connection.QueryAsync<ObjectRow>("SELECT * FROM object WHERE object_key IN @objectKeys AND agent_id = @agentId", new { objectKeys, agentId }),
            cancellationToken)).ToDictionary(row => row.ObjectKey, StringComparer.Ordinal);
        return objectKeys.Select(key => rows.TryGetValue(key, out var row) ? row : throw ObjectRow.NotFound(key))
            .Select(row => row.StoredAt is not null ? row.ToModel() : throw NotStored(row.ObjectKey)).ToList();
    }

    /// <summary>A stored object, for who has a link to it.</summary>
    /// <exception cref="ApiException">404 if it is gone.</exception>
    public async Task<ObjectRow> GetAsync(string objectKey, CancellationToken cancellationToken) => await db.ReadAsync(
        connection => connection.QueryFirstOrDefaultAsync<ObjectRow?>("SELECT * FROM object WHERE object_key = @objectKey AND stored_at IS NOT NULL", new { objectKey }),
        cancellationToken) ?? throw ObjectRow.NotFound(objectKey);

    private static ApiException NotStored(string objectKey) => ApiException.State(
        ErrorCodes.InvalidState, $"Nothing is uploaded as {objectKey} yet. Put its bytes to its upload link first.", new { objectKey });
}
