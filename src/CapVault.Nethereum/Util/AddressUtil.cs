using Nethereum.Hex.HexConvertors.Extensions;

namespace Nethereum.Util;

/// <summary>Addresses as text: format, EIP-55 checksum, comparison.</summary>
public class AddressUtil
{
    public static readonly string ZERO_ADDRESS = "0x0000000000000000000000000000000000000000";

    public static AddressUtil Current { get; } = new();

    /// <summary>The EIP-55 form of a 20-byte address.</summary>
    public string ConvertToChecksumAddress(byte[] address)
    {
        if (address.Length != 20)
        {
            throw new ArgumentException($"Found {address.Length} bytes, expected the 20 of an address.", nameof(address));
        }

        return ConvertToChecksumAddress(address.ToHex(prefix: true));
    }

    /// <summary>The EIP-55 form of an address of 40 hexadecimal digits, with or without 0x.</summary>
    public string ConvertToChecksumAddress(string address)
    {
        var digits = address.RemoveHexPrefix().ToLowerInvariant();
        var hash = Sha3Keccack.Current.CalculateHashAsBytes(digits);
        return string.Create(2 + digits.Length, (digits, hash), static (text, state) =>
        {
            text[0] = '0';
            text[1] = 'x';
            for (var i = 0; i < state.digits.Length; i++)
            {
                // EIP-55: a letter is upper case where the hash's digit at the same place is 8 or more.
                var nibble = (state.hash[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 0xf;
                text[2 + i] = nibble >= 8 ? char.ToUpperInvariant(state.digits[i]) : state.digits[i];
            }
        });
    }

    public bool IsAnEmptyAddress(string address) => string.IsNullOrWhiteSpace(address) || address == "0x0";

    /// <summary>Compares without regard to letter case and 0x.</summary>
    public bool AreAddressesTheSame(string address1, string address2) =>
        string.Equals(address1.EnsureHexPrefix(), address2.EnsureHexPrefix(), StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the text is 0x and 40 hexadecimal digits; letter case does not matter.</summary>
    public bool IsValidEthereumAddressHexFormat(string address) =>
        address is { Length: 42 } && address.HasHexPrefix() && address.IsHex();

    /// <summary>Whether the letters' case is the EIP-55 checksum.</summary>
    public bool IsChecksumAddress(string address) =>
        IsValidEthereumAddressHexFormat(address) && ConvertToChecksumAddress(address) == address;
}
