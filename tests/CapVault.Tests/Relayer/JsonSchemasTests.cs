using System.Diagnostics;
using System.Text.Json;
using CapVault.Relayer.Catalogue.Schemas;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Tests.Relayer;

public class JsonSchemasTests
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(20); // many times what the worst pair takes, for machines that do much else; without bounds it would be years

    [Theory]
    // type
    [InlineData("""{"type":"string"}""", "\"a\"", true)]
    [InlineData("""{"type":"string"}""", "1", false)]
    [InlineData("""{"type":["string","null"]}""", "null", true)]
    [InlineData("""{"type":["string","null"]}""", "false", false)]
    [InlineData("""{"type":"integer"}""", "1.0", true)]
    [InlineData("""{"type":"integer"}""", "1e3", true)]
    [InlineData("""{"type":"integer"}""", "1.5", false)]
    [InlineData("""{"type":"number"}""", "1", true)]
    [InlineData("""{"type":"boolean"}""", "0", false)]
    [InlineData("""{"type":"object"}""", "[]", false)]
    [InlineData("true", "1", true)]
    [InlineData("false", "1", false)]
    [InlineData("{}", "[{}]", true)]
    // values
    [InlineData("""{"const":{"a":1,"b":[2]}}""", """{"b":[2.0],"a":1e0}""", true)]
    [InlineData("""{"const":1}""", "2", false)]
    [InlineData("""{"const":1}""", "true", false)]
    [InlineData("""{"enum":["a",1,null]}""", "null", true)]
    [InlineData("""{"enum":["a",1,null]}""", "\"1\"", false)]
    // objects
    [InlineData("""{"required":["a","b"]}""", """{"a":null,"b":0}""", true)]
    [InlineData("""{"required":["a","b"]}""", """{"a":1}""", false)]
    [InlineData("""{"required":["a"]}""", "1", true)] // says nothing of what is no object
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"a":1}""", false)]
    [InlineData("""{"properties":{"a":false}}""", """{"a":1}""", false)]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":false}""", """{"a":1,"b":1}""", false)]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":{"type":"string"}}""", """{"a":1,"b":"x"}""", true)]
    [InlineData("""{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}""", """{"x-a":"1"}""", true)]
    [InlineData("""{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}""", """{"x-a":1}""", false)]
    [InlineData("""{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}""", """{"y":"1"}""", false)]
    [InlineData("""{"propertyNames":{"maxLength":1}}""", """{"ab":1}""", false)]
    [InlineData("""{"minProperties":1,"maxProperties":2}""", "{}", false)]
    [InlineData("""{"minProperties":1,"maxProperties":2}""", """{"a":1,"b":1,"c":1}""", false)]
    [InlineData("""{"dependentRequired":{"card":["cvc"]}}""", """{"card":1}""", false)]
    [InlineData("""{"dependentRequired":{"card":["cvc"]}}""", """{"cvc":1}""", true)]
    // arrays
    [InlineData("""{"items":{"type":"number"}}""", """[1,"2"]""", false)]
    [InlineData("""{"prefixItems":[{"type":"number"}],"items":{"type":"string"}}""", """[1,"2"]""", true)]
    [InlineData("""{"prefixItems":[{"type":"number"}],"items":false}""", """[1,2]""", false)]
    [InlineData("""{"contains":{"const":1}}""", "[0,1]", true)]
    [InlineData("""{"contains":{"const":1}}""", "[0]", false)]
    [InlineData("""{"contains":{"const":1},"minContains":0}""", "[0]", true)]
    [InlineData("""{"contains":{"const":1},"maxContains":1}""", "[1,1]", false)]
    [InlineData("""{"minItems":2,"maxItems":2}""", "[1]", false)]
    [InlineData("""{"minItems":2,"maxItems":2}""", "[1,2,3]", false)]
    [InlineData("""{"uniqueItems":true}""", """[{"a":1,"b":2},{"b":2,"a":1}]""", false)]
    [InlineData("""{"uniqueItems":true}""", """[1,"1",true]""", true)]
    // numbers
    [InlineData("""{"minimum":1,"maximum":2}""", "1", true)]
    [InlineData("""{"minimum":1,"maximum":2}""", "2.0001", false)]
    [InlineData("""{"exclusiveMinimum":1}""", "1", false)]
    [InlineData("""{"exclusiveMaximum":1}""", "1", false)]
    [InlineData("""{"exclusiveMaximum":1}""", "-1e300", true)]
    [InlineData("""{"multipleOf":0.1}""", "0.3", true)]
    [InlineData("""{"multipleOf":0.01}""", "4.35", true)]
    [InlineData("""{"multipleOf":2}""", "3", false)]
    [InlineData("""{"multipleOf":2}""", "1e300", true)]
    // strings
    [InlineData("""{"minLength":1,"maxLength":1}""", "\"🚀\"", true)]
    [InlineData("""{"maxLength":1}""", "\"ab\"", false)]
    [InlineData("""{"pattern":"^[a-z]{2,3}$"}""", "\"abc\"", true)]
    [InlineData("""{"pattern":"b"}""", "\"abc\"", true)] // not anchored
    [InlineData("""{"pattern":"^b"}""", "\"abc\"", false)]
    [InlineData("""{"format":"url"}""", "\"https://example.org/a?b#c\"", true)]
    [InlineData("""{"format":"url"}""", "\"javascript:alert(1)\"", false)]
    [InlineData("""{"format":"url"}""", "\"/etc/passwd\"", false)]
    [InlineData("""{"format":"uri"}""", "\"urn:isbn:1\"", true)]
    [InlineData("""{"format":"uri"}""", "\"no uri\"", false)]
    [InlineData("""{"format":"address"}""", "\"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65\"", true)]
    [InlineData("""{"format":"address"}""", "\"0x15d34aaf54267db7d7c367839aaf71a00a2c6a65\"", true)]
    [InlineData("""{"format":"address"}""", "\"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A66\"", false)]
    [InlineData("""{"format":"address"}""", "\"someone.eth\"", false)]
    [InlineData("""{"format":"date"}""", "\"2026-02-30\"", false)]
    [InlineData("""{"format":"date"}""", "\"2028-02-29\"", true)]
    [InlineData("""{"format":"date-time"}""", "\"2026-01-02T03:04:05.678Z\"", true)]
    [InlineData("""{"format":"date-time"}""", "\"2026-01-02T03:04:05+02:00\"", true)]
    [InlineData("""{"format":"date-time"}""", "\"2026-01-02T03:04:05\"", false)]
    [InlineData("""{"format":"email"}""", "\"a@example.org\"", true)]
    [InlineData("""{"format":"email"}""", "\"A <a@example.org>\"", false)]
    [InlineData("""{"format":"uuid"}""", "\"550e8400-e29b-41d4-a716-446655440000\"", true)]
    [InlineData("""{"format":"uuid"}""", "\"{550e8400-e29b-41d4-a716-446655440000}\"", false)]
    [InlineData("""{"format":"uuid","minLength":3}""", "7", true)] // says nothing of what is no string
    // alternatives
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":2}]}""", "3", false)]
    [InlineData("""{"anyOf":[{"type":"string"},{"minimum":3}]}""", "3", true)]
    [InlineData("""{"anyOf":[{"type":"string"},{"minimum":3}]}""", "2", false)]
    [InlineData("""{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}""", "6", false)]
    [InlineData("""{"oneOf":[{"multipleOf":2},{"multipleOf":3}]}""", "9", true)]
    [InlineData("""{"not":{"type":"string"}}""", "\"a\"", false)]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}}""", "\"a\"", false)]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}}""", "2", true)]
    [InlineData("""{"if":{"type":"string"},"then":{"minLength":2},"else":{"minimum":2}}""", "1", false)]
    [InlineData("""{"then":false}""", "1", true)]
    // references
    [InlineData("""{"$defs":{"x":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/x"}}}""", """{"a":1}""", false)]
    [InlineData("""{"$defs":{"x":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/x","minLength":2}}}""", """{"a":"1"}""", false)]
    [InlineData("""{"$defs":{"a/b~c%":{"const":1}},"$ref":"#/$defs/a~1b~0c%25"}""", "2", false)]
    [InlineData("""{"prefixItems":[{"const":1},{"$ref":"#/prefixItems/0"}]}""", "[1,2]", false)]
    [InlineData("""{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}""", """{"next":{"next":{}}}""", true)]
    [InlineData("""{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}""", """{"next":{"next":{"last":1}}}""", false)]
    public void A_value_fits_or_it_does_not(string schema, string value, bool fits)
    {
        JsonSchemas.Check("schema", schema);

        JsonSchemas.Validate(schema, Json(value)).Any().Should().Be(!fits);
    }

    [Theory]
    [InlineData("""{"properties":{"a":{"items":{"required":["b"]}}}}""", """{"a":[{"b":1},{}]}""", "/a/1", "found no property \"b\", expected one")]
    [InlineData("""{"properties":{"a/b~":{"type":"integer"}}}""", """{"a/b~":1.5}""", "/a~1b~0", "found 1.5, expected type integer")]
    [InlineData("""{"type":["array","object"]}""", "\"x\"", "", "found \"x\", expected type array or object")]
    [InlineData("""{"additionalProperties":false}""", """{"b":1}""", "/b", "found a property that the schema does not know, expected none")]
    [InlineData("""{"properties":{"a":{"enum":["x","y"]}}}""", """{"a":"z"}""", "/a", "found \"z\", expected one of \"x\", \"y\"")]
    [InlineData("""{"anyOf":[{"type":"null"},{"type":"array"}]}""", "1", "", "found a value that fits none of \"anyOf\"")]
    public void An_error_says_where_and_why(string schema, string value, string path, string message) =>
        JsonSchemas.Validate(schema, Json(value)).Should().Equal(new SchemaError(path, message));

    [Fact]
    public void Every_error_is_told_up_to_twenty()
    {
        var three = JsonSchemas.Validate("""{"required":["a"],"properties":{"b":{"type":"string","minLength":2},"c":{"minimum":5}}}""", Json("""{"b":1,"c":2}"""));
        three.Select(error => error.Path).Should().BeEquivalentTo("", "/b", "/c");

        JsonSchemas.Validate("""{"items":{"type":"string"}}""", Json(Array(1000, _ => "1"))).Should().HaveCount(20);
    }

    [Theory]
    [InlineData("""{"$ref":"https://example.org/schema.json"}""", "#/$ref")]
    [InlineData("""{"properties":{"a":{"$ref":"file:///etc/passwd"}}}""", "#/properties/a/$ref")]
    [InlineData("""{"$ref":"other.json#/a"}""", "#/$ref")]
    [InlineData("""{"$ref":"//example.org/x"}""", "#/$ref")]
    [InlineData("""{"$ref":"#anchor"}""", "#/$ref")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "#/$ref")]
    [InlineData("""{"$ref":"#/title","title":"no schema"}""", "#/title")]
    [InlineData("""{"allOf":[{"$ref":"#/allOf/00"}]}""", "#/allOf/0/$ref")]
    [InlineData("""{"$ref":7}""", "#/$ref")]
    [InlineData("""{"properties":{"a":{"$id":"https://example.org/"}}}""", "#/properties/a/$id")]
    [InlineData("""{"$dynamicRef":"#x"}""", "#/$dynamicRef")]
    [InlineData("""{"unevaluatedProperties":false}""", "#/unevaluatedProperties")]
    [InlineData("""{"dependencies":{"a":["b"]}}""", "#/dependencies")]
    [InlineData("""{"propertees":{}}""", "#/propertees")]
    [InlineData("""{"type":"text"}""", "#/type")]
    [InlineData("""{"type":[]}""", "#/type")]
    [InlineData("""{"items":[{}]}""", "#/items")]
    [InlineData("""{"exclusiveMinimum":true}""", "#/exclusiveMinimum")]
    [InlineData("""{"minLength":-1}""", "#/minLength")]
    [InlineData("""{"maxItems":1.5}""", "#/maxItems")]
    [InlineData("""{"multipleOf":0}""", "#/multipleOf")]
    [InlineData("""{"required":"a"}""", "#/required")]
    [InlineData("""{"enum":[]}""", "#/enum")]
    [InlineData("""{"anyOf":[]}""", "#/anyOf")]
    [InlineData("""{"format":"ipv4"}""", "#/format")]
    [InlineData("""{"pattern":"(a"}""", "#/pattern")]
    [InlineData("""{"pattern":"(?=a)b"}""", "#/pattern")]
    [InlineData("""{"pattern":"(a)\\1"}""", "#/pattern")]
    [InlineData("""{"pattern":"(a{1000}){1000}"}""", "#/pattern")]
    [InlineData("""{"patternProperties":{"(?<!a)b":{}}}""", "#/patternProperties")]
    [InlineData("""{"$ref":"#"}""", "#")]
    [InlineData("""{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"not":{"$ref":"#/$defs/a"}}}}""", "#/$defs/a")]
    [InlineData("1", "#")]
    [InlineData("null", "#")]
    public void What_is_not_checked_is_refused_with_its_place(string schema, string path)
    {
        var refused = FluentActions.Invoking(() => JsonSchemas.Check("deliverableSchema", schema)).Should().Throw<ApiException>().Which;

        refused.Should().BeEquivalentTo(new { Status = 400, Code = ErrorCodes.ValidationError });
        refused.Message.Should().StartWith("deliverableSchema: found ").And.Contain($" at {path}, expected ");
        JsonSerializer.SerializeToElement(refused.Details).GetProperty("path").GetString().Should().Be(path);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("""{"a":1,"a":1}""")]
    [InlineData("""{"const":1e999}""")]
    [InlineData("""{"const":"\ud800"}""")]
    [InlineData("""{"title":"\ud800"}""")]
    public void What_is_no_JSON_is_refused(string schema) =>
        FluentActions.Invoking(() => JsonSchemas.Check("schema", schema)).Should().Throw<ApiException>().Which.Code.Should().Be(ErrorCodes.ValidationError);

    [Fact]
    public void A_schema_has_bounds()
    {
        Check($$"""{"title":"{{new string('a', JsonSchemas.MaxBytes)}}"}""").Should().Throw<ApiException>().WithMessage("*bytes*");
        Check(Repeat("""{"items":""", 30) + "true" + Repeat("}", 30)).Should().Throw<ApiException>().WithMessage("*deep*");
        Check($$"""{"pattern":"{{new string('a', 513)}}"}""").Should().Throw<ApiException>().WithMessage("*pattern*");
        Check(Keyword("allOf", Array(101, i => Keyword("pattern", Quoted(i.ToString()))))).Should().Throw<ApiException>().WithMessage("*patterns*");
    }

    public static TheoryData<string, string, string> Attacks() => new()
    {
        { "patterns that backtrack", """{"pattern":"^(a+)+$"}""", Quoted(new string('a', 1_000_000) + "!") },
        { "an automaton of many states", """{"pattern":"[ab]*a[ab]{1000}!!"}""", Quoted(Repeat("ab", 500_000)) },
        { "the same on many strings", """{"items":{"pattern":"[ab]*a[ab]{400}!!"}}""", Array(1600, _ => Quoted(Repeat("ab", 300))) },
        { "large patterns", Keyword("allOf", Array(62, i => Keyword("pattern", Quoted(Repeat("(", 240) + i + Repeat(")", 240))))), Quoted(new string('a', 1000)) },
        { "alternatives of alternatives", Chain("anyOf", 40), "1" },
        { "oneOf of oneOf", Chain("oneOf", 40), "1" },
        { "allOf of allOf", Chain("allOf", 40), "1" },
        { "a chain of references", "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + Many(900, i => $$"""
            "d{{i}}":{"$ref":"#/$defs/d{{i + 1}}"}
            """) + ",\"d900\":{}}}", "1" },
        { "recursion at every level", """{"contains":{"$ref":"#"},"anyOf":[{"items":{"$ref":"#"}},{"items":{"$ref":"#"}},{"items":{"$ref":"#"}}]}""", Repeat("[", 16) + Repeat("]", 16) },
        { "many alternatives on many items", Keyword("items", Keyword("anyOf", Array(2500, _ => """{"const":1}"""))), Array(500_000, _ => "2") },
        { "a large enum on many items", Keyword("items", Keyword("enum", Array(6000, i => i.ToString()))), Array(300_000, _ => "-1") },
        { "a large value in each alternative", Keyword("anyOf", Array(2500, _ => """{"const":1}""")), Array(300_000, _ => "{}") },
        { "unique items in unique items", Repeat("""{"uniqueItems":true,"items":""", 15) + "{}" + Repeat("}", 15), Repeat("[", 14) + Array(150_000, i => i.ToString()) + Repeat("]", 14) },
        { "many required names for each item", Keyword("items", Keyword("required", Array(4000, i => Quoted(i.ToString())))), Array(300_000, _ => "{}") },
        { "a long number in each alternative", Keyword("anyOf", Array(2000, _ => """{"minimum":1}""")), "0." + new string('0', 1_000_000) + "1" },
        { "a long name in each alternative", Keyword("anyOf", Array(1500, _ => """{"maxProperties":0}""")), Keyword(new string('a', 1_000_000), "1") },
        { "a long string in each alternative", Keyword("anyOf", Array(1900, _ => """{"maxLength":0}""")), Quoted(new string('a', 1_000_000)) },
        { "long names that are wrong", """{"additionalProperties":false}""", "{" + Many(20, i => Quoted(i + new string('a', 50_000)) + ":1") + "}" },
        { "formats of long strings", Keyword("items", Keyword("anyOf", Array(400, i => Keyword("format", i % 2 == 0 ? "\"uri\"" : "\"email\"")))), Array(120, _ => Quoted("a:" + new string('%', 8000))) },
    };

    [Theory]
    [MemberData(nameof(Attacks))]
    public void No_pair_takes_more_than_a_moment(string attack, string schema, string value)
    {
        schema.Length.Should().BeLessThanOrEqualTo(JsonSchemas.MaxBytes, attack);
        value.Length.Should().BeLessThanOrEqualTo(1024 * 1024, attack);
        var json = Json(value);
        JsonSchemas.Check("schema", "{}"); // compiled before the clock runs
        var before = GC.GetAllocatedBytesForCurrentThread();
        var clock = Stopwatch.StartNew();

        JsonSchemas.Check("schema", schema);
        var errors = JsonSchemas.Validate(schema, json);

        clock.Elapsed.Should().BeLessThan(Moment, attack);
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1L << 30, attack);
        errors.Should().OnlyContain(error => error.Path.Length < 4096 && error.Message.Length < 4096);
    }

    private static Action Check(string schema) => () => JsonSchemas.Check("schema", schema);

    private static string Chain(string keyword, int length) => "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + Many(length, i => $$"""
        "d{{i}}":{"{{keyword}}":[{"$ref":"#/$defs/d{{i + 1}}"},{"$ref":"#/$defs/d{{i + 1}}"}]}
        """) + $",\"d{length}\":" + """{"type":"string"}}}""";

    private static string Keyword(string name, string value) => "{" + Quoted(name) + ":" + value + "}";

    private static string Array(int count, Func<int, string> item) => "[" + Many(count, item) + "]";

    private static string Many(int count, Func<int, string> item) => string.Join(',', Enumerable.Range(0, count).Select(item));

    private static string Repeat(string text, int times) => string.Concat(Enumerable.Repeat(text, times));

    private static string Quoted(string text) => $"\"{text}\"";

    private static JsonElement Json(string text) => JsonSerializer.Deserialize<JsonElement>(text);
}
