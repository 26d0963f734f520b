namespace CapVault.Sdk;

/// <summary>POST /objects/upload-url</summary>
public sealed record UploadLinkRequest
{
    /// <summary>1–255 characters, a file's name without a path; shown and handed out, never used as a path.</summary>
    public required string FileName { get; init; }

    /// <summary>A media type, <c>application/pdf</c>, with parameters or without; null means what the name's ending says, else
    /// <c>application/octet-stream</c>.</summary>
    public string? ContentType { get; init; }

    /// <summary>Bytes that will come; checked where it is given.</summary>
    public long? Size { get; init; }

    /// <summary>keccak256 that they will have, 0x-prefixed; checked where it is given.</summary>
    public string? Keccak256 { get; init; }
}

/// <summary>An object to be, and the link to put its bytes to.</summary>
public sealed record UploadLink
{
    /// <summary><c>obj_…</c></summary>
    public required string ObjectKey { get; init; }

    /// <summary>PUT the bytes here, without a key: the link is the authority. For one content; the same bytes may be put again.</summary>
    public required string UploadUrl { get; init; }

    /// <summary>The last second in which an upload may begin.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>POST /objects/download-url</summary>
public sealed record DownloadLinkRequest
{
    /// <summary><c>obj_…</c></summary>
    public required string ObjectKey { get; init; }
}

/// <summary>A link to get an object's bytes from, and what they are.</summary>
public sealed record DownloadLink
{
    /// <summary>GET the bytes here, without a key: the link is the authority.</summary>
    public required string DownloadUrl { get; init; }

    /// <summary>The last second in which a download may begin.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>What it was uploaded as.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Media type.</summary>
    public required string ContentType { get; init; }

    /// <summary>keccak256 of the bytes, 0x-prefixed.</summary>
    public required string Keccak256 { get; init; }
}

/// <summary>An object as it was stored: the answer of its PUT, and an entry of <see cref="DeliveryManifest.Files"/>.</summary>
public sealed record StoredObject
{
    /// <summary><c>obj_…</c></summary>
    public required string ObjectKey { get; init; }

    /// <summary>What it was uploaded as. From the other party: do not use it as a path.</summary>
    public required string Name { get; init; }

    /// <summary>Bytes.</summary>
    public required long Size { get; init; }

    /// <summary>Media type.</summary>
    public required string ContentType { get; init; }

    /// <summary>keccak256 of the bytes, 0x-prefixed, lower case.</summary>
    public required string Keccak256 { get; init; }
}
