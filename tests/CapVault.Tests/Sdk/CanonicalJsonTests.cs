using System.Text;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Tests.Sdk;

public class CanonicalJsonTests
{
    // RFC 8785, appendix B: IEEE 754 bits and what ECMAScript writes for them.
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555555, "333333333.3333333")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0x41b3de4355555557, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    public void Numbers_are_written_as_ECMAScript_does(ulong bits, string expected)
    {
        var value = BitConverter.UInt64BitsToDouble(bits);

        Canonical(JsonSerializer.Serialize(value)).Should().Be(expected);
    }

    // RFC 8785, 3.2.2: input and output of its example.
    [Fact]
    public void The_sample_of_the_RFC_comes_out_byte_for_byte()
    {
        const string input = """
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """;

        Canonical(input).Should().Be(
            """{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}""");
    }

    // RFC 8785, 3.2.3: a supplementary character sorts by its surrogates, before U+FB33.
    [Fact]
    public void Properties_are_sorted_by_UTF16_code_units()
    {
        const string input = """
            {
              "\u20ac": "Euro Sign",
              "\r": "Carriage Return",
              "\ufb33": "Hebrew Letter Dalet With Dagesh",
              "1": "One",
              "\ud83d\ude00": "Emoji: Grinning Face",
              "\u0080": "Control",
              "\u00f6": "Latin Small Letter O With Diaeresis"
            }
            """;

        var values = JsonDocument.Parse(Canonical(input)).RootElement.EnumerateObject().Select(p => p.Value.GetString());

        values.Should().Equal(
            "Carriage Return",
            "One",
            "Control",
            "Latin Small Letter O With Diaeresis",
            "Euro Sign",
            "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh");
    }

    [Theory]
    [InlineData("\"\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f\"", "\"\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\"")]
    [InlineData("""{"b":{"z":1,"a":[{"y":1,"x":2}]},"a":{}}""", """{"a":{},"b":{"a":[{"x":2,"y":1}],"z":1}}""")]
    [InlineData("[ ]", "[]")]
    [InlineData("\"😀\"", "\"😀\"")]
    public void Structure_and_escapes_follow_the_RFC(string input, string expected) => Canonical(input).Should().Be(expected);

    [Theory]
    [InlineData("""{"a":[1,1e400]}""", "$.a[1]", "1e400")]
    [InlineData("""{"a":"\ud800"}""", "$.a", "lone surrogate")]
    [InlineData("""{"a":{"\udc00":1}}""", "$.a", "lone surrogate")]
    [InlineData("""{"x":{"a":1,"\u0061":2}}""", "$.x", "\"a\" twice")]
    public void What_has_no_canonical_form_is_refused_with_its_place(string input, string path, string what)
    {
        var call = () => Canonical(input);

        var error = call.Should().Throw<JsonException>().Which;
        error.Path.Should().Be(path);
        error.Message.Should().Contain(path).And.Contain(what);
    }

    private static string Canonical(string json) =>
        Encoding.UTF8.GetString(CanonicalJson.Serialize(JsonDocument.Parse(json).RootElement));
}
