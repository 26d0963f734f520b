using System.Text.Json;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Relayer.Rpc;

/// <summary>What an estimate supposes of accounts, by their addresses: geth's third parameter of eth_call.</summary>
internal static class StateOverrides
{
    private const int MaxAccounts = 20;
    private const int MaxSlots = 100;
    private const int MaxCode = 49_152;

    /// <summary>Reads them; null for none.</summary>
    /// <exception cref="RpcException">−32602.</exception>
    public static object? Read(JsonElement json)
    {
        if (json.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null)
        {
            return null;
        }

        if (json.ValueKind != JsonValueKind.Object || json.EnumerateObject().Count() > MaxAccounts)
        {
            throw RpcException.Invalid("stateOverride", RpcException.Text(json), $"an object of at most {MaxAccounts} accounts");
        }

        var accounts = json.EnumerateObject().ToDictionary(account => RpcFields.Address(JsonSerializer.SerializeToElement(account.Name), "stateOverride").ToHex(prefix: true), AccountOf, StringComparer.Ordinal);
        return accounts.Count == 0 ? null : accounts;
    }

    private static Dictionary<string, object> AccountOf(JsonProperty account)
    {
        if (account.Value.ValueKind != JsonValueKind.Object)
        {
            throw RpcException.Invalid("stateOverride", RpcException.Text(account.Value), "an object with balance, nonce, code, state or stateDiff");
        }

        return account.Value.EnumerateObject().ToDictionary(field => field.Name, ValueOf, StringComparer.Ordinal);
    }

    private static object ValueOf(JsonProperty field) => field.Name switch
    {
        "balance" => RpcFields.Hex(RpcFields.Quantity(field.Value, "balance", 256)),
        "nonce" => RpcFields.Hex(RpcFields.Quantity(field.Value, "nonce", 64)),
        "code" => RpcFields.Bytes(field.Value, "code", MaxCode).ToHex(prefix: true),
        "state" or "stateDiff" when field.Value.ValueKind == JsonValueKind.Object && field.Value.EnumerateObject().Count() <= MaxSlots =>
            field.Value.EnumerateObject().ToDictionary(slot => RpcFields.Hash(JsonSerializer.SerializeToElement(slot.Name), field.Name).ToHex(prefix: true), slot => RpcFields.Hash(slot.Value, field.Name).ToHex(prefix: true), StringComparer.Ordinal),
        _ => throw RpcException.Invalid($"stateOverride.{field.Name}", RpcException.Text(field.Value), $"balance, nonce, code, or state or stateDiff with at most {MaxSlots} slots"),
    };
}
