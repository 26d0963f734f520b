using System.Text.RegularExpressions;

namespace CapVault.Relayer.Catalogue.Schemas;

/// <summary>JSON's types, and integer, which is a number without a fraction.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Number = 8,
    String = 16,
    Array = 32,
    Object = 64,
}

/// <summary>A schema or one of its subschemas, read. What is null is not asked for.</summary>
internal sealed class SchemaNode(string path)
{
    /// <summary>JSON Pointer with # into the schema.</summary>
    public string Path => path;

    /// <summary>A boolean schema: whether everything fits, or nothing.</summary>
    public bool? Everything { get; set; }

    public JsonTypes? Types { get; set; }

    /// <summary>Canonical JSON of the only values; of enum and of const.</summary>
    public HashSet<string>? Enum { get; set; }

    public string? Const { get; set; }

    public Dictionary<string, SchemaNode>? Properties { get; set; }

    public List<(Lazy<Regex> Pattern, SchemaNode Schema)>? PatternProperties { get; set; }

    public SchemaNode? AdditionalProperties { get; set; }

    public SchemaNode? PropertyNames { get; set; }

    public List<string>? Required { get; set; }

    public List<(string Given, List<string> Needed)>? DependentRequired { get; set; }

    public int? MinProperties { get; set; }

    public int? MaxProperties { get; set; }

    public List<SchemaNode>? PrefixItems { get; set; }

    public SchemaNode? Items { get; set; }

    public SchemaNode? Contains { get; set; }

    public int? MinContains { get; set; }

    public int? MaxContains { get; set; }

    public int? MinItems { get; set; }

    public int? MaxItems { get; set; }

    public bool UniqueItems { get; set; }

    public double? Minimum { get; set; }

    public double? Maximum { get; set; }

    public double? ExclusiveMinimum { get; set; }

    public double? ExclusiveMaximum { get; set; }

    public double? MultipleOf { get; set; }

    public int? MinLength { get; set; }

    public int? MaxLength { get; set; }

    public Lazy<Regex>? Pattern { get; set; }

    public string? Format { get; set; }

    public SchemaNode? Ref { get; set; }

    public List<SchemaNode>? AllOf { get; set; }

    public List<SchemaNode>? AnyOf { get; set; }

    public List<SchemaNode>? OneOf { get; set; }

    public SchemaNode? Not { get; set; }

    public SchemaNode? If { get; set; }

    public SchemaNode? Then { get; set; }

    public SchemaNode? Else { get; set; }

    /// <summary>The schemas that look at the same value as this one.</summary>
    public IEnumerable<SchemaNode> InPlace =>
        ((IEnumerable<SchemaNode?>)[Ref, Not, If, Then, Else, .. AllOf ?? [], .. AnyOf ?? [], .. OneOf ?? []]).OfType<SchemaNode>();
}
