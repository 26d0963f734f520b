namespace CapVault.Sdk;

/// <summary>POST /auth/challenge</summary>
public sealed record ChallengeRequest
{
    /// <summary>The Owner's address: a key's, or a contract's that answers ERC-1271.</summary>
    public required string Address { get; init; }
}

/// <summary>What an Owner signs to sign in.</summary>
public sealed record Challenge
{
    /// <summary>An EIP-4361 message; to be signed as it is (EIP-191, <c>personal_sign</c>).</summary>
    public required string Message { get; init; }

    /// <summary>The one inside it.</summary>
    public required string Nonce { get; init; }

    /// <summary>Until when it can be used, once.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>POST /auth/login</summary>
public sealed record LoginRequest
{
    /// <summary><see cref="Challenge.Message"/>, byte for byte.</summary>
    public required string Message { get; init; }

    /// <summary>The signature of it, 0x-prefixed: 65 bytes of a key, or up to 4 096 for a contract.</summary>
    public required string Signature { get; init; }
}

/// <summary>An Owner who has signed in.</summary>
public sealed record OwnerSession
{
    /// <summary><c>cap_own_…</c>: goes into <c>Authorization: Bearer</c>, for set-up only.</summary>
    public required string Token { get; init; }

    /// <summary>Who signed in.</summary>
    public required string Owner { get; init; }

    /// <summary>Until when the token works, unless it is logged out before.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>POST /auth/api-keys (admin)</summary>
public sealed record CreateApiKeyRequest
{
    /// <summary>1–64 characters, for people: who or what uses it.</summary>
    public required string Name { get; init; }

    /// <summary>What it may do: some of what the key that makes it may do.</summary>
    public required IReadOnlyList<Scope> Scopes { get; init; }
}

/// <summary>A key of the operator, without its secret.</summary>
public sealed record ApiKey
{
    /// <summary>The public part, by which it is revoked.</summary>
    public required string KeyId { get; init; }

    /// <summary>For people.</summary>
    public required string Name { get; init; }

    /// <summary>What it may do.</summary>
    public required IReadOnlyList<Scope> Scopes { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedTime { get; init; }
}

/// <summary>A new key of the operator, which is shown once.</summary>
public sealed record CreateApiKeyResult
{
    /// <summary>What is known of it from now on.</summary>
    public required ApiKey ApiKey { get; init; }

    /// <summary><c>ohk_…</c>; only its hash is kept.</summary>
    public required string Key { get; init; }
}

/// <summary>An agent's new key, which is shown once. The one before is dead, and its streams are closed.</summary>
public sealed record RotateSdkKeyResult
{
    /// <summary><c>croo_sk_…</c>; only its hash is kept.</summary>
    public required string SdkKey { get; init; }
}
