using System.Numerics;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Util;

namespace CapVault.Relayer.Http;

/// <summary>Checks of single fields; each error names the field, what came and what is allowed.</summary>
public static class Fields
{
    private const int MaxDepth = 16;

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
    public static BigInteger Amount(string field, string value, BigInteger maximum, bool orZero = false)
    {
        if (!Money.TryParse(value, out var amount))
        {
            throw new ApiException(
                400,
                ErrorCodes.InvalidAmountFormat,
                $"{field}: found {ApiException.Quote(value)}, expected a decimal string with at most {Money.Decimals} decimals, such as \"1.00\".",
                new { field, found = ApiException.Cut(value) });
        }

        return (amount.Sign > 0 || orZero) && amount <= maximum
            ? amount
            : throw new ApiException(
                400,
                ErrorCodes.InvalidAmount,
                $"{field}: found {ApiException.Quote(value)}, expected {(orZero ? "0 or more" : "more than 0")} and at most {Money.Format(maximum)}.",
                new { field, found = ApiException.Cut(value), maximum = Money.Format(maximum) });
    }

    /// <summary>
    /// JSON of a certain size at most, as it came. It must have a canonical form, and be flat enough to stand inside an answer: what
    /// cannot be written back would lock the other party out of its own lists.
    /// </summary>
    public static string? Json(string field, JsonElement? value, int maximumBytes)
    {
        if (value is not { ValueKind: not JsonValueKind.Undefined } element)
        {
            return null;
        }

        string text;
        try
        {
            text = element.GetRawText();
            CanonicalJson.Serialize(element);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw ApiException.Invalid(field, exception.Message, "JSON in UTF-8 that has a canonical form (RFC 8785)");
        }

        if (DepthOf(element) > MaxDepth)
        {
            throw ApiException.Invalid(field, $"JSON nested deeper than {MaxDepth}", $"at most {MaxDepth} levels");
        }

        var bytes = System.Text.Encoding.UTF8.GetByteCount(text);
        return bytes <= maximumBytes ? text : throw ApiException.Invalid(field, $"{bytes} bytes", $"at most {maximumBytes} bytes of JSON");
    }

    private static int DepthOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Array => 1 + element.EnumerateArray().Select(DepthOf).DefaultIfEmpty().Max(),
        JsonValueKind.Object => 1 + element.EnumerateObject().Select(property => DepthOf(property.Value)).DefaultIfEmpty().Max(),
        _ => 0,
    };
}
