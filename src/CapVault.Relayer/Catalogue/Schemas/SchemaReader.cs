using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CapVault.Sdk;

namespace CapVault.Relayer.Catalogue.Schemas;

/// <summary>
/// Reads a schema's JSON. Subschemas are read from a queue, not by recursion: a chain of a thousand references must not use up the stack.
/// </summary>
internal sealed class SchemaReader
{
    private const int MaxPatterns = 100;
    private const int MaxPatternLength = 512;

    // A match that takes longer than that is given up; the automaton of a pattern has at most 10 000 states, which .NET sees to.
    private static readonly TimeSpan LongestMatch = TimeSpan.FromSeconds(1);

    private readonly JsonElement _schema;
    private readonly Dictionary<string, SchemaNode> _nodes = new(StringComparer.Ordinal);
    private readonly Queue<(SchemaNode Node, JsonElement Json)> _unread = new();
    private readonly List<Lazy<Regex>> _patterns = [];

    private SchemaReader(JsonElement schema)
    {
        _schema = schema;
        Root = At("#", schema);
        while (_unread.TryDequeue(out var next))
        {
            Fill(next.Node, next.Json);
        }
    }

    public SchemaNode Root { get; }

    /// <exception cref="SchemaException">Something in it is not supported; patterns are looked at when they are needed.</exception>
    public static SchemaReader Read(JsonElement schema) => new(schema);

    /// <summary>Looks at what only shows when a value comes.</summary>
    /// <exception cref="SchemaException">A pattern is not supported, or a schema refers to itself without going deeper into the value.</exception>
    public void RequireUsable()
    {
        _patterns.ForEach(pattern => _ = pattern.Value);
        RequireEnd();
    }

    private void RequireEnd()
    {
        // Schemas from which only read ones are reached are taken away until none is left; what remains refers to itself.
        var left = _nodes.Values.ToDictionary(node => node, node => node.InPlace.Distinct().Count());
        var usedBy = _nodes.Values.SelectMany(node => node.InPlace.Distinct().Select(used => (used, node))).ToLookup(pair => pair.used, pair => pair.node);
        var done = new Stack<SchemaNode>(left.Where(pair => pair.Value == 0).Select(pair => pair.Key));
        while (done.TryPop(out var node))
        {
            left.Remove(node);
            foreach (var user in usedBy[node])
            {
                if (--left[user] == 0)
                {
                    done.Push(user);
                }
            }
        }

        if (left.Count > 0)
        {
            throw new SchemaException(left.Keys.Min(node => node.Path)!, "a schema that refers to itself for the same value", "references that end");
        }
    }

    /// <summary>The schema at a place, which is read in its turn.</summary>
    private SchemaNode At(string path, JsonElement json)
    {
        if (!_nodes.TryGetValue(path, out var node))
        {
            _nodes[path] = node = new SchemaNode(path);
            _unread.Enqueue((node, json));
        }

        return node;
    }

    private void Fill(SchemaNode node, JsonElement json)
    {
        if (json.ValueKind is JsonValueKind.True or JsonValueKind.False)
        {
            node.Everything = json.GetBoolean();
            return;
        }

        if (json.ValueKind != JsonValueKind.Object)
        {
            throw Found(node.Path, json, "a schema: an object, true or false");
        }

        foreach (var keyword in json.EnumerateObject())
        {
            Fill(node, keyword.Name, keyword.Value, $"{node.Path}/{Escape(keyword.Name)}");
        }
    }

