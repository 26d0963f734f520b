using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Http;
using CapVault.Relayer.Storage;
using CapVault.Sdk;
using Dapper;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;
using Nethereum.Signer;

namespace CapVault.Relayer.Accounts;

/// <summary>Owners who signed in with their wallet: a signed message for an opaque token, which works for an hour.</summary>
public sealed class OwnerSessions(Db db, SignInMessages messages, ChainClient chain, TimeProvider time)
{
    /// <summary>Of every token.</summary>
    public const string Prefix = "cap_own_";

    /// <summary>ERC-1271's yes.</summary>
    private const string MagicValue = "0x1626ba7e";

    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <summary>Exchanges a signed message for a token. A message works once: of two logins with it one wins.</summary>
    /// <exception cref="ApiException">401 if the message is not one that waits for its signature, or the signature is not its address's.</exception>
    public async Task<OwnerSession> LoginAsync(string text, byte[] signature, CancellationToken cancellationToken)
    {
        var message = messages.Find(text) ?? throw Replayed("The message was not issued here, was altered, or has expired.");
        if (!await IsSignedAsync(message, signature, cancellationToken))
        {
            throw new ApiException(401, ErrorCodes.InvalidSignature, $"The signature is not {message.Address}'s over this message (EIP-191, or ERC-1271 for a contract). Sign the message exactly as it came.");
        }

        var token = KeyText.New(Prefix);
        var now = time.GetUtcNow();
        var session = new OwnerSession { Token = token.ToString(), Owner = message.Address, ExpiresAt = now + Lifetime };
        await db.WriteAsync(
            async tx =>
            {
                // A message expires long before a session, so none that still counts is forgotten.
                await tx.ExecuteAsync("DELETE FROM owner_session WHERE expires_at <= @now", new { now = now.ToUnixTimeMilliseconds() });
                var inserted = await tx.ExecuteAsync(
                    """
                    INSERT INTO owner_session (session_id, owner, secret_hash, nonce, created_at, expires_at)
                    VALUES (@Id, @owner, @Hash, @Nonce, @now, @expires) ON CONFLICT (nonce) DO NOTHING
                    """,
                    new
                    {
                        token.Id,
                        owner = message.Address.HexToByteArray(),
                        token.Hash,
                        message.Nonce,
                        now = now.ToUnixTimeMilliseconds(),
                        expires = session.ExpiresAt.ToUnixTimeMilliseconds(),
                    });
                if (inserted == 0)
                {
                    throw Replayed("The message was used before.");
                }
            },
            cancellationToken);
        return session;
    }

    /// <summary>Whose token it is, or null.</summary>
    public async Task<Caller?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (KeyText.Parse(token) is not { Prefix: Prefix } text)
        {
            return null;
        }

        var row = await db.ReadAsync(
            connection => connection.QueryFirstOrDefaultAsync<Row>(
                "SELECT owner, secret_hash FROM owner_session WHERE session_id = @Id AND revoked_at IS NULL AND expires_at > @now",
                new { text.Id, now = time.GetUtcNow().ToUnixTimeMilliseconds() }),
            cancellationToken);
        return text.Matches(row?.SecretHash) ? new Caller(AgentId: null, text.Id) { Owner = row!.Owner } : null;
    }

    /// <summary>Ends a session.</summary>
    public Task LogoutAsync(string sessionId, CancellationToken cancellationToken) => db.WriteAsync(
        tx => tx.ExecuteAsync("UPDATE owner_session SET revoked_at = @now WHERE session_id = @sessionId", new { sessionId, now = time.GetUtcNow().ToUnixTimeMilliseconds() }),
        cancellationToken);

    // A key first: an EOA with delegated code (EIP-7702) signs as one.
    private async Task<bool> IsSignedAsync(SignInMessage message, byte[] signature, CancellationToken cancellationToken) =>
        IsSignedByKey(message, signature) || await IsSignedByContractAsync(message, signature, cancellationToken);

    private static bool IsSignedByKey(SignInMessage message, byte[] signature)
    {
        try
        {
            return new EthereumMessageSigner().EncodeUTF8AndEcRecover(message.Text, signature.ToHex(true)).IsTheSameHex(message.Address);
        }
        catch (Exception)
        {
            // No key can have made these bytes; a contract may take them all the same.
            return false;
        }
    }

    private async Task<bool> IsSignedByContractAsync(SignInMessage message, byte[] signature, CancellationToken cancellationToken)
    {
        if ((await chain.GetCodeAsync(message.Address, cancellationToken)).Length == 0)
        {
            return false;
        }

        var hash = new EthereumMessageSigner().HashPrefixedMessage(System.Text.Encoding.UTF8.GetBytes(message.Text));
        var call = new IsValidSignatureFunction { Hash = hash, Signature = signature };
        try
        {
            var answer = await chain.RequestAsync<string>("eth_call", cancellationToken, new { to = message.Address, data = call.GetCallData().ToHex(true) }, "latest");
            return answer.Length == 66 && answer.StartsWith(MagicValue, StringComparison.Ordinal);
        }
        catch (RpcResponseException)
        {
            // It reverts: so it does not say yes.
            return false;
        }
    }

    private static ApiException Replayed(string found) =>
        new(401, ErrorCodes.ReplayedRequest, $"{found} Ask for a new one with POST /auth/challenge and sign that within 5 minutes.");

    private sealed record Row
    {
        public byte[] Owner { get; init; } = [];

        public byte[] SecretHash { get; init; } = [];
    }
}
