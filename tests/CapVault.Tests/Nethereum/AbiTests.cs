using System.Globalization;
using System.Numerics;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.ABI;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Tests.NethereumApi;

public class AbiTests
{
    private const string Address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    [Theory]
    [InlineData("uint8", "255")]
    [InlineData("uint256", "115792089237316195423570985008687907853269984665640564039457584007913129639935")]
    [InlineData("uint120", "1329227995784915872903807060280344575")]
    [InlineData("int8", "-128")]
    [InlineData("int8", "127")]
    [InlineData("int256", "-1")]
    [InlineData("int256", "-57896044618658097711785492504343953926634992332820282019728792003956564819968")]
    [InlineData("int24", "-70000")]
    public void Integers_are_those_of_cast(string type, string value) =>
        new ABIEncode().GetABIEncoded(new ABIValue(type, BigInteger.Parse(value, CultureInfo.InvariantCulture))).ToHex(prefix: true)
            .Should().Be(Repository.Cast("abi-encode", $"f({type})", "--", value));

    [Theory]
    [InlineData("uint8", "256")]
    [InlineData("uint8", "-1")]
    [InlineData("int8", "128")]
    [InlineData("int8", "-129")]
    [InlineData("uint120", "1329227995784915872903807060280344576")]
    [InlineData("uint256", "115792089237316195423570985008687907853269984665640564039457584007913129639936")]
    public void An_integer_beyond_its_type_is_refused(string type, string value) =>
        FluentActions.Invoking(() => new ABIEncode().GetABIEncoded(new ABIValue(type, BigInteger.Parse(value, CultureInfo.InvariantCulture))))
            .Should().Throw<ArgumentOutOfRangeException>().WithMessage($"{type}: found {value}, expected*");