    private void Fill(SchemaNode node, string keyword, JsonElement value, string path)
    {
        switch (keyword)
        {
            case "$schema" or "$comment" or "title" or "description" or "default" or "examples" or "deprecated" or "readOnly" or "writeOnly":
                break;
            case "$id" when node.Path == "#":
                break; // elsewhere it would change what references mean
            case "$defs" or "definitions":
                foreach (var (name, schema) in Members(value, path))
                {
                    At($"{path}/{Escape(name)}", schema);
                }

                break;
            case "$ref":
                node.Ref = Referred(Text(value, path), path);
                break;
            case "type":
                node.Types = value.ValueKind == JsonValueKind.Array
                    ? Array(value, path).Aggregate(JsonTypes.None, (types, item) => types | TypeOf(Text(item, path), path))
                    : TypeOf(Text(value, path), path);
                break;
            case "enum":
                node.Enum = Array(value, path).Select(item => Canonical(item)).ToHashSet(StringComparer.Ordinal);
                break;
            case "const":
                node.Const = Canonical(value);
                break;
            case "properties":
                node.Properties = Members(value, path).ToDictionary(member => member.Name, member => At($"{path}/{Escape(member.Name)}", member.Value), StringComparer.Ordinal);
                break;
            case "patternProperties":
                node.PatternProperties = Members(value, path).Select(member => (Pattern(member.Name, path), At($"{path}/{Escape(member.Name)}", member.Value))).ToList();
                break;
            case "additionalProperties":
                node.AdditionalProperties = At(path, value);
                break;
            case "propertyNames":
                node.PropertyNames = At(path, value);
                break;
            case "required":
                node.Required = Texts(value, path);
                break;
            case "dependentRequired":
                node.DependentRequired = Members(value, path).Select(member => (member.Name, Texts(member.Value, path))).ToList();
                break;
            case "minProperties":
                node.MinProperties = Count(value, path);
                break;
            case "maxProperties":
                node.MaxProperties = Count(value, path);
                break;
            case "prefixItems":
                node.PrefixItems = Schemas(value, path);
                break;
            case "items":
                node.Items = At(path, value);
                break;
            case "contains":
                node.Contains = At(path, value);
                break;
            case "minContains":
                node.MinContains = Count(value, path);
                break;
            case "maxContains":
                node.MaxContains = Count(value, path);
                break;
            case "minItems":
                node.MinItems = Count(value, path);
                break;
            case "maxItems":
                node.MaxItems = Count(value, path);
                break;
            case "uniqueItems":
                node.UniqueItems = value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Found(path, value, "true or false");
                break;
            case "minimum":
                node.Minimum = Number(value, path);
                break;
            case "maximum":
                node.Maximum = Number(value, path);
                break;
            case "exclusiveMinimum":
                node.ExclusiveMinimum = Number(value, path);
                break;
            case "exclusiveMaximum":
                node.ExclusiveMaximum = Number(value, path);
                break;
            case "multipleOf":
                node.MultipleOf = Number(value, path) is > 0 and var divisor ? divisor : throw Found(path, value, "a number above 0");
                break;
            case "minLength":
                node.MinLength = Count(value, path);
                break;
            case "maxLength":
                node.MaxLength = Count(value, path);
                break;
            case "pattern":
                node.Pattern = Pattern(Text(value, path), path);
                break;
            case "format":
                node.Format = Text(value, path) is var format && StringFormats.Names.Contains(format, StringComparer.Ordinal)
                    ? format
                    : throw Found(path, value, $"one of {string.Join(", ", StringFormats.Names)}");
                break;
            case "allOf":
                node.AllOf = Schemas(value, path);
                break;
            case "anyOf":
                node.AnyOf = Schemas(value, path);
                break;
            case "oneOf":
                node.OneOf = Schemas(value, path);
                break;
            case "not":
                node.Not = At(path, value);
                break;
            case "if":
                node.If = At(path, value);
                break;
            case "then":
                node.Then = At(path, value);
                break;
            case "else":
                node.Else = At(path, value);
                break;
            default:
                throw new SchemaException(path, $"the keyword \"{keyword}\", which is not checked here", "one that is; leave it out, or say it in the description");
        }
    }

    private SchemaNode Referred(string reference, string path)
    {
        if (reference != "#" && !reference.StartsWith("#/", StringComparison.Ordinal))
        {
            throw new SchemaException(path, $"a reference to \"{reference}\"", "# or #/… : a place in the same schema, because nothing is fetched");
        }

        var target = _schema;
        var place = "#";
        foreach (var segment in reference.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(segment).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            place += "/" + Escape(name);
            target = target.ValueKind switch
            {
                JsonValueKind.Object when target.TryGetProperty(name, out var member) => member,
                // One spelling only, as RFC 6901 has it: each place is read once.
                JsonValueKind.Array when int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < target.GetArrayLength()
                    && name == index.ToString(CultureInfo.InvariantCulture) => target[index],
                _ => throw new SchemaException(path, $"a reference to \"{reference}\"", "a place that is in this schema"),
            };
        }

        return At(place, target);
    }

    private Lazy<Regex> Pattern(string pattern, string path)
    {
        var compiled = new Lazy<Regex>(() => Compile(pattern, path));
        _patterns.Add(compiled);
        return pattern.Length <= MaxPatternLength && _patterns.Count <= MaxPatterns
            ? compiled
            : throw new SchemaException(
                path, $"{_patterns.Count} patterns, this one of {pattern.Length} characters", $"at most {MaxPatterns} patterns of at most {MaxPatternLength} characters");
    }

    private static Regex Compile(string pattern, string path)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, LongestMatch);
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            throw new SchemaException(path, $"a pattern that cannot be matched in linear time ({exception.Message})", "one without lookaround, back-references and large repetitions");
        }
    }

    private static string Canonical(JsonElement value) => Encoding.UTF8.GetString(CanonicalJson.Serialize(value));

    private static JsonTypes TypeOf(string type, string path) => type switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => throw new SchemaException(path, $"the type \"{type}\"", "null, boolean, integer, number, string, array or object"),
    };

    private List<SchemaNode> Schemas(JsonElement value, string path) =>
        Array(value, path).Select((schema, index) => At(string.Create(CultureInfo.InvariantCulture, $"{path}/{index}"), schema)).ToList();

    private static IEnumerable<(string Name, JsonElement Value)> Members(JsonElement value, string path) => value.ValueKind == JsonValueKind.Object
        ? value.EnumerateObject().Select(member => (member.Name, member.Value))
        : throw Found(path, value, "an object");

    private static IEnumerable<JsonElement> Array(JsonElement value, string path) => value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0
        ? value.EnumerateArray()
        : throw Found(path, value, "an array that is not empty");

    private static List<string> Texts(JsonElement value, string path) => value.ValueKind == JsonValueKind.Array
        ? value.EnumerateArray().Select(item => Text(item, path)).Distinct(StringComparer.Ordinal).ToList()
        : throw Found(path, value, "an array of strings");

    private static string Text(JsonElement value, string path) => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Found(path, value, "a string");

    private static double Number(JsonElement value, string path) => value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Found(path, value, "a number");

    private static int Count(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 0 and <= int.MaxValue and var number && double.IsInteger(number)
            ? (int)number
            : throw Found(path, value, "an integer from 0 on");

    private static SchemaException Found(string path, JsonElement value, string expected) =>
        new(path, Http.ApiException.Cut(value.GetRawText())!, expected);

    private static string Escape(string name) => name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);
}
