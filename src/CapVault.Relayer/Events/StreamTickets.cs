using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;

namespace CapVault.Relayer.Events;

/// <summary>
/// Tickets for WebSocket handshakes of browsers, which cannot send a key: what stands in an address ends up in histories and logs, so it is
/// good once and for 30 s.
/// </summary>
public sealed class StreamTickets(Db db, ApiKeys keys, TimeProvider time)
{
    private const string Prefix = "tkt_";
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);

    /// <summary>401: what a ticket that opens nothing is answered with.</summary>
    public static ApiException Refusal =>
        new(401, ErrorCodes.InvalidApiKey, "The ticket is unknown, used, older than 30 s, or its key was revoked. Get a new one from POST /stream/tickets.");

    /// <summary>Makes a ticket that carries the caller's identity.</summary>
    public Task<StreamTicket> CreateAsync(Caller caller, CancellationToken cancellationToken)
    {
        var ticket = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        var now = time.GetUtcNow();
        return db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync("DELETE FROM stream_ticket WHERE expires_at <= @now", new { now = now.ToUnixTimeMilliseconds() });
                await tx.ExecuteAsync(
                    "INSERT INTO stream_ticket (ticket_hash, key_id, expires_at) VALUES (@hash, @KeyId, @expiresAt)",
                    new { hash = Hash(ticket), caller.KeyId, expiresAt = (now + Lifetime).ToUnixTimeMilliseconds() });
                return new StreamTicket { Ticket = ticket, ExpiresAt = now + Lifetime };
            },
            cancellationToken);
    }

    /// <summary>Takes a ticket: whoever comes second finds nothing. Null for one that is unknown, used or too old, or whose key was revoked.</summary>
    public async Task<Caller?> RedeemAsync(string ticket, CancellationToken cancellationToken)
    {
        var keyId = await db.WriteAsync(
            tx => tx.FirstOrDefaultAsync<string>(
                "DELETE FROM stream_ticket WHERE ticket_hash = @hash AND expires_at > @now RETURNING key_id",
                new { hash = Hash(ticket), now = time.GetUtcNow().ToUnixTimeMilliseconds() }),
            cancellationToken);
        return keyId is null ? null : await keys.FindByIdAsync(keyId, cancellationToken);
    }

    private static byte[] Hash(string ticket) => SHA256.HashData(Encoding.UTF8.GetBytes(ticket));
}
