using CapVault.Relayer.Http;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Objects;

/// <summary>A row of <c>object</c>: a file that an agent uploads, or has uploaded.</summary>
public sealed record ObjectRow
{
    /// <summary>Its id.</summary>
    public string ObjectKey { get; init; } = "";

    /// <summary>Who uploads it.</summary>
    public string AgentId { get; init; } = "";

    /// <summary>What the uploader calls it.</summary>
    public string Name { get; init; } = "";

    /// <summary>Media type.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Bytes that were announced.</summary>
    public long? AnnouncedSize { get; init; }

    /// <summary>keccak256 that was announced.</summary>
    public byte[]? AnnouncedHash { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get; init; }

    /// <summary>keccak256 of the bytes.</summary>
    public byte[]? ContentHash { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public long CreatedAt { get; init; }

    /// <summary>Unix milliseconds; null while nothing is uploaded.</summary>
    public long? StoredAt { get; init; }

    /// <summary>As the API shows it once it is stored.</summary>
    public StoredObject ToModel() => new()
    {
        ObjectKey = ObjectKey,
        Name = Name,
        Size = Size!.Value,
        ContentType = ContentType,
        Keccak256 = ContentHash!.ToHex(true),
    };

    /// <summary>The answer for one that is not there, or not the caller's.</summary>
    public static ApiException NotFound(string objectKey) => ApiException.NotFound(ErrorCodes.ObjectNotFound, "object", objectKey);
}
