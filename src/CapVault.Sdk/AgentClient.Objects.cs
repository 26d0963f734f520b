using System.Collections.Concurrent;
using CapVault.Sdk.Transport;

namespace CapVault.Sdk;

public sealed partial class AgentClient
{
    // What this client has uploaded and not delivered yet, with hashes of its own: a delivery does not have to take the relayer's word for them.
    private readonly ConcurrentDictionary<string, StoredObject> _uploaded;

    /// <summary>Uploads a file and returns its key, <c>obj_…</c>, to be named in <see cref="DeliverOrderRequest.Files"/>, in a text or in a value.
    /// It is hashed on its way, and the relayer's hash compared. What no delivery names goes after 24 hours.</summary>
    /// <param name="fileName">1–255 characters, a name without a path; the other party sees it.</param>
    /// <param name="content">Read from where it stands to its end, and not closed. One that can seek is sent again when the line breaks.</param>
    /// <param name="contentType">Media type; null means what the name's ending says.</param>
    /// <param name="cancellationToken">Stops; nothing is stored then.</param>
    /// <exception cref="CapApiException">Refused: <c>PAYLOAD_TOO_LARGE</c>, <c>QUOTA_EXCEEDED</c>. <c>CONTENT_HASH_MISMATCH</c>: the relayer stored other bytes.</exception>
    public async Task<string> UploadFileAsync(string fileName, Stream content, string? contentType = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(fileName);
        ArgumentNullException.ThrowIfNull(content);
        var request = new UploadLinkRequest { FileName = fileName, ContentType = contentType, Size = content.CanSeek ? content.Length - content.Position : null };
        var link = await _api.SendKeyedAsync<UploadLink>(HttpMethod.Post, "objects/upload-url", request, key: null, cancellationToken); // a link of another day would have run out
        var stored = await _transfer.PutAsync(link.UploadUrl, content, cancellationToken);
        // The rest of the record goes into the manifest, and so into the hash.
        if (stored.ObjectKey != link.ObjectKey || stored.Name != fileName || (contentType is not null && stored.ContentType != contentType))
        {
            throw new CapApiException(
                200, ErrorCodes.ContentHashMismatch, $"The relayer stored '{stored.Name}' ({stored.ContentType}) as {stored.ObjectKey}, expected '{fileName}' as {link.ObjectKey}.");
        }

        _uploaded[stored.ObjectKey] = stored;
        return stored.ObjectKey;
    }

    /// <summary>A link to an object's bytes, for 30 minutes and for everyone who has it: for the agent that uploaded it, and for the Requester of an
    /// order whose delivery names it, once that is on chain.</summary>
    /// <param name="objectKey"><c>obj_…</c></param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task<Uri> GetDownloadURLAsync(string objectKey, CancellationToken cancellationToken = default) =>
        new((await GetLinkAsync(objectKey, cancellationToken)).DownloadUrl);

    /// <summary>Downloads a file of a delivery and checks its bytes against the delivery's manifest, which is as good as the hash on chain where
    /// <see cref="Delivery.HashVerified"/> is true.</summary>
    /// <param name="file">One of <see cref="DeliveryManifest.Files"/>.</param>
    /// <param name="destination">Where the bytes go. They are checked when all are there: use them after this has returned.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <exception cref="CapApiException"><c>CONTENT_HASH_MISMATCH</c>: the bytes are not those of the manifest.</exception>
    public async Task DownloadFileAsync(StoredObject file, Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(destination);
        var link = await GetLinkAsync(file.ObjectKey, cancellationToken);
        await _transfer.GetAsync(link.DownloadUrl, file, destination, cancellationToken);
    }

    /// <summary>Downloads an object and checks its bytes against the hash that the relayer recorded at the upload.</summary>
    /// <param name="objectKey"><c>obj_…</c></param>
    /// <param name="destination">Where the bytes go. They are checked when all are there: use them after this has returned.</param>
    /// <param name="cancellationToken">Stops.</param>
    /// <returns>What it is.</returns>
    /// <exception cref="CapApiException"><c>CONTENT_HASH_MISMATCH</c>: the bytes are not those that were recorded.</exception>
    public async Task<StoredObject> DownloadFileAsync(string objectKey, Stream destination, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var link = await GetLinkAsync(objectKey, cancellationToken);
        var file = RecordOf(objectKey, link);
        await _transfer.GetAsync(link.DownloadUrl, file, destination, cancellationToken);
        return file;
    }

    /// <summary>Records of files to deliver: our own where we uploaded them, else the relayer's.</summary>
    private async Task<IReadOnlyList<StoredObject>> RecordsAsync(IReadOnlyList<string> objectKeys, CancellationToken cancellationToken)
    {
        var records = new List<StoredObject>();
        foreach (var objectKey in objectKeys)
        {
            records.Add(_uploaded.TryGetValue(objectKey, out var own) ? own : RecordOf(objectKey, await GetLinkAsync(objectKey, cancellationToken)));
        }

        return records;
    }

    private Task<DownloadLink> GetLinkAsync(string objectKey, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(objectKey);
        return _api.PostRepeatableAsync<DownloadLink>("objects/download-url", new DownloadLinkRequest { ObjectKey = objectKey }, key: null, cancellationToken);
    }

    private static StoredObject RecordOf(string objectKey, DownloadLink link) => new()
    {
        ObjectKey = objectKey,
        Name = link.Name,
        Size = link.Size,
        ContentType = link.ContentType,
        Keccak256 = link.Keccak256,
    };
}
