using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Objects;

/// <summary>
/// Takes files in. Bytes first, row after: a crash in between leaves a file that does not count, over which the next upload writes, and which
/// the sweep takes with its row.
/// </summary>
public sealed class Uploads(Db db, ObjectStore store, RunningUploads running, IOptions<RelayerOptions> options, TimeProvider time)
{
    private static readonly FileExtensionContentTypeProvider ContentTypes = new();

    private readonly RelayerOptions _options = options.Value;

    /// <summary>Makes an object without bytes yet.</summary>
    /// <exception cref="ApiException">400 for a bad field, 413 for an announced size over the limit, 422 over the agent's quota.</exception>
    public async Task<ObjectRow> CreateAsync(string agentId, UploadLinkRequest request, IdempotentCall call, CancellationToken cancellationToken)
    {
        var row = new ObjectRow
        {
            ObjectKey = Ids.New("obj_"),
            AgentId = agentId,
            Name = FileName(request.FileName),
            ContentType = request.ContentType is { } type ? ContentType(type) : ContentTypes.TryGetContentType(request.FileName, out var known) ? known : "application/octet-stream",
            AnnouncedSize = request.Size is { } size ? AnnouncedSize(size) : null,
            AnnouncedHash = request.Keccak256 is { } hash ? Hash(hash) : null,
            CreatedAt = time.GetUtcNow().ToUnixTimeMilliseconds(),
        };
        return await db.WriteAsync(
            async tx =>
            {
                if (!await call.ClaimAsync(tx))
                {
                    return row with { ObjectKey = call.Made! };
                }

                await tx.LockAsync(agentId);
                var (count, bytes) = await tx.SingleAsync<(long, long)>("SELECT count(*), CAST(coalesce(sum(size), 0) AS bigint) FROM object WHERE agent_id = @agentId", new { agentId });
                RequireQuota("objects", count, 1, _options.ObjectQuotaCount);
                RequireQuota("bytes", bytes, row.AnnouncedSize ?? 0, _options.ObjectQuotaBytes);
                await tx.ExecuteAsync(
                    """
                    INSERT INTO object (object_key, agent_id, name, content_type, announced_size, announced_hash, created_at)
                    VALUES (@ObjectKey, @AgentId, @Name, @ContentType, @AnnouncedSize, @AnnouncedHash, @CreatedAt)
                    """,
                    row);
                await call.RememberAsync(tx, row.ObjectKey);
                return row;
            },
            cancellationToken);
    }

    /// <summary>Stores an object's bytes. The same bytes may come again; other ones are refused once it is stored.</summary>
    /// <param name="objectKey">The object, from a link that was checked.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="length">How many, where the sender says so.</param>
    /// <param name="cancellationToken">Ends it; nothing stays.</param>
    /// <exception cref="ApiException">404 if it was swept, 409 for other bytes than those stored or while another upload runs, 413 over the limit,
    /// 422 over the agent's quota or if the bytes are not those that were announced.</exception>
    public async Task<ObjectRow> ReceiveAsync(string objectKey, Stream content, long? length, CancellationToken cancellationToken)
    {
        var row = await FindAsync(objectKey, cancellationToken);
        var maximum = Math.Min(row.AnnouncedSize ?? long.MaxValue, _options.MaxObjectBytes);
        RequireSize(row, maximum, length ?? 0);
        using var upload = running.Enter(row, length ?? maximum);
        // Looked at again: an upload that ran until just now may have stored it.
        row = await FindAsync(objectKey, cancellationToken);
        if (row.StoredAt is not null)
        {
            return await CompareAsync(row, content, cancellationToken);
        }

        var stored = await db.ReadAsync(
            connection => connection.ExecuteScalarAsync<long>("SELECT coalesce(sum(size), 0) FROM object WHERE agent_id = @AgentId", row), cancellationToken);
        RequireQuota("bytes", stored, running.BytesOf(row.AgentId), _options.ObjectQuotaBytes);
        using var file = await store.TakeInAsync(content, maximum, cancellationToken);
        RequireSize(row, maximum, file.Size);
        RequireAnnounced(row, file);
        return await CommitAsync(row, file, cancellationToken);
    }

