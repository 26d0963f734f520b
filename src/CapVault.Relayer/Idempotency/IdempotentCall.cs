using System.Text;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;

namespace CapVault.Relayer.Idempotency;

/// <summary>Which call this is: whose key, which key, and what was asked for with it.</summary>
/// <param name="Scope">The agent, the Owner, or the operator: keys of one mean nothing for another.</param>
/// <param name="Key">As the caller chose it.</param>
/// <param name="Fingerprint">See <see cref="Idempotency.Fingerprint"/>.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Path">Path without query.</param>
internal sealed record CallIdentity(string Scope, string Key, byte[] Fingerprint, string Method, string Path);

/// <summary>
/// A call that changes something, handed to the service that writes. With an Idempotency-Key it is taken once: <see cref="ClaimAsync"/>
/// stands in the transaction that has the effect, so that there is never a row without its effect, nor an effect without its row.
/// </summary>
public sealed class IdempotentCall
{
    private readonly CallIdentity? _identity;
    private readonly MasterKey? _masterKey;
    private readonly TimeProvider? _time;

    internal IdempotentCall(CallIdentity identity, MasterKey masterKey, TimeProvider time)
    {
        _identity = identity;
        _masterKey = masterKey;
        _time = time;
    }

    private IdempotentCall()
    {
    }

    /// <summary>A call without a key: every one is the first.</summary>
    public static IdempotentCall Unkeyed { get; } = new();

    /// <summary>Whether the effect was taken before, as far as it is known: from the start, or else with <see cref="ClaimAsync"/>.</summary>
    public bool IsRepeat { get; private set; }

    /// <summary>What the first call gave to <see cref="RememberAsync"/>; null unless this is a repeat.</summary>
    public string? Made { get; private set; }

    /// <summary>
    /// Takes the effect for this call. The caller of a repeat gets false: it must not have the effect again, but answer with what has become of
    /// the first one.
    /// </summary>
    /// <param name="tx">The transaction that has the effect. If it fails, the key is as good as never used.</param>
    /// <exception cref="ApiException">409 if the key was used for something else.</exception>
    public async Task<bool> ClaimAsync(Tx tx)
    {
        if (_identity is null)
        {
            return true;
        }

        var claimed = await tx.ExecuteAsync(
            """
            INSERT INTO idempotency (scope, key, fingerprint, method, path, created_at) VALUES (@Scope, @Key, @Fingerprint, @Method, @Path, @now)
            ON CONFLICT (scope, key) DO NOTHING
            """,
            new { _identity.Scope, _identity.Key, _identity.Fingerprint, _identity.Method, _identity.Path, now = _time!.GetUtcNow().ToUnixTimeMilliseconds() });
        if (claimed == 0)
        {
            Recognise((await tx.FirstOrDefaultAsync<KeptCall>(KeptCall.Query, _identity))!);
        }

        return claimed > 0;
    }

    /// <summary>Keeps what the call makes, sealed: an id to find it by, or a secret that is shown once and must be shown alike to a repeat.</summary>
    public Task RememberAsync(Tx tx, string made) => _identity is null
        ? Task.CompletedTask
        : tx.PostAsync(
            "UPDATE idempotency SET made = @made WHERE scope = @Scope AND key = @Key",
            new { _identity.Scope, _identity.Key, made = _masterKey!.Seal(BelongsTo("made"), Encoding.UTF8.GetBytes(made)) });

    /// <summary>Ties the call to the live operation of a step, where there is one: its outcome is the call's.</summary>
    public Task JoinAsync(Tx tx, byte[] orderId, OrderStep step) => _identity is null
        ? Task.CompletedTask
        : tx.PostAsync(
            """
            UPDATE idempotency SET operation_id = (SELECT operation_id FROM operation WHERE order_id = @orderId AND step = @step AND live = 1)
            WHERE scope = @Scope AND key = @Key
            """,
            new { _identity.Scope, _identity.Key, orderId, step = step.Value });

    /// <summary>Ties the call to an operation that is no step of an order: its outcome is the call's.</summary>
    public Task JoinAsync(Tx tx, long operationId) => _identity is null
        ? Task.CompletedTask
        : tx.PostAsync("UPDATE idempotency SET operation_id = @operationId WHERE scope = @Scope AND key = @Key", new { _identity.Scope, _identity.Key, operationId });

    /// <summary>Takes note that the call was made before.</summary>
    /// <exception cref="ApiException">409 if the key was used for something else.</exception>
    internal void Recognise(KeptCall kept)
    {
        if (!kept.Fingerprint.AsSpan().SequenceEqual(_identity!.Fingerprint))
        {
            throw ApiException.State(
                ErrorCodes.IdempotencyKeyReused,
                $"The Idempotency-Key was used for {kept.Method} {kept.Path}{(kept.Path == _identity.Path ? " with another body" : "")}. Send a key of its own with each call.",
                new { method = kept.Method, path = kept.Path });
        }

        IsRepeat = true;
        Made = kept.Made is null ? null : Encoding.UTF8.GetString(_masterKey!.Open(BelongsTo("made"), kept.Made));
    }

    internal byte[] SealAnswer(byte[] body) => _masterKey!.Seal(BelongsTo("answer"), body);

    internal byte[] OpenAnswer(byte[] sealedBody) => _masterKey!.Open(BelongsTo("answer"), sealedBody);

    internal CallIdentity Identity => _identity!;

    private string BelongsTo(string column) => $"idempotency {column} {_identity!.Scope} {_identity.Key}";
}
