namespace CapVault.Relayer.Idempotency;

/// <summary>A row of <c>idempotency</c>, with the operation that decides its outcome.</summary>
internal sealed record KeptCall
{
    /// <summary>By <see cref="CallIdentity.Scope"/> and <see cref="CallIdentity.Key"/>.</summary>
    public const string Query =
        """
        SELECT i.fingerprint, i.method, i.path, i.made, i.status, i.answer, coalesce(p.live, 0) AS is_open, p.user_op_hash, p.tx_hash
        FROM idempotency i LEFT JOIN operation p ON p.operation_id = i.operation_id WHERE i.scope = @Scope AND i.key = @Key
        """;

    /// <summary>What was asked for.</summary>
    public byte[] Fingerprint { get; init; } = [];

    /// <summary>HTTP method.</summary>
    public string Method { get; init; } = "";

    /// <summary>Path without query.</summary>
    public string Path { get; init; } = "";

    /// <summary>Sealed.</summary>
    public byte[]? Made { get; init; }

    /// <summary>HTTP status of the answer.</summary>
    public int? Status { get; init; }

    /// <summary>Sealed; null while there is none, and where it got lost.</summary>
    public byte[]? Answer { get; init; }

    /// <summary>Whether its operation's outcome is not proven yet.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Its operation.</summary>
    public byte[]? UserOpHash { get; init; }

    /// <summary>The transaction that carries it.</summary>
    public byte[]? TxHash { get; init; }
}
