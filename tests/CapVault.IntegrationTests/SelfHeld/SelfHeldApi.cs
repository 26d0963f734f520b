using System.Net;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>An agent that holds its Executor, one call at a time: what the SDK does in one go.</summary>
internal sealed class SelfHeldApi(RawApi api, Party party, EthECKey executor)
{
    /// <summary>Prepares a step and must be allowed to.</summary>
    public async Task<PreparedOperation> PrepareAsync(string orderId, OrderStep step, DeliverOrderRequest? deliverable = null, string? reason = null)
    {
        var answer = await AskAsync(orderId, step, deliverable, reason);
        answer.Status.Should().Be(HttpStatusCode.OK, answer.Body);
        return answer.Data.Deserialize<PreparedOperation>(CapJson.Options)!;
    }

    /// <summary>Asks for a step to be prepared.</summary>
    public Task<RawAnswer> AskAsync(string orderId, OrderStep step, DeliverOrderRequest? deliverable = null, string? reason = null) => api.PostAsync(
        party.Key,
        "ops/prepare",
        JsonSerializer.Serialize(new PrepareRequest { OrderId = orderId, Step = step, Deliverable = deliverable, Reason = reason }, CapJson.Options));

    /// <summary>The Executor's signature of an operation.</summary>
    public string Sign(PreparedOperation prepared) => Sign(prepared.UserOpHash.HexToByteArray());

    public string Sign(byte[] digest) => UserOperations.Sign(digest, executor).ToHex(prefix: true);

    /// <summary>Signs and submits.</summary>
    public Task<RawAnswer> SubmitAsync(PreparedOperation prepared, string? signature = null, int wait = 0) => api.PostAsync(
        party.Key, $"ops/{prepared.UserOpHash}/submit?wait={wait}", JsonSerializer.Serialize(new SubmitRequest { Signature = signature ?? Sign(prepared) }, CapJson.Options));

    /// <summary>Takes a step and waits until it is proven.</summary>
    public async Task<Order> TakeAsync(string orderId, OrderStep step, DeliverOrderRequest? deliverable = null, string? reason = null) =>
        OrderOf(await SubmitAsync(await PrepareAsync(orderId, step, deliverable, reason), wait: 30));

    public static Order OrderOf(RawAnswer answer)
    {
        ((int)answer.Status).Should().BeInRange(200, 202, answer.Body);
        return answer.Data.Deserialize<Order>(CapJson.Options)!;
    }

    /// <summary>Place of an operation in its nonce lane.</summary>
    public static ulong SequenceOf(PreparedOperation prepared) => (ulong)(prepared.UserOp.ToPacked().Nonce & ulong.MaxValue);
}

/// <summary>A wallet that knows EIP-712 and nothing of us: Foundry's.</summary>
internal static class ForeignWallet
{
    public static async Task<string> SignAsync(JsonElement typedData, EthECKey key) =>
        (await Repository.RunAsync(Repository.Tool("cast"), ["wallet", "sign", "--private-key", key.GetPrivateKey(), "--data", typedData.GetRawText()])).Trim();
}
