using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Nethereum.Util;

namespace CapVault.Relayer.Accounts;

/// <summary>
/// The messages that Owners sign to sign in (EIP-4361). A message is recognised by the MAC inside its nonce, which covers all of it: nothing is
/// stored when one is asked for, because anybody may ask, and nothing that was not issued here needs to be parsed.
/// </summary>
public sealed class SignInMessages(MasterKey masterKey, Chain.ChainContext context, TimeProvider time)
{
    private const string NonceLine = "\nNonce: ";
    private const string ExpiryLine = "\nExpiration Time: ";
    private const int PartLength = 32; // hex digits: 128 random bits, and 128 bits of MAC
    private const int MaxLength = 2048;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private readonly byte[] _key = masterKey.DeriveKey("sign-in messages");

    /// <summary>A new message for an address, to be signed within 5 minutes.</summary>
    /// <param name="address">Who will sign.</param>
    /// <param name="site">Where: wallets warn when their page is another one.</param>
    public SignInMessage Create(string address, Uri site)
    {
        var issued = time.GetUtcNow();
        var expires = issued + Lifetime;
        var random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(PartLength / 2));
        var unproven = $"""
            {site.Authority} wants you to sign in with your Ethereum account:
            {AddressUtil.Current.ConvertToChecksumAddress(address)}

            Sign in to CapVault to set up agents and services. This costs nothing and sends no transaction.

            URI: {site.AbsoluteUri}
            Version: 1
            Chain ID: {context.ChainId.ToString(CultureInfo.InvariantCulture)}{NonceLine}{random}
            Issued At: {Rfc3339(issued)}{ExpiryLine}{Rfc3339(expires)}
            """.ReplaceLineEndings("\n");
        var nonce = random + Mac(unproven);
        return new SignInMessage(unproven.Replace(random, nonce, StringComparison.Ordinal), AddressUtil.Current.ConvertToChecksumAddress(address), nonce, expires);
    }

    /// <summary>The message that a text is, or null if it was not issued here or has expired.</summary>
    public SignInMessage? Find(string text)
    {
        var nonceAt = text.Length <= MaxLength ? text.IndexOf(NonceLine, StringComparison.Ordinal) + NonceLine.Length : -1;
        if (nonceAt < NonceLine.Length || text.Length < nonceAt + (2 * PartLength))
        {
            return null;
        }

        var nonce = text.Substring(nonceAt, 2 * PartLength);
        var expected = Mac(text.Remove(nonceAt + PartLength, PartLength));
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(nonce[PartLength..])))
        {
            return null;
        }

        // From here on it is our own text.
        var address = text.Split('\n')[1];
        var expires = DateTimeOffset.Parse(text.AsSpan(text.IndexOf(ExpiryLine, StringComparison.Ordinal) + ExpiryLine.Length), CultureInfo.InvariantCulture);
        return expires > time.GetUtcNow() ? new SignInMessage(text, address, nonce, expires) : null;
    }

    private string Mac(string text) => Convert.ToHexStringLower(HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(text)))[..PartLength];

    private static string Rfc3339(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
}

/// <summary>A message to be signed.</summary>
/// <param name="Text">All of it.</param>
/// <param name="Address">Who must sign.</param>
/// <param name="Nonce">Makes it usable once.</param>
/// <param name="ExpiresAt">When it ends.</param>
public sealed record SignInMessage(string Text, string Address, string Nonce, DateTimeOffset ExpiresAt);
