using System.Text;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Tests.Sdk;

public class DeliverableHashTests
{
    // The first is Keccak's published hash of nothing; the others are what `cast keccak` answers.
    [Theory]
    [InlineData("", "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")]
    [InlineData("hello", "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8")]
    [InlineData("Grüße\n", "0xe2e96b428c3324ae6b0904549ffc0fa8f213947e4dee61233c89ea4114c8922b")]
    public void CR19_a_text_is_hashed_over_its_utf8_bytes(string text, string expected) =>
        DeliverableHash.Of(DeliverableType.Text, text, schema: null).ToHex(prefix: true).Should().Be(expected);

    [Fact]
    public void CR19_a_text_is_hashed_exactly_as_submitted() =>
        DeliverableHash.Of(DeliverableType.Text, "e\u0301 ", schema: null)
            .Should().NotEqual(DeliverableHash.Of(DeliverableType.Text, "\u00e9 ", schema: null));

    [Fact]
    public void A_schema_is_hashed_over_its_canonical_bytes()
    {
        var one = Json("""{ "b": 1.0, "a": "\u0041" }""");
        var other = Json("""{"a":"A","b":1}""");

        var hash = DeliverableHash.Of(DeliverableType.Schema, text: null, one);

        hash.Should().Equal(DeliverableHash.Of(DeliverableType.Schema, text: null, other));
        hash.Should().Equal(DeliverableHash.Keccak256(Encoding.UTF8.GetBytes("""{"a":"A","b":1}""")));
    }

    public static TheoryData<string> Vectors() => [.. Deliverables().Select(vector => Text(vector, "name"))];

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Every_scheme_hashes_as_in_the_vectors_that_Solidity_checks_too(string name)
    {
        var vector = Deliverables().Single(vector => Text(vector, "name") == name);

        var (content, hash) = Text(vector, "scheme") switch
        {
            "TEXT" => (Text(vector, "content"), DeliverableHash.Of(DeliverableType.Text, Text(vector, "content"), schema: null)),
            "SCHEMA" => (Encoding.UTF8.GetString(CanonicalJson.Serialize(vector.GetProperty("value"))), DeliverableHash.Of(DeliverableType.Schema, text: null, vector.GetProperty("value"))),
            _ => (Encoding.UTF8.GetString(DeliverableHash.CanonicalBytes(Manifest(vector))), DeliverableHash.Of(Manifest(vector))),
        };

        content.Should().Be(Text(vector, "content"));
        hash.ToHex(prefix: true).Should().Be(Text(vector, "deliverableHash"));
    }

    [Fact]
    public void A_manifest_that_is_not_Unicode_has_no_hash() =>
        FluentActions.Invoking(() => DeliverableHash.Of(new DeliveryManifest { Version = 1, Text = "a\ud800", Files = [] })).Should().Throw<ArgumentException>().WithMessage("*surrogate*");

    [Fact]
    public void Content_that_does_not_fit_its_type_or_has_no_hash_is_refused()
    {
        var json = Json("{}");

        FluentActions.Invoking(() => DeliverableHash.Of(DeliverableType.Text, "a", json)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => DeliverableHash.Of(DeliverableType.Text, null, null)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => DeliverableHash.Of(DeliverableType.Schema, "a", null)).Should().Throw<ArgumentException>();
        FluentActions.Invoking(() => DeliverableHash.Of(DeliverableType.Text, "a\ud800", null)).Should().Throw<ArgumentException>().WithMessage("*surrogate*");
        FluentActions.Invoking(() => DeliverableHash.Of(DeliverableType.Schema, null, Json("1e999"))).Should().Throw<ArgumentException>().WithMessage("*1e999*");
        FluentActions.Invoking(() => DeliverableHash.Of(new DeliverableType("file"), "a", null)).Should().Throw<ArgumentException>().WithMessage("*'file'*");
    }

    private static DeliveryManifest Manifest(JsonElement vector) => vector.GetProperty("manifest").Deserialize<DeliveryManifest>(CapJson.Options)!;

    private static JsonElement[] Deliverables() =>
        [.. JsonDocument.Parse(File.ReadAllText(Repository.File("tests", "vectors", "vectors.json"))).RootElement.GetProperty("deliverables").EnumerateArray()];

    private static string Text(JsonElement vector, string name) => vector.GetProperty(name).GetString()!;

    private static JsonElement Json(string text) => JsonDocument.Parse(text).RootElement;
}
