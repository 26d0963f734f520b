using System.Buffers.Text;

namespace CapVault.Sdk;

/// <summary>Ids that derive from a hash: a prefix and 21 characters of base64url (126 bits).</summary>
public static class PublicId
{
    private const int HashBytes = 16;
    private const int Length = 21;

    /// <summary>The <c>ord_…</c> of an on-chain order: who knows an order by it can check that it is shown that order.</summary>
    /// <param name="chainOrderId">32 bytes.</param>
    public static string OfOrder(ReadOnlySpan<byte> chainOrderId) => Of("ord_", chainOrderId);

    /// <summary>The id that derives from a hash.</summary>
    /// <param name="prefix">What it names: <c>ord_</c>.</param>
    /// <param name="hash">At least 16 bytes.</param>
    public static string Of(string prefix, ReadOnlySpan<byte> hash) => string.Concat(prefix, Base64Url.EncodeToString(hash[..HashBytes]).AsSpan(0, Length));
}
