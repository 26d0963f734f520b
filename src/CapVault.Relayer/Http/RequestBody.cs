using System.Text.Json;
using System.Text.RegularExpressions;
using CapVault.Sdk;

namespace CapVault.Relayer.Http;

/// <summary>Reads a JSON body strictly: unknown, missing, duplicate and mistyped fields are errors that name the field.</summary>
public static partial class RequestBody
{
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <param name="options">Other rules: <see cref="CapJson.Options"/> passes unknown fields over.</param>
    /// <exception cref="ApiException">415 for another content type, 400 for anything that is not a <typeparamref name="T"/>.</exception>
    public static async Task<T> ReadAsync<T>(HttpRequest request, CancellationToken cancellationToken, JsonSerializerOptions? options = null)
        where T : class
    {
        if (!request.HasJsonContentType())
        {
            throw Unsupported("Content-Type", request.ContentType, "application/json");
        }

        if (request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw Unsupported("Content-Encoding", encoding, "none: JSON as it is");
        }

        try
        {
            return await JsonSerializer.DeserializeAsync<T>(request.Body, options ?? CapJson.Strict, cancellationToken)
                ?? throw ApiException.Invalid("body", "null", "a JSON object");
        }
        catch (JsonException exception)
        {
            throw Explain(exception);
        }
        catch (InvalidOperationException)
        {
            // Invalid UTF-8 inside a string.
            throw ApiException.Invalid("body", "text that is not UTF-8", "JSON in UTF-8");
        }
    }

    /// <summary>As <see cref="ReadAsync{T}"/>, but an empty body counts as an empty object.</summary>
    public static Task<T> ReadOrDefaultAsync<T>(HttpRequest request, CancellationToken cancellationToken, JsonSerializerOptions? options = null)
        where T : class, new() =>
        request.ContentLength is null or 0 && !request.Headers.ContainsKey("Transfer-Encoding")
            ? Task.FromResult(new T())
            : ReadAsync<T>(request, cancellationToken, options);

    private static ApiException Unsupported(string field, string? found, string expected) => new(
        415, ErrorCodes.UnsupportedMediaType, $"{field}: found {ApiException.Quote(found)}, expected {expected}.", new { field, found = ApiException.Cut(found), expected });

    private static ApiException Explain(JsonException exception)
    {
        if (MissingProperties().Match(exception.Message) is { Success: true } missing)
        {
            return ApiException.Missing(missing.Groups["name"].Value);
        }

        if (UnknownProperty().Match(exception.Message) is { Success: true } unknown)
        {
            var name = ApiException.Cut(unknown.Groups["name"].Value);
            return new ApiException(400, ErrorCodes.ValidationError, $"{name}: found a field that this call does not take. Leave it out.", new { field = name });
        }

        var field = exception.Path is { Length: > 2 } path ? ApiException.Cut(path[2..])! : "body";
        var position = exception.LineNumber is { } line ? $" (line {line + 1}, byte {exception.BytePositionInLine + 1})" : "";
        return new ApiException(400, ErrorCodes.ValidationError, $"{field}: found JSON that does not fit{position}, expected what the API describes.", new { field });
    }

    [GeneratedRegex("missing required properties including: '(?<name>[^']+)'", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex MissingProperties();

    [GeneratedRegex("The JSON property '(?<name>[^']+)' could not be mapped", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UnknownProperty();
}
