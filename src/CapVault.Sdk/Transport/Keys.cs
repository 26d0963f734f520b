namespace CapVault.Sdk.Transport;

internal static class Keys
{
    /// <summary>Refuses a key of the wrong kind before it is sent anywhere. The message never shows the key.</summary>
    public static string Require(string key, string expected, params ReadOnlySpan<string> prefixes)
    {
        ArgumentNullException.ThrowIfNull(key);
        var hasPrefix = false;
        foreach (var prefix in prefixes)
        {
            hasPrefix |= key.StartsWith(prefix, StringComparison.Ordinal);
        }

        return hasPrefix && !key.Any(char.IsWhiteSpace)
            ? key
            : throw new ArgumentException($"Found a key that is not one, expected {expected}.", nameof(key));
    }
}
