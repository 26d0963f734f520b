using System.Text.Json;
using System.Text.Json.Serialization;

namespace CapVault.Sdk;

/// <summary>
/// A set of words that may grow on a newer server: an unknown word is kept as it came instead of failing an older client.
/// </summary>
/// <typeparam name="T">The set.</typeparam>
public interface IOpenString<out T>
    where T : IOpenString<T>
{
    /// <summary>The word as it stands on the wire.</summary>
    string Value { get; }

    /// <summary>Takes any word, known or not.</summary>
    static abstract T Parse(string value);
}

/// <summary>Writes an <see cref="IOpenString{T}"/> as a plain JSON string, also as a dictionary key.</summary>
/// <typeparam name="T">The set.</typeparam>
public sealed class OpenStringConverter<T> : JsonConverter<T>
    where T : struct, IOpenString<T>
{
    /// <inheritdoc/>
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
            ? T.Parse(reader.GetString()!)
            : throw new JsonException($"found {reader.TokenType}, expected a string");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}
