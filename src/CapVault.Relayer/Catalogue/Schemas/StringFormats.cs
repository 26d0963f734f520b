using System.Globalization;
using System.Net.Mail;
using Nethereum.Util;

namespace CapVault.Relayer.Catalogue.Schemas;

/// <summary>What <c>format</c> may say of a string. Each is checked, in time linear in its length.</summary>
internal static class StringFormats
{
    public static readonly IReadOnlyList<string> Names = ["url", "uri", "address", "date", "date-time", "email", "uuid"];

    public static bool Fits(string format, string text) => format switch
    {
        "url" => IsUri(text, out var url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps),
        "uri" => IsUri(text, out _),
        "address" => IsAddress(text),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "date-time" => IsDateTime(text),
        "email" => text.Length <= 320 && !text.Any(character => char.IsWhiteSpace(character) || character is '<' or '>') && MailAddress.TryCreate(text, out _),
        "uuid" => Guid.TryParseExact(text, "D", out _),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Found a format that no schema can have, expected one of Names."),
    };

    private static bool IsUri(string text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? uri)
    {
        uri = null;
        // Absolute by its text: a path such as /etc would count as a file's address.
        return text.Length <= 8192 && !text.Any(character => char.IsWhiteSpace(character) || char.IsControl(character))
            && text.AsSpan().IndexOf(':') > 0 && char.IsAsciiLetter(text[0]) && Uri.TryCreate(text, UriKind.Absolute, out uri);
    }

    // A checksum (EIP-55), where there is one, must hold.
    private static bool IsAddress(string text)
    {
        var util = AddressUtil.Current;
        return util.IsValidEthereumAddressHexFormat(text)
            && (!text.AsSpan(2).ContainsAnyInRange('A', 'F') || !text.AsSpan(2).ContainsAnyInRange('a', 'f') || util.IsChecksumAddress(text));
    }

    // RFC 3339: the offset must be there.
    private static bool IsDateTime(string text) =>
        text.Length is >= 20 and <= 40 && text[10] is 'T' or 't' && (text[^1] is 'Z' or 'z' || text[^6] is '+' or '-')
        && DateTimeOffset.TryParseExact(
            text.ToUpperInvariant(), ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"], CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
