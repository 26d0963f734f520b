using System.Text;
using System.Text.Json;
using Nethereum.Util;

namespace CapVault.Sdk;

/// <summary>What goes on chain for a deliverable: keccak256 of its text's UTF-8 bytes, or of its JSON's or its manifest's canonical bytes.</summary>
public static class DeliverableHash
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The 32-byte hash of a deliverable.</summary>
    /// <param name="type">Text or schema; decides which of the other two must be set.</param>
    /// <param name="text">For type text: hashed exactly as it is, no normalisation.</param>
    /// <param name="schema">For type schema: any JSON value.</param>
    /// <exception cref="ArgumentException">The content does not fit the type, or has no hash: a lone surrogate, or what
    /// <see cref="CanonicalJson"/> refuses.</exception>
    public static byte[] Of(DeliverableType type, string? text, JsonElement? schema)
    {
        if (type == DeliverableType.Text)
        {
            return text is not null && schema is null
                ? Keccak256(Utf8(text))
                : throw new ArgumentException("Found a deliverable of type text without text or with schema, expected text alone.", nameof(text));
        }

        if (type == DeliverableType.Schema)
        {
            return schema is { } value && text is null
                ? Keccak256(Canonical(value))
                : throw new ArgumentException("Found a deliverable of type schema without schema or with text, expected schema alone.", nameof(schema));
        }

        throw new ArgumentException($"Found deliverable type '{type.Value}', expected text or schema.", nameof(type));
    }

    /// <summary>The 32-byte hash of a deliverable with files.</summary>
    /// <exception cref="ArgumentException">See <see cref="CanonicalBytes"/>.</exception>
    public static byte[] Of(DeliveryManifest manifest) => Keccak256(CanonicalBytes(manifest));

    /// <summary>What is hashed of a deliverable with files: RFC 8785 JSON.</summary>
    /// <exception cref="ArgumentException">The manifest has no hash: a lone surrogate, or what <see cref="CanonicalJson"/> refuses.</exception>
    public static byte[] CanonicalBytes(DeliveryManifest manifest)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        _ = Utf8(manifest.Text ?? ""); // JSON would get a replacement character where Unicode is broken
        return Canonical(JsonSerializer.SerializeToElement(manifest, CapJson.Options));
    }

    /// <summary>keccak256, as Solidity computes it.</summary>
    public static byte[] Keccak256(ReadOnlySpan<byte> content) => Sha3Keccack.Current.CalculateHash(content.ToArray());

    private static byte[] Utf8(string text)
    {
        try
        {
            return StrictUtf8.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException($"Found a lone surrogate at character {e.Index} of the text, expected valid Unicode.", nameof(text), e);
        }
    }

    private static byte[] Canonical(JsonElement schema)
    {
        try
        {
            return CanonicalJson.Serialize(schema);
        }
        catch (JsonException e)
        {
            throw new ArgumentException(e.Message, nameof(schema), e);
        }
    }
}
