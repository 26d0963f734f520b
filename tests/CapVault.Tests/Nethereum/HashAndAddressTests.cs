using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace CapVault.Tests.NethereumApi;

public class HashAndAddressTests
{
    [Theory]
    [InlineData("", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    [InlineData("abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45")]
    [InlineData("hello", "1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8")]
    public void Keccak_of_known_texts(string text, string hash) => Sha3Keccack.Current.CalculateHash(text).Should().Be(hash);

    // 136 bytes is one block of the sponge.
    [Theory]
    [InlineData(1)]
    [InlineData(135)]
    [InlineData(136)]
    [InlineData(137)]
    [InlineData(480)]
    public void Keccak_is_that_of_cast_around_block_boundaries(int length)
    {
        var bytes = Enumerable.Range(0, length).Select(i => (byte)(i * 7)).ToArray();
        Sha3Keccack.Current.CalculateHash(bytes).ToHex(prefix: true).Should().Be(Repository.Cast("keccak", bytes.ToHex(prefix: true)));
    }

    [Fact]
    public void Keccak_of_several_texts_is_that_of_their_bytes_in_a_row() =>
        Sha3Keccack.Current.CalculateHashFromHex("0x61", "6263").Should().Be(Sha3Keccack.Current.CalculateHash("abc"));

    // The examples of EIP-55.
    [Theory]
    [InlineData("0x52908400098527886E0F7030069857D2E4169EE7")]
    [InlineData("0x8617E340B3D01FA5F11F306F4090FD50E238070D")]
    [InlineData("0xde709f2102306220921060314715629080e2fb77")]
    [InlineData("0x27b1fdb04752bbc536007a920d24acb045561c26")]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")]
    [InlineData("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359")]
    [InlineData("0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB")]
    [InlineData("0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb")]
    public void Addresses_have_the_checksum_of_EIP_55(string address)
    {
        AddressUtil.Current.ConvertToChecksumAddress(address.ToLowerInvariant()).Should().Be(address);
        AddressUtil.Current.ConvertToChecksumAddress(address.HexToByteArray()).Should().Be(address);
        AddressUtil.Current.IsChecksumAddress(address).Should().BeTrue();
        AddressUtil.Current.IsChecksumAddress(address[..^1] + (address[^1] == 'a' ? 'A' : 'a')).Should().BeFalse();
    }

    [Theory]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", true)]
    [InlineData("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", true)]
    [InlineData("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", false)]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", false)]
    [InlineData("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", false)]
    [InlineData("", false)]
    public void An_address_is_0x_and_40_digits(string text, bool valid) =>
        AddressUtil.Current.IsValidEthereumAddressHexFormat(text).Should().Be(valid);

    [Fact]
    public void Addresses_are_compared_without_case() => AddressUtil.Current
        .AreAddressesTheSame("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED").Should().BeTrue();

    [Theory]
    [InlineData("1.5", 6, "1500000")]
    [InlineData("0.0000019", 6, "1")]
    [InlineData("123456789.000000000000000001", 18, "123456789000000000000000001")]
    public void Amounts_become_base_units(string amount, int decimals, string units) =>
        UnitConversion.Convert.ToWei(decimal.Parse(amount, System.Globalization.CultureInfo.InvariantCulture), decimals).Should().Be(System.Numerics.BigInteger.Parse(units));

    [Fact]
    public void Base_units_become_amounts() => UnitConversion.Convert.FromWei(1_500_001, 6).Should().Be(1.500001m);
}