    [Theory]
    [InlineData("address", "0x1234")]
    [InlineData("address", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg")]
    [InlineData("address", null)]
    [InlineData("bytes2", new byte[] { 1, 2, 3 })]
    [InlineData("bytes32", null)]
    [InlineData("bytes", null)]
    [InlineData("string", null)]
    [InlineData("bool", 1)]
    [InlineData("uint256", "one")]
    public void A_value_that_is_not_of_its_type_is_refused(string type, object? value) =>
        FluentActions.Invoking(() => new ABIEncode().GetABIEncoded(new ABIValue(type, value))).Should().Throw<ArgumentException>().WithMessage($"{type}: found *");

    [Theory]
    [InlineData("uint7")]
    [InlineData("uint264")]
    [InlineData("bytes0")]
    [InlineData("bytes33")]
    [InlineData("uint256[0]")]
    [InlineData("money")]
    public void An_unknown_type_is_refused(string type) =>
        FluentActions.Invoking(() => new ABIValue(type, 1)).Should().Throw<NotSupportedException>().WithMessage($"*'{type}'*");

    [Fact]
    public void Structs_in_structs_and_lists_are_those_of_cast()
    {
        var message = Sample();
        var data = message.GetCallData().ToHex(prefix: true);
        data.Should().Be(Repository.Cast(
            "calldata",
            "mix((address,(uint64,bytes)[],string[2],(bytes32,int32)),bool[],(bytes32,int32)[2])",
            $"({Address},[(1,0x0102),(18446744073709551615,0x)],[\"left\",\"right\"],(0x{new string('a', 64)},-5))",
            "[true,false]",
            $"[(0x{new string('b', 64)},1),(0x{new string('c', 64)},-2147483648)]"));
        new Mix().DecodeInput(data).GetCallData().ToHex(prefix: true).Should().Be(data);
    }

    [Fact]
    public void Decoding_gives_the_values_back()
    {
        var decoded = new Mix().DecodeInput(Sample().GetCallData().ToHex());
        decoded.Should().BeEquivalentTo(Sample(), o => o.Including(m => m.Outer).Including(m => m.Flags).Including(m => m.Pair));
        decoded.Outer.Account.Should().Be(Address, "addresses come back with their checksum");
    }

    [Fact]
    public void Everything_survives_encoding() => Prop.ForAll(Arbitrary(), sample =>
    {
        var encoded = new ABIEncode().GetABIParamsEncoded(sample);
        var decoded = new ABIEncode().DecodeEncodedComplexType<AllTypes>(encoded);
        return new ABIEncode().GetABIParamsEncoded(decoded).SequenceEqual(encoded) && decoded.Equals(sample) && encoded.Length % 32 == 0;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_encoding_is_that_of_cast() => Prop.ForAll(Arbitrary(), sample =>
        new ABIEncode().GetABIParamsEncoded(sample).ToHex(prefix: true) == Repository.Cast(
            ["abi-encode", "f(uint8,uint40,uint256,int64,address,bool,bytes32,bytes,string,uint256[],bytes[])", "--", .. sample.AsCastArguments()]))
        .Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [Fact]
    public void Data_that_ends_early_is_refused()
    {
        var data = Sample().GetCallData();
        for (var length = 4; length < data.Length; length += 31)
        {
            var cut = data[..length].ToHex();
            cut.Invoking(c => new Mix().DecodeInput(c)).Should().Throw<FormatException>($"only {length} of {data.Length} bytes are there");
        }
    }

    [Theory]
    [InlineData("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "")] // an offset beyond all data
    [InlineData("0000000000000000000000000000000000000000000000000000000000000020", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")] // as many elements
    [InlineData("0000000000000000000000000000000000000000000000000000000000000020", "0000000000000000000000000000000000000000000000000000000000000041")] // more than bytes
    [InlineData("0000000000000000000000000000000000000000000000000000000000000020", "0000000000000000000000000000000000000000000000000000000000000002")] // one too many
    public void A_length_that_the_data_cannot_have_is_refused(string offset, string length) =>
        FluentActions.Invoking(() => new ABIEncode().DecodeEncodedComplexType<Numbers>((offset + length + new string('0', 64)).HexToByteArray()))
            .Should().Throw<FormatException>();

    [Fact]
    public void Arguments_of_another_function_are_refused() =>
        new Mix().Invoking(m => m.DecodeInput("0xdeadbeef")).Should().Throw<ArgumentException>().WithMessage("*0xdeadbeef*");

    [Fact]
    public void A_number_beyond_its_property_is_refused() =>
        FluentActions.Invoking(() => new ABIEncode().DecodeEncodedComplexType<Small>(Enumerable.Repeat((byte)0xff, 32).ToArray())).Should().Throw<OverflowException>();

    private static Mix Sample() => new()
    {
        Outer = new Outer
        {
            Account = Address,
            Items = [new Item { Id = 1, Data = [1, 2] }, new Item { Id = ulong.MaxValue, Data = [] }],
            Names = ["left", "right"],
            Fixed = Leg('a', -5),
        },
        Flags = [true, false],
        Pair = [Leg('b', 1), Leg('c', int.MinValue)],
    };

    private static Leg Leg(char digit, int delta) => new() { Hash = new string(digit, 64).HexToByteArray(), Delta = delta };

    private static Arbitrary<AllTypes> Arbitrary() => (
        from small in ArbMap.Default.GeneratorFor<byte>()
        from time in Gen.Choose(0, int.MaxValue)
        from high in ArbMap.Default.GeneratorFor<ulong>()
        from signed in ArbMap.Default.GeneratorFor<long>()
        from address in Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>(), 20)
        from flag in ArbMap.Default.GeneratorFor<bool>()
        from word in Gen.ArrayOf(ArbMap.Default.GeneratorFor<byte>(), 32)
        from data in ArbMap.Default.GeneratorFor<byte[]>()
        from text in Gen.Elements("", "a", "Lorem ipsum", "日本語 und Umlaute äöü", new string('x', 33))
        from numbers in Gen.ListOf(ArbMap.Default.GeneratorFor<uint>())
        from blobs in Gen.ListOf(ArbMap.Default.GeneratorFor<byte[]>())
        select new AllTypes
        {
            Small = small,
            Time = (ulong)time,
            Large = ((BigInteger)high << 192) | high,
            Signed = signed,
            Account = Nethereum.Util.AddressUtil.Current.ConvertToChecksumAddress(address),
            Flag = flag,
            Word = word,
            Data = data,
            Text = text,
            Numbers = [.. numbers.Select(n => (BigInteger)n)],
            Blobs = [.. blobs],
        }).ToArbitrary();
}