    private async Task<ObjectRow> CommitAsync(ObjectRow row, ArrivedFile file, CancellationToken cancellationToken)
    {
        var stored = row with { Size = file.Size, ContentHash = file.Hash, StoredAt = time.GetUtcNow().ToUnixTimeMilliseconds() };
        store.Keep(file, row.ObjectKey);
        var isThere = await db.WriteAsync(
            tx => tx.ExecuteAsync("UPDATE object SET size = @Size, content_hash = @ContentHash, stored_at = @StoredAt WHERE object_key = @ObjectKey", stored), cancellationToken);
        if (isThere == 0)
        {
            // Swept meanwhile: the upload took longer than a day.
            store.Remove(row.ObjectKey);
            throw ObjectRow.NotFound(row.ObjectKey);
        }

        return stored;
    }

    private static async Task<ObjectRow> CompareAsync(ObjectRow row, Stream content, CancellationToken cancellationToken)
    {
        var (size, hash) = await ObjectStore.ReadAsync(content, maximum: row.Size!.Value, write: null, cancellationToken);
        return size == row.Size && hash.AsSpan().SequenceEqual(row.ContentHash)
            ? row
            : throw ApiException.State(
                ErrorCodes.InvalidState, "Other bytes are stored over this link already. Ask for another upload link.", new { row.ObjectKey, keccak256 = row.ContentHash!.ToHex(true) });
    }

    private async Task<ObjectRow> FindAsync(string objectKey, CancellationToken cancellationToken) =>
        await db.ReadAsync(connection => connection.QueryFirstOrDefaultAsync<ObjectRow?>("SELECT * FROM object WHERE object_key = @objectKey", new { objectKey }), cancellationToken)
            ?? throw ObjectRow.NotFound(objectKey);

    private void RequireSize(ObjectRow row, long maximum, long size)
    {
        if (size <= maximum)
        {
            return;
        }

        throw maximum == row.AnnouncedSize ? NotAnnounced(row, size) : TooLarge(size);
    }

    private static void RequireAnnounced(ObjectRow row, ArrivedFile file)
    {
        if (row.AnnouncedSize is { } size && size != file.Size)
        {
            throw NotAnnounced(row, file.Size);
        }

        if (row.AnnouncedHash is { } hash && !hash.AsSpan().SequenceEqual(file.Hash))
        {
            throw new ApiException(
                422,
                ErrorCodes.ContentHashMismatch,
                $"keccak256: found {file.Hash.ToHex(true)}, expected {hash.ToHex(true)}, which was announced. Upload the same bytes again, or ask for another link.",
                new { found = file.Hash.ToHex(true), expected = hash.ToHex(true) });
        }
    }

    private ApiException TooLarge(long size) => new(
        413, ErrorCodes.PayloadTooLarge, $"The object is larger than {_options.MaxObjectBytes} bytes. Send less.", new { found = size, maximum = _options.MaxObjectBytes });

    private static ApiException NotAnnounced(ObjectRow row, long size) => ApiException.Invalid(
        "size", $"{(size > row.AnnouncedSize ? "more than " : "")}{Math.Min(size, row.AnnouncedSize!.Value)} bytes", $"the {row.AnnouncedSize} that were announced");

    private static void RequireQuota(string what, long used, long more, long limit)
    {
        if (used + more > limit)
        {
            throw new ApiException(
                422,
                ErrorCodes.QuotaExceeded,
                $"The agent's objects take {used} {what}, and {more} more would be over its limit of {limit}. Wait: objects that no delivery names go after 24 hours.",
                new { what, used, more, limit });
        }
    }

    private long AnnouncedSize(long size) =>
        size < 0 ? throw ApiException.Invalid("size", size.ToString(), "a number of bytes") : size > _options.MaxObjectBytes ? throw TooLarge(size) : size;

    // The other party's tools may write it to a disk under this name.
    private static string FileName(string name) =>
        Fields.Text("fileName", name, 1, 255).AsSpan().IndexOfAny("/\\\n\t") < 0 && name is not ("." or "..")
            ? name
            : throw ApiException.Invalid("fileName", name, "a file's name without a path");

    private static string ContentType(string type) =>
        type.Length <= 255 && type.All(character => character is >= ' ' and <= '~') && MediaTypeHeaderValue.TryParse(type, out var parsed) && !parsed.MatchesAllSubTypes
            ? type
            : throw ApiException.Invalid("contentType", type, "a media type such as application/pdf");

    private static byte[] Hash(string hash) =>
        hash.Length == 66 && hash.StartsWith("0x", StringComparison.Ordinal) && hash.AsSpan(2).IndexOfAnyExcept(System.Buffers.SearchValues.Create("0123456789abcdefABCDEF")) < 0
            ? hash.HexToByteArray()
            : throw ApiException.Invalid("keccak256", hash, "0x and 64 hex digits");
}
