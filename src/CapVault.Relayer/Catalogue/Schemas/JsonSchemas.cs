using System.Text.Json;
using CapVault.Relayer.Http;
using CapVault.Sdk;

namespace CapVault.Relayer.Catalogue.Schemas;

/// <summary>
/// JSON Schema, draft 2020-12, for what one agent promises and another one relies on. A schema comes from outside and so does the value: nothing
/// is fetched, no regular expression backtracks, and every check ends after a bounded number of steps, whatever the pair.
/// </summary>
/// <remarks>
/// Keywords: type, enum, const; properties, patternProperties, additionalProperties, propertyNames, required, dependentRequired, minProperties,
/// maxProperties; prefixItems, items, contains, minContains, maxContains, minItems, maxItems, uniqueItems; minimum, maximum, exclusiveMinimum,
/// exclusiveMaximum, multipleOf; minLength, maxLength, pattern, format; allOf, anyOf, oneOf, not, if, then, else; $ref to a place in the same
/// schema, $defs, definitions; and what only describes. Any other keyword is refused, because a promise that nobody checks is worse than none:
/// that is why this is no library's validator. Those that can be had skip const, contains and if without a word, match patterns with
/// backtracking and do not end on an anyOf of references thirty deep.
/// </remarks>
public static class JsonSchemas
{
    /// <summary>The largest schema, bytes of UTF-8.</summary>
    public const int MaxBytes = 32 * 1024;

    /// <summary>The deepest nesting of a schema's JSON.</summary>
    public const int MaxDepth = 24;

    /// <summary>Checks a schema before it is saved.</summary>
    /// <param name="field">The request's field that it stands in, for the error.</param>
    /// <param name="schema">Its JSON.</param>
    /// <exception cref="ApiException">400 for anything that is not supported, with the place in the schema.</exception>
    public static void Check(string field, string schema)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(schema) is > MaxBytes and var bytes)
        {
            throw ApiException.Invalid(field, $"{bytes} bytes", $"at most {MaxBytes} bytes of JSON");
        }

        try
        {
            using var document = Parse(schema);
            CanonicalJson.Serialize(document.RootElement); // a name that stands twice, a number beyond double, broken Unicode
            SchemaReader.Read(document.RootElement).RequireUsable();
        }
        catch (SchemaException exception)
        {
            throw new ApiException(
                400,
                ErrorCodes.ValidationError,
                $"{field}: found {exception.Message} at {exception.Path}, expected {exception.Expected}.",
                new { field, path = exception.Path, found = exception.Message, expected = exception.Expected });
        }
        catch (JsonException exception)
        {
            throw ApiException.Invalid(field, exception.Message, $"JSON with a canonical form (RFC 8785), at most {MaxDepth} levels deep");
        }
    }

    /// <summary>Holds a value against a schema that <see cref="Check"/> has let pass.</summary>
    /// <returns>Where and why it does not fit, at most <see cref="SchemaEvaluation.MaxErrors"/>; empty if it does.</returns>
    public static IReadOnlyList<SchemaError> Validate(string schema, JsonElement value)
    {
        using var document = Parse(schema);
        return new SchemaEvaluation(SchemaReader.Read(document.RootElement).Root).Run(value);
    }

    private static JsonDocument Parse(string schema) => JsonDocument.Parse(schema, new JsonDocumentOptions { MaxDepth = MaxDepth });
}

/// <summary>Where a value does not fit its schema.</summary>
/// <param name="Path">JSON Pointer (RFC 6901) into the value; empty for the value as a whole.</param>
/// <param name="Message">What was found and what is expected.</param>
public sealed record SchemaError(string Path, string Message);

/// <summary>A schema that is not supported.</summary>
internal sealed class SchemaException(string path, string found, string expected) : Exception(found)
{
    /// <summary>JSON Pointer with # into the schema.</summary>
    public string Path => path;

    public string Expected => expected;
}
