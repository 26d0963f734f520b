using System.Numerics;
using Nethereum.ABI;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Tests.NethereumApi;

/// <summary>The examples of the contract ABI specification.</summary>
public class AbiSpecificationTests
{
    [Fact]
    public void Baz_has_two_static_arguments() => new Baz { X = 69, Y = true }.GetCallData().ToHex().Should().Be(
        "cdcd77c0"
        + "0000000000000000000000000000000000000000000000000000000000000045"
        + "0000000000000000000000000000000000000000000000000000000000000001");

    [Fact]
    public void Bar_has_a_static_array() => new Bar { Xy = ["abc"u8.ToArray(), "def"u8.ToArray()] }.GetCallData().ToHex().Should().Be(
        "fce353f6"
        + "6162630000000000000000000000000000000000000000000000000000000000"
        + "6465660000000000000000000000000000000000000000000000000000000000");

    [Fact]
    public void Sam_has_dynamic_arguments_around_a_static_one() => new Sam { Name = "dave"u8.ToArray(), Z = true, Data = [1, 2, 3] }.GetCallData().ToHex().Should().Be(
        "a5643bf2"
        + "0000000000000000000000000000000000000000000000000000000000000060"
        + "0000000000000000000000000000000000000000000000000000000000000001"
        + "00000000000000000000000000000000000000000000000000000000000000a0"
        + "0000000000000000000000000000000000000000000000000000000000000004"
        + "6461766500000000000000000000000000000000000000000000000000000000"
        + "0000000000000000000000000000000000000000000000000000000000000003"
        + "0000000000000000000000000000000000000000000000000000000000000001"
        + "0000000000000000000000000000000000000000000000000000000000000002"
        + "0000000000000000000000000000000000000000000000000000000000000003");

    [Fact]
    public void F_mixes_static_and_dynamic_arguments() => new F { A = 0x123, B = [0x456, 0x789], C = "1234567890"u8.ToArray(), D = "Hello, world!"u8.ToArray() }
        .GetCallData().ToHex().Should().Be(
            "8be65246"
            + "0000000000000000000000000000000000000000000000000000000000000123"
            + "0000000000000000000000000000000000000000000000000000000000000080"
            + "3132333435363738393000000000000000000000000000000000000000000000"
            + "00000000000000000000000000000000000000000000000000000000000000e0"
            + "0000000000000000000000000000000000000000000000000000000000000002"
            + "0000000000000000000000000000000000000000000000000000000000000456"
            + "0000000000000000000000000000000000000000000000000000000000000789"
            + "000000000000000000000000000000000000000000000000000000000000000d"
            + "48656c6c6f2c20776f726c642100000000000000000000000000000000000000");

    [Fact]
    public void G_has_nested_dynamic_arrays()
    {
        var g = new G { A = [[1, 2], [3]], B = ["one", "two", "three"] };
        var data = g.GetCallData().ToHex();
        data.Should().Be(
            "2289b18c"
            + "0000000000000000000000000000000000000000000000000000000000000040"
            + "0000000000000000000000000000000000000000000000000000000000000140"
            + "0000000000000000000000000000000000000000000000000000000000000002"
            + "0000000000000000000000000000000000000000000000000000000000000040"
            + "00000000000000000000000000000000000000000000000000000000000000a0"
            + "0000000000000000000000000000000000000000000000000000000000000002"
            + "0000000000000000000000000000000000000000000000000000000000000001"
            + "0000000000000000000000000000000000000000000000000000000000000002"
            + "0000000000000000000000000000000000000000000000000000000000000001"
            + "0000000000000000000000000000000000000000000000000000000000000003"
            + "0000000000000000000000000000000000000000000000000000000000000003"
            + "0000000000000000000000000000000000000000000000000000000000000060"
            + "00000000000000000000000000000000000000000000000000000000000000a0"
            + "00000000000000000000000000000000000000000000000000000000000000e0"
            + "0000000000000000000000000000000000000000000000000000000000000003"
            + "6f6e650000000000000000000000000000000000000000000000000000000000"
            + "0000000000000000000000000000000000000000000000000000000000000003"
            + "74776f0000000000000000000000000000000000000000000000000000000000"
            + "0000000000000000000000000000000000000000000000000000000000000005"
            + "7468726565000000000000000000000000000000000000000000000000000000");
        new G().DecodeInput(data).Should().BeEquivalentTo(g, o => o.Including(m => m.A).Including(m => m.B));
    }

    // The example of Solidity's "non-standard packed mode": int16(-1), bytes1(0x42), uint16(0x03), string("Hello, world!").
    [Fact]
    public void Packed_encoding_has_no_padding() => new ABIEncode().GetABIEncodedPacked(
        new ABIValue("int16", -1), new ABIValue("bytes1", new byte[] { 0x42 }), new ABIValue("uint16", 3), new ABIValue("string", "Hello, world!"))
        .ToHex().Should().Be("ffff42000348656c6c6f2c20776f726c6421");

    [Function("baz", "bool")]
    public class Baz : FunctionMessage
    {
        [Parameter("uint32", "x", 1)]
        public virtual uint X { get; set; }

        [Parameter("bool", "y", 2)]
        public virtual bool Y { get; set; }
    }

    [Function("bar")]
    public class Bar : FunctionMessage
    {
        [Parameter("bytes3[2]", "xy", 1)]
        public virtual List<byte[]> Xy { get; set; } = [];
    }

    [Function("sam")]
    public class Sam : FunctionMessage
    {
        [Parameter("bytes", "name", 1)]
        public virtual byte[] Name { get; set; } = [];

        [Parameter("bool", "z", 2)]
        public virtual bool Z { get; set; }

        [Parameter("uint256[]", "data", 3)]
        public virtual List<BigInteger> Data { get; set; } = [];
    }

    [Function("f")]
    public class F : FunctionMessage
    {
        [Parameter("uint256", "a", 1)]
        public virtual BigInteger A { get; set; }

        [Parameter("uint32[]", "b", 2)]
        public virtual List<uint> B { get; set; } = [];

        [Parameter("bytes10", "c", 3)]
        public virtual byte[] C { get; set; } = [];

        [Parameter("bytes", "d", 4)]
        public virtual byte[] D { get; set; } = [];
    }

    [Function("g")]
    public class G : FunctionMessage
    {
        [Parameter("uint256[][]", "a", 1)]
        public virtual List<List<BigInteger>> A { get; set; } = [];

        [Parameter("string[]", "b", 2)]
        public virtual List<string> B { get; set; } = [];
    }
}
