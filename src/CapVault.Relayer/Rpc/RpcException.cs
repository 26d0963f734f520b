using System.Text.Json;

namespace CapVault.Relayer.Rpc;

/// <summary>A JSON-RPC error; the codes from −32 500 down are ERC-7769's.</summary>
/// <param name="code">What went wrong, for programs.</param>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="data">More of it; revert data where it is a revert.</param>
public sealed class RpcException(int code, string message, object? data = null) : Exception(message)
{
    /// <summary>Not JSON.</summary>
    public const int Parse = -32700;

    /// <summary>JSON, but no request.</summary>
    public const int Request = -32600;

    /// <summary>No such method.</summary>
    public const int Method = -32601;

    /// <summary>Parameters that are missing, malformed or out of range.</summary>
    public const int Fields = -32602;

    /// <summary>Not the caller's fault.</summary>
    public const int Internal = -32603;

    /// <summary>The EntryPoint or the account refuses the operation.</summary>
    public const int Account = -32500;

    /// <summary>The paymaster, or our sponsor, refuses it.</summary>
    public const int Paymaster = -32501;

    /// <summary>Its validation uses an opcode that it may not.</summary>
    public const int Opcode = -32502;

    /// <summary>It is not valid now, or not for long enough.</summary>
    public const int Time = -32503;

    /// <summary>Too much of it for now.</summary>
    public const int Throttled = -32504;

    /// <summary>An entity without a stake has as many operations waiting as it may.</summary>
    public const int Stake = -32505;

    /// <summary>A signature is not good.</summary>
    public const int Signature = -32507;

    /// <summary>The paymaster's deposit does not cover it.</summary>
    public const int PaymasterBalance = -32508;

    /// <summary>Its call would revert; <see cref="Details"/> is what it would revert with.</summary>
    public const int Reverted = -32521;

    /// <summary>One of the codes above.</summary>
    public int Code => code;

    /// <summary>More of it.</summary>
    public object? Details => data;

    /// <summary>A field that is malformed or out of range.</summary>
    public static RpcException Invalid(string field, string? found, string expected) =>
        new(Fields, $"{field}: found {Http.ApiException.Quote(found)}, expected {expected}.", new { field });

    /// <summary>A parameter as it came, cut.</summary>
    internal static string? Text(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Undefined or JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ => value.GetRawText(),
    };
}
