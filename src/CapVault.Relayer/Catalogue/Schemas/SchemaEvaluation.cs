using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Catalogue.Schemas;

/// <summary>
/// Holds one value against one schema. Counts its steps: references and anyOf can make a small schema ask for more than any machine does, so a
/// check that would take more than a moment is given up, and counts as failed.
/// </summary>
internal sealed class SchemaEvaluation(SchemaNode root)
{
    /// <summary>So many errors are told.</summary>
    public const int MaxErrors = 20;

    // About half a second. A value of the largest size that is all numbers takes half of them, where the schema looks at each once.
    private const int MaxSteps = 2_000_000;

    // In schemas: a value is at most 16 levels deep, and honest schemas pass on few times at each.
    private const int MaxDepth = 256;

    private const int CharactersPerStep = 16;

    private static readonly TimeSpan LongestMatching = TimeSpan.FromSeconds(2);

    private readonly List<SchemaError> _errors = [];
    private readonly List<string> _path = [];
    private readonly Stopwatch _matching = new();
    private int _steps;
    private int _depth;
    private bool _tells = true;

    /// <summary>Where and why the value does not fit; empty if it does.</summary>
    public IReadOnlyList<SchemaError> Run(JsonElement value)
    {
        try
        {
            Fits(root, value);
        }
        catch (TooCostlyException exception)
        {
            _errors.Add(new SchemaError("", exception.Message));
        }

        return _errors;
    }

    private bool Fits(SchemaNode schema, JsonElement value)
    {
        // A number of a million digits takes as long to look at as a string of them.
        Spend(1 + (value.ValueKind is JsonValueKind.Number or JsonValueKind.String ? JsonMarshal.GetRawUtf8Value(value).Length / CharactersPerStep : 0));
        if (++_depth > MaxDepth)
        {
            throw new TooCostlyException($"The check was given up {MaxDepth} schemas deep. Use a schema that refers to itself less.");
        }

        var fits = schema.Everything is { } everything ? everything || Fail($"found {Show(value)}, expected nothing here") : FitsKeywords(schema, value);
        _depth--;
        return fits;
    }

    // What is cheap and says most comes first.
    private bool FitsKeywords(SchemaNode schema, JsonElement value)
    {
        var fits = FitsType(schema, value);
        fits = GoesOn(fits) && (FitsValues(schema, value) & fits);
        fits = GoesOn(fits) && (FitsContent(schema, value) & fits);
        return GoesOn(fits) && (FitsInPlace(schema, value) & fits);
    }

    private bool FitsContent(SchemaNode schema, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => FitsObject(schema, value),
        JsonValueKind.Array => FitsArray(schema, value),
        JsonValueKind.String => FitsString(schema, value),
        JsonValueKind.Number => FitsNumber(schema, value.GetDouble()),
        _ => true,
    };

    // Without anybody to tell, the first failure ends it.
    private bool GoesOn(bool fits) => fits || _tells;

    private bool FitsType(SchemaNode schema, JsonElement value)
    {
        if (schema.Types is not { } types)
        {
            return true;
        }

        var found = value.ValueKind switch
        {
            JsonValueKind.Null => JsonTypes.Null,
            JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
            JsonValueKind.Number => double.IsInteger(value.GetDouble()) ? JsonTypes.Number | JsonTypes.Integer : JsonTypes.Number,
            JsonValueKind.String => JsonTypes.String,
            JsonValueKind.Array => JsonTypes.Array,
            _ => JsonTypes.Object,
        };
        return (found & types) != JsonTypes.None || Fail($"found {Show(value)}, expected type {types.ToString().ToLowerInvariant().Replace(", ", " or ", StringComparison.Ordinal)}");
    }

    private bool FitsValues(SchemaNode schema, JsonElement value)
    {
        if (schema.Enum is null && schema.Const is null)
        {
            return true;
        }

        var canonical = Canonical(value);
        return (schema.Const is null || schema.Const == canonical || Fail($"found {Show(value)}, expected {ApiException.Cut(schema.Const)}"))
            & (schema.Enum is null || schema.Enum.Contains(canonical) || Fail($"found {Show(value)}, expected one of {ApiException.Cut(string.Join(", ", schema.Enum.Take(20)))}"));
    }

    private bool FitsObject(SchemaNode schema, JsonElement value)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var fits = true;
        foreach (var member in value.EnumerateObject())
        {
            var name = member.Name;
            Spend(1 + (name.Length / CharactersPerStep));
            names.Add(name);
            fits &= FitsMember(schema, name, member.Value);
            if (!GoesOn(fits))
            {
                return false;
            }
        }

