using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;

namespace CapVault.Bench.Relay;

/// <summary>A bundler as its clients see it: ERC-4337's JSON-RPC.</summary>
internal sealed class Bundler(string url, string? key, string entryPoint) : IDisposable
{
    private readonly HttpClient _http = Client(key);

    public void Dispose() => _http.Dispose();

    /// <summary>Hands an operation over; its hash, or the reason why it is refused.</summary>
    public async Task<(string? Hash, string? Refused)> SendAsync(PackedUserOperation operation, CancellationToken cancellationToken)
    {
        var answer = await CallAsync("eth_sendUserOperation", [Fields(operation), entryPoint], cancellationToken);
        return answer.TryGetProperty("result", out var hash) ? (hash.GetString(), null) : (null, answer.GetProperty("error").GetRawText());
    }

    /// <summary>ERC-7677: has the bundler's own paymaster sponsor the operation.</summary>
    public async Task<byte[]> SponsorAsync(PackedUserOperation operation, BigInteger chainId, CancellationToken cancellationToken)
    {
        var answer = await CallAsync("pm_getPaymasterData", [Fields(operation), entryPoint, new HexBigInteger(chainId).HexValue, null!], cancellationToken);
        if (!answer.TryGetProperty("result", out var result))
        {
            throw new InvalidOperationException($"pm_getPaymasterData: {answer.GetProperty("error").GetRawText()}");
        }

        return
        [
            .. result.GetProperty("paymaster").GetString()!.HexToByteArray(),
            .. UserOperations.GasFees(Number(result, "paymasterVerificationGasLimit"), Number(result, "paymasterPostOpGasLimit")),
            .. result.GetProperty("paymasterData").GetString()!.HexToByteArray(),
        ];
    }

    private async Task<JsonElement> CallAsync(string method, object[] parameters, CancellationToken cancellationToken)
    {
        using var body = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new { jsonrpc = "2.0", id = 1, method, @params = parameters }));
        body.Headers.ContentType = new MediaTypeHeaderValue("application/json"); // and nothing after it: Alto takes no charset
        using var response = await _http.PostAsync(url, body, cancellationToken);
        return await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    // EntryPoint v0.8's unpacked form.
    private static Dictionary<string, string> Fields(PackedUserOperation operation)
    {
        var (verification, call) = UserOperations.Unpack(operation.AccountGasLimits);
        var (tip, maxFee) = UserOperations.Unpack(operation.GasFees);
        var fields = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["sender"] = operation.Sender,
            ["nonce"] = Hex(operation.Nonce),
            ["callData"] = operation.CallData.ToHex(true),
            ["verificationGasLimit"] = Hex(verification),
            ["callGasLimit"] = Hex(call),
            ["preVerificationGas"] = Hex(operation.PreVerificationGas),
            ["maxPriorityFeePerGas"] = Hex(tip),
            ["maxFeePerGas"] = Hex(maxFee),
            ["signature"] = operation.Signature.ToHex(true),
        };
        if (operation.PaymasterAndData is { Length: > 52 } paid)
        {
            var (paymasterVerification, postOp) = UserOperations.Unpack(paid[20..52]);
            fields["paymaster"] = paid[..20].ToHex(true);
            fields["paymasterVerificationGasLimit"] = Hex(paymasterVerification);
            fields["paymasterPostOpGasLimit"] = Hex(postOp);
            fields["paymasterData"] = paid[52..].ToHex(true);
        }

        return fields;
    }

    private static BigInteger Number(JsonElement result, string name) => new HexBigInteger(result.GetProperty(name).GetString()!).Value;

    private static string Hex(BigInteger value) => new HexBigInteger(value).HexValue;

    private static HttpClient Client(string? key)
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 1024 }) { Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return http;
    }
}
