using System.Numerics;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Util;

namespace CapVault.Relayer.Http;

/// <summary>Checks of single fields; each error names the field, what came and what is allowed.</summary>
public static class Fields
{
    /// <summary>A text of a certain length, without control characters.</summary>
    public static string Text(string field, string value, int minimum, int maximum)
    {
        var length = value.EnumerateRunes().Count();
        return length >= minimum && length <= maximum && !value.Any(character => char.IsControl(character) && character is not ('\n' or '\t'))
            ? value
            : throw ApiException.Invalid(field, value, $"{minimum} – {maximum} characters, no control characters");
    }

    /// <summary>An integer in a range.</summary>
    public static int Range(string field, int value, int minimum, int maximum) =>
        value >= minimum && value <= maximum ? value : throw ApiException.Invalid(field, value.ToString(), $"an integer from {minimum} to {maximum}");

    /// <summary>A 0x-prefixed address other than zero; a checksum (EIP-55), where there is one, must hold.</summary>
    public static string Address(string field, string value)
    {
        var util = AddressUtil.Current;
        var isAddress = util.IsValidEthereumAddressHexFormat(value) && value[2..].Any(digit => digit != '0');
        var hasChecksum = isAddress && value[2..].Any(char.IsUpper) && value[2..].Any(char.IsLower);
        return isAddress && (!hasChecksum || util.IsChecksumAddress(value))
            ? util.ConvertToChecksumAddress(value)
            : throw ApiException.Invalid(field, value, "a 0x-prefixed address of 40 hex digits, not zero, with a correct EIP-55 checksum if it has one");
    }

    /// <summary>A positive amount of USDC as people write it, in base units.</summary>
    public static BigInteger Amount(string field, string value, BigInteger maximum)
    {
        if (!Money.TryParse(value, out var amount))
        {
            throw new ApiException(
                400,
                ErrorCodes.InvalidAmountFormat,
                $"{field}: found \"{value}\", expected a decimal string with at most {Money.Decimals} decimals, such as \"1.00\".",
                new { field, found = value });
        }

        return amount.Sign > 0 && amount <= maximum
            ? amount
            : throw new ApiException(
                400,
                ErrorCodes.InvalidAmount,
                $"{field}: found \"{value}\", expected more than 0 and at most {Money.Format(maximum)}.",
                new { field, found = value, maximum = Money.Format(maximum) });
    }

    /// <summary>JSON of a certain size at most, as it came. Without a canonical form it could not be hashed, nor safely handed out again.</summary>
    public static string? Json(string field, JsonElement? value, int maximumBytes)
    {
        if (value is not { ValueKind: not JsonValueKind.Undefined } element)
        {
            return null;
        }

        try
        {
            CanonicalJson.Serialize(element);
        }
        catch (JsonException exception)
        {
            throw ApiException.Invalid(field, exception.Message, "JSON that has a canonical form (RFC 8785)");
        }

        var text = element.GetRawText();
        var bytes = System.Text.Encoding.UTF8.GetByteCount(text);
        return bytes <= maximumBytes ? text : throw ApiException.Invalid(field, $"{bytes} bytes", $"at most {maximumBytes} bytes of JSON");
    }
}