        Spend((schema.Required?.Count ?? 0) + (schema.DependentRequired?.Sum(dependent => 1 + dependent.Needed.Count) ?? 0));
        foreach (var name in CollectionsMarshal.AsSpan(schema.Required))
        {
            fits &= names.Contains(name) || Fail($"found no property \"{ApiException.Cut(name)}\", expected one");
        }

        foreach (var (given, needed) in CollectionsMarshal.AsSpan(schema.DependentRequired))
        {
            fits &= !names.Contains(given) || needed.TrueForAll(names.Contains) || Fail($"found property \"{ApiException.Cut(given)}\" alone, expected with it {ApiException.Cut(string.Join(", ", needed))}");
        }

        return fits & InRange(names.Count, schema.MinProperties, schema.MaxProperties, "properties");
    }

    private bool FitsMember(SchemaNode schema, string name, JsonElement value)
    {
        _path.Add(name);
        var fits = schema.PropertyNames is null || FitsText(schema.PropertyNames, name);
        var isKnown = false;
        if (schema.Properties is not null && schema.Properties.TryGetValue(name, out var property))
        {
            isKnown = true;
            fits &= Fits(property, value);
        }

        foreach (var (pattern, patterned) in CollectionsMarshal.AsSpan(schema.PatternProperties))
        {
            if (IsMatch(pattern, name))
            {
                isKnown = true;
                fits &= Fits(patterned, value);
            }
        }

        if (!isKnown && schema.AdditionalProperties is { } additional)
        {
            fits &= additional.Everything == false ? Fail($"found a property that the schema does not know, expected none") : Fits(additional, value);
        }

        _path.RemoveAt(_path.Count - 1);
        return fits;
    }

    // A property's name, as the string that it is.
    private bool FitsText(SchemaNode schema, string text) => Fits(schema, JsonSerializer.SerializeToElement(text));

    private bool FitsArray(SchemaNode schema, JsonElement value)
    {
        var count = value.GetArrayLength();
        var fits = InRange(count, schema.MinItems, schema.MaxItems, "items");
        var unique = schema.UniqueItems ? new HashSet<string>(StringComparer.Ordinal) : null;
        var (index, contained) = (0, 0);
        foreach (var item in value.EnumerateArray())
        {
            Spend(1);
            _path.Add(index.ToString(CultureInfo.InvariantCulture));
            var own = index < schema.PrefixItems?.Count ? schema.PrefixItems[index] : schema.Items;
            fits &= own is null || Fits(own, item);
            fits &= unique is null || unique.Add(Canonical(item)) || Fail($"found an item twice, expected each once");
            contained += schema.Contains is not null && Quietly(schema.Contains, item) ? 1 : 0;
            _path.RemoveAt(_path.Count - 1);
            index++;
            if (!GoesOn(fits))
            {
                return false;
            }
        }

        return fits & (schema.Contains is null || InRange(contained, schema.MinContains ?? 1, schema.MaxContains, "items that fit \"contains\""));
    }

    private bool FitsString(SchemaNode schema, JsonElement value)
    {
        if (schema is { MinLength: null, MaxLength: null, Pattern: null, Format: null })
        {
            return true;
        }

        var text = value.GetString()!;
        var fits = schema is { MinLength: null, MaxLength: null } || InRange(text.EnumerateRunes().Count(), schema.MinLength, schema.MaxLength, "characters");
        fits &= schema.Pattern is null || IsMatch(schema.Pattern, text) || Fail($"found {Show(text)}, expected a match of {ApiException.Cut(schema.Pattern.Value.ToString())}");
        return fits & (schema.Format is null || StringFormats.Fits(schema.Format, text) || Fail($"found {Show(text)}, expected format {schema.Format}"));
    }

    private bool FitsNumber(SchemaNode schema, double number)
    {
        var fits = schema.Minimum is not { } minimum || number >= minimum || Fail($"found {Show(number)}, expected at least {Show(minimum)}");
        fits &= schema.Maximum is not { } maximum || number <= maximum || Fail($"found {Show(number)}, expected at most {Show(maximum)}");
        fits &= schema.ExclusiveMinimum is not { } above || number > above || Fail($"found {Show(number)}, expected more than {Show(above)}");
        fits &= schema.ExclusiveMaximum is not { } below || number < below || Fail($"found {Show(number)}, expected less than {Show(below)}");
        return fits & (schema.MultipleOf is not { } divisor || IsMultiple(number, divisor) || Fail($"found {Show(number)}, expected a multiple of {Show(divisor)}"));
    }

    private bool FitsInPlace(SchemaNode schema, JsonElement value)
    {
        var fits = schema.Ref is null || Fits(schema.Ref, value);
        foreach (var one in CollectionsMarshal.AsSpan(schema.AllOf))
        {
            fits &= GoesOn(fits) && Fits(one, value);
        }

        if (!GoesOn(fits))
        {
            return false;
        }

        fits &= schema.AnyOf is null || schema.AnyOf.Exists(one => Quietly(one, value)) || Fail($"found a value that fits none of \"anyOf\"");
        fits &= schema.OneOf is null || schema.OneOf.Count(one => Quietly(one, value)) is var count && (count == 1 || Fail($"found a value that fits {count} of \"oneOf\", expected 1"));
        fits &= schema.Not is null || !Quietly(schema.Not, value) || Fail($"found a value that fits \"not\"");
        if (schema.If is not null && (Quietly(schema.If, value) ? schema.Then : schema.Else) is { } branch)
        {
            fits &= Fits(branch, value);
        }

        return fits;
    }

    private bool Quietly(SchemaNode schema, JsonElement value)
    {
        var told = _tells;
        _tells = false;
        var fits = Fits(schema, value);
        _tells = told;
        return fits;
    }

    private bool InRange(int count, int? minimum, int? maximum, string what) =>
        (count >= (minimum ?? 0) || Fail($"found {count} {what}, expected at least {minimum}")) & (count <= (maximum ?? int.MaxValue) || Fail($"found {count} {what}, expected at most {maximum}"));

    // How long one match may take is the pattern's own; this bounds all of them together.
    private bool IsMatch(Lazy<Regex> pattern, string text)
    {
        _matching.Start();
        try
        {
            var isMatch = pattern.Value.IsMatch(text);
            _matching.Stop();
            return _matching.Elapsed <= LongestMatching ? isMatch : throw TooLongMatching();
        }
        catch (RegexMatchTimeoutException)
        {
            throw TooLongMatching();
        }
    }

    private static TooCostlyException TooLongMatching() => new("The check was given up: matching the schema's patterns took too long. Use simpler patterns, or shorter strings.");

    // Decimal where both are: 0.3 is no multiple of 0.1 among doubles.
    private static bool IsMultiple(double number, double divisor) =>
        IsExact(number) && IsExact(divisor) ? (decimal)number % (decimal)divisor == 0 : Math.IEEERemainder(number, divisor) == 0;

    private static bool IsExact(double number) => number == 0 || Math.Abs(number) is > 1e-10 and < 1e15;

    private string Canonical(JsonElement value)
    {
        var canonical = CanonicalJson.Serialize(value);
        Spend(8 + (canonical.Length / 2)); // sorting and writing it is much more than reading it
        return Encoding.UTF8.GetString(canonical);
    }

    private void Spend(int steps)
    {
        _steps += steps;
        if (_steps > MaxSteps)
        {
            throw new TooCostlyException($"The check was given up after {MaxSteps} steps. Use a smaller value, or a schema with fewer alternatives.");
        }
    }

    // Always false, so that it stands where the check failed.
    private bool Fail([InterpolatedStringHandlerArgument("")] Telling message)
    {
        if (message.IsTold)
        {
            // A name of the value's own may be as long as the value.
            var path = _path.Select(part => "/" + ApiException.Cut(part)!.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
            _errors.Add(new SchemaError(string.Concat(path), message.ToString()));
        }

        return false;
    }

    private static string Show(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => ApiException.Cut(value.GetRawText())!,
    };

    private static string Show(string text) => ApiException.Quote(text);

    private static string Show(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private sealed class TooCostlyException(string message) : Exception(message);

    /// <summary>A message that is put together only if somebody is told: alternatives fail by the thousand, in silence.</summary>
    [InterpolatedStringHandler]
    private readonly ref struct Telling
    {
        private readonly StringBuilder? _text;

        public Telling(int literalLength, int formattedCount, SchemaEvaluation evaluation, out bool isTold)
        {
            isTold = evaluation._tells && evaluation._errors.Count < MaxErrors;
            _text = isTold ? new StringBuilder(literalLength + (formattedCount * 16)) : null;
        }

        public bool IsTold => _text is not null;

        public void AppendLiteral(string text) => _text!.Append(text);

        public void AppendFormatted<T>(T value) => _text!.Append(CultureInfo.InvariantCulture, $"{value}");

        public override string ToString() => _text!.ToString();
    }
}
