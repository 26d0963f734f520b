using System.Text.Json;

namespace CapVault.Sdk;

/// <summary>Every answer of the API.</summary>
/// <typeparam name="T">What a success carries.</typeparam>
public sealed record Envelope<T>
{
    /// <summary>Whether <see cref="Data"/> or <see cref="Error"/> is set.</summary>
    public required bool Success { get; init; }

    /// <summary>The answer.</summary>
    public T? Data { get; init; }

    /// <summary>Set on lists.</summary>
    public PageInfo? Page { get; init; }

    /// <summary>Why there is no answer.</summary>
    public ErrorBody? Error { get; init; }

    /// <summary>About the request itself.</summary>
    public ResponseMeta? Meta { get; init; }
}

/// <summary>About the request itself.</summary>
/// <param name="RequestId">The caller's X-Request-ID, or one that the server made.</param>
public sealed record ResponseMeta(string RequestId);

/// <summary>Where a list goes on.</summary>
/// <param name="NextCursor">Pass as <c>cursor</c> for the next page; null (absent) on the last.</param>
/// <param name="HasMore">Whether there is a next page.</param>
public sealed record PageInfo(string? NextCursor = null, bool HasMore = false);

/// <summary>An error with a stable code.</summary>
public sealed record ErrorBody
{
    /// <summary>One of <see cref="ErrorCodes"/>.</summary>
    public required string Code { get; init; }

    /// <summary>What was found, what was expected and what to do.</summary>
    public required string Message { get; init; }

    /// <summary>The same in parts, for programs.</summary>
    public Dictionary<string, JsonElement>? Details { get; init; }

    /// <summary>Whether the same call may succeed later.</summary>
    public required bool Retryable { get; init; }
}

/// <summary>A page of a list.</summary>
/// <typeparam name="T">What is listed.</typeparam>
/// <param name="Items">The page, newest first.</param>
/// <param name="NextCursor">Pass as <c>Cursor</c> for the next page; null on the last.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor = null)
{
    /// <summary>Whether there is a next page.</summary>
    public bool HasMore => NextCursor is not null;
}
