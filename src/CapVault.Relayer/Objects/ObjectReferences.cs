using System.Buffers;
using System.Text.Json;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;

namespace CapVault.Relayer.Objects;

/// <summary>
/// Which objects a delivery gives to its Requester: those of the Provider whose keys stand in its text, in a string of its value, or among its
/// files. Naming another agent's object gives nothing.
/// </summary>
public static class ObjectReferences
{
    private const string Prefix = "obj_";
    private const int KeyLength = 25;
    private const int MaxNames = 500; // all of them go into one statement, while everybody's writes wait

    private static readonly SearchValues<char> KeyCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Writes down what a content names, in the transaction that keeps the content: from then on no sweep takes it.</summary>
    /// <exception cref="Http.ApiException">404 if one of its files is gone, 400 if it names more objects than anybody means.</exception>
    public static async Task KeepAsync(Tx tx, byte[] orderId, DeliveryContent content)
    {
        var keys = Names(content).Distinct(StringComparer.Ordinal).Take(MaxNames + 1).ToList();
        if (keys.Count > MaxNames)
        {
            throw Http.ApiException.Invalid("deliverable", $"more than {MaxNames} object keys", $"at most {MaxNames}");
        }

        if (keys.Count > 0)
        {
            await tx.LockAsync(keys);
            await tx.ExecuteAsync(
                """
                INSERT INTO delivery_object (order_id, content_hash, object_key)
                SELECT @orderId, @Hash, object_key FROM object
                WHERE object_key IN @keys AND stored_at IS NOT NULL AND agent_id = (SELECT provider_agent_id FROM orders WHERE order_id = @orderId)
                ON CONFLICT DO NOTHING
                """,
                new { orderId, content.Hash, keys });
        }

        if (content.Files.Count > 0)
        {
            var kept = await tx.QueryAsync<string>(
                "SELECT object_key FROM delivery_object WHERE order_id = @orderId AND content_hash = @Hash AND object_key IN @Files", new { orderId, content.Hash, content.Files });
            if (content.Files.Except(kept, StringComparer.Ordinal).FirstOrDefault() is { } gone)
            {
                throw ObjectRow.NotFound(gone);
            }
        }
    }

    /// <summary>Everything in a content that looks like an object's key.</summary>
    public static IEnumerable<string> Names(DeliveryContent content) =>
        content.Files.Concat(Names(content.Text ?? "")).Concat(content.Value is { } value ? Names(value) : []);

    private static IEnumerable<string> Names(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => Names(value.GetString()!),
        JsonValueKind.Array => value.EnumerateArray().SelectMany(item => Names(item)),
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => Names(member.Value)),
        _ => [],
    };

    private static IEnumerable<string> Names(string text)
    {
        for (var at = text.IndexOf(Prefix, StringComparison.Ordinal); at >= 0; at = text.IndexOf(Prefix, at + 1, StringComparison.Ordinal))
        {
            if (at + KeyLength <= text.Length && text.AsSpan(at, KeyLength).IndexOfAnyExcept(KeyCharacters) < 0)
            {
                yield return text.Substring(at, KeyLength);
            }
        }
    }
}
