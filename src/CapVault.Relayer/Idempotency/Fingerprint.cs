using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using CapVault.Sdk;

namespace CapVault.Relayer.Idempotency;

/// <summary>What makes two calls the same call: method, path without query, and body.</summary>
internal static class Fingerprint
{
    /// <summary>
    /// SHA-256. JSON counts by its value (RFC 8785), not by how it is written; a body that is no JSON, or has no canonical form, by its bytes.
    /// The query does not count: <c>?wait=</c> changes when an answer comes, not what it answers.
    /// </summary>
    public static async Task<byte[]> OfAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = await ReadBodyAsync(request, cancellationToken);
        // No method and no escaped path has a line break.
        var call = Encoding.UTF8.GetBytes($"{request.Method}\n{request.Path.ToUriComponent()}\n");
        return SHA256.HashData([.. call, .. request.HasJsonContentType() ? Canonical(body) : body]);
    }

    // In memory, for the route to read again: buffering to a file would leave callers' content on the disk. The server bounds the size.
    private static async Task<byte[]> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        body.Position = 0;
        request.Body = body;
        return body.ToArray();
    }

    private static byte[] Canonical(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return CanonicalJson.Serialize(document.RootElement);
        }
        catch (JsonException)
        {
            return body;
        }
    }
}
