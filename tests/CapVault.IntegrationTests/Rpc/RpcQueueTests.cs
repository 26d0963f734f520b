using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Rpc;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Hex.HexTypes;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Operations of other makers' accounts on their way: repeated, in sequence, replaced, paid for by themselves, taken back by a reorg.</summary>
public sealed class RpcQueueTests(RpcSandbox sandbox) : IClassFixture<RpcSandbox>, IAsyncLifetime
{
    private readonly string _owner = EthECKey.GenerateKey().GetPrivateKey();
    private readonly object[] _nothing = [new { to = "0x000000000000000000000000000000000000dEaD", data = "0x1234" }];
    private readonly RawRpc _rpc = new(sandbox.Relayer.Url);

    private string EntryPoint => sandbox.Chain.Deployment.EntryPoint;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        _rpc.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task The_same_operation_is_taken_once()
    {
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing);

        var hashes = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => (await _rpc.SendAsync(signed.With(), EntryPoint)).Result()));

        hashes.Distinct(StringComparer.Ordinal).Should().ContainSingle();
        var receipt = await sandbox.Viem.CallAsync("wait", hashes[0]);
        (await _rpc.SendAsync(signed.With(), EntryPoint)).Result().Should().Be(hashes[0], "it has landed, and that is what was asked for");
        await sandbox.QuietAsync();
        (await sandbox.Chain.NonceOfAsync(signed)).Should().Be(1);
        receipt.GetProperty("success").GetBoolean().Should().BeTrue();
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    [Fact]
    public async Task Operations_in_sequence_are_taken_before_the_first_is_mined()
    {
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var key = new BigInteger(77) << 64;
        var hashes = new List<string>();
        for (var sequence = 0; sequence < 4; sequence++)
        {
            var options = new { fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["nonce"] = (key + sequence).ToString(System.Globalization.CultureInfo.InvariantCulture) } };
            var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing, options);
            // viem gives each the factory as long as there is no code: what follows the first needs none.
            hashes.Add((await _rpc.SendAsync(sequence == 0 ? signed.With() : await ResponsoredAsync(signed, withoutFactory: true), EntryPoint)).Result());
        }

        mining.Resume();

        foreach (var hash in hashes)
        {
            (await sandbox.Viem.CallAsync("wait", hash)).GetProperty("success").GetBoolean().Should().BeTrue();
        }
    }

    /// <summary>Two applications of one owner, each with a nonce key of its own, may both believe that they are the first.</summary>
    [Fact]
    public async Task A_second_operation_that_would_make_the_account_waits_and_voids_nobody()
    {
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var first = (await sandbox.Viem.CallAsync("send", _owner, 0, _nothing)).GetString()!;
        var second = (await sandbox.Viem.CallAsync("send", _owner, 0, _nothing)).GetString()!;
        mining.Resume();

        (await sandbox.Viem.CallAsync("wait", first)).GetProperty("success").GetBoolean().Should().BeTrue();
        await Eventually.TrueAsync(async () => (await sandbox.Viem.CallAsync("status", second)).GetProperty("status").GetString() == "failed", "the account is there, so the second cannot make it");
        (await sandbox.Viem.RequestAsync("eth_getUserOperationReceipt", second)).Result.ValueKind.Should().Be(JsonValueKind.Null);
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    [Fact]
    public async Task An_account_may_pay_for_itself()
    {
        var account = (await sandbox.Viem.CallAsync("address", _owner, 0)).GetString()!;
        await sandbox.Chain.As(TestKeys.Human).TransactionManager.SendTransactionAndWaitForReceiptAsync(new TransactionInput { From = TestKeys.Human.GetPublicAddress(), To = account, Value = new HexBigInteger(BigInteger.Pow(10, 17)) });
        var before = await sandbox.LedgerAsync();

        var hash = (await sandbox.Viem.CallAsync("send", _owner, 0, new[] { new { to = TestKeys.Stranger.GetPublicAddress(), value = "12345" } }, new { unsponsored = true })).GetString()!;
        var receipt = await sandbox.Viem.CallAsync("wait", hash);

        receipt.GetProperty("success").GetBoolean().Should().BeTrue();
        receipt.GetProperty("paymaster").GetString().Should().Be("0x0000000000000000000000000000000000000000");
        var transaction = await sandbox.Chain.ReceiptAsync(receipt.GetProperty("receipt").GetProperty("transactionHash").GetString());
        var paid = BigInteger.Parse(receipt.GetProperty("actualGasCost").GetString()!, System.Globalization.CultureInfo.InvariantCulture);
        paid.Should().BeGreaterThanOrEqualTo(transaction.GasUsed.Value * transaction.EffectiveGasPrice.Value, "bundling for others must not cost us");
        (await sandbox.LedgerAsync()).Should().BeEquivalentTo(before, "nothing of it is sponsored");
    }

    [Fact]
    public async Task A_stuck_operation_is_replaced_by_one_that_offers_more()
    {
        var account = (await sandbox.Viem.CallAsync("address", _owner, 0)).GetString()!;
        await sandbox.Viem.CallAsync("wait", await sandbox.Viem.CallAsync("send", _owner, 0, _nothing));
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var nonce = (new BigInteger(9) << 64).ToString(System.Globalization.CultureInfo.InvariantCulture);
        async Task<JsonElement> SignAsync(string fee) => await sandbox.Viem.CallAsync(
            "sign", _owner, 0, _nothing, new { fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["nonce"] = nonce, ["maxFeePerGas"] = fee, ["maxPriorityFeePerGas"] = "1000000000" } });
        var first = await SignAsync("5000000000");
        var sent = (await _rpc.SendAsync(first.With(), EntryPoint)).Result();

        var same = await _rpc.SendAsync((await SignAsync("5000000001")).With(), EntryPoint);

        same.Code().Should().Be(-32602, same.ToString());
        same.Message().Should().Contain("has it and is");
        same.GetProperty("error").GetProperty("data").GetProperty("userOpHash").GetString().Should().Be(sent);
        mining.Resume();
        (await sandbox.Viem.CallAsync("wait", sent)).GetProperty("sender").GetString().Should().BeEquivalentTo(account);
    }

    /// <summary>The sponsor signs over the packed bytes, the account over its delegate: the marker must be packed in one way only.</summary>
    [Theory]
    [InlineData("0x7702")]
    [InlineData("0x7702000000000000000000000000000000000000")]
    public async Task An_EOA_that_has_delegated_itself_acts_at_our_cost(string marker)
    {
        var key = EthECKey.GenerateKey();
        var sender = (await sandbox.Viem.CallAsync("delegate", key.GetPrivateKey())).GetString()!;
        (await sandbox.Viem.CallAsync("wait", await sandbox.Viem.CallAsync("send", key.GetPrivateKey(), "7702", _nothing))).GetProperty("success").GetBoolean().Should().BeTrue("without the marker it is an account as any");
        var signed = await sandbox.Viem.CallAsync("sign", key.GetPrivateKey(), "7702", _nothing);

        var marked = await ResponsoredAsync(JsonSerializer.SerializeToElement(signed.With(("factory", marker), ("factoryData", "0x"))), withoutFactory: false, key);
        var hash = (await _rpc.SendAsync(marked, EntryPoint)).Result();

        var receipt = await sandbox.Viem.CallAsync("wait", hash);
        receipt.GetProperty("success").GetBoolean().Should().BeTrue();
        receipt.GetProperty("sender").GetString().Should().BeEquivalentTo(sender);
        (await sandbox.Viem.RequestAsync("eth_getUserOperationByHash", hash)).Result.GetProperty("userOperation").GetProperty("factory").GetString().Should().Be("0x7702");
        var undelegated = await _rpc.SendAsync(signed.With(("factory", marker), ("sender", TestKeys.Stranger.GetPublicAddress())), EntryPoint);
        undelegated.Code().Should().Be(-32602);
        undelegated.Message().Should().Contain("an account that has delegated itself");
    }

    [Fact]
    public async Task What_a_reorg_takes_back_is_sent_again()
    {
        await sandbox.Viem.CallAsync("wait", await sandbox.Viem.CallAsync("send", _owner, 0, _nothing));
        var first = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing);
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        await sandbox.Chain.Node.MineAsync();
        var hash = (await _rpc.SendAsync(first.With(), EntryPoint)).Result();
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        var before = await sandbox.Viem.CallAsync("wait", hash);

        await sandbox.Chain.Node.RequestAsync<object>("anvil_reorg", 1, Array.Empty<object>());
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await Eventually.TrueAsync(async () => (await sandbox.Viem.RequestAsync("eth_getUserOperationReceipt", hash)).Result.ValueKind == JsonValueKind.Null, "its receipt is taken back");
        mining.Resume();

        var after = await sandbox.Viem.CallAsync("wait", hash);
        after.GetProperty("success").GetBoolean().Should().BeTrue();
        after.GetProperty("receipt").GetProperty("blockHash").GetString().Should().NotBe(before.GetProperty("receipt").GetProperty("blockHash").GetString());
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    /// <summary>The operation with our sponsorship and the account's signature made anew, as SimpleAccount takes it.</summary>
    private async Task<System.Text.Json.Nodes.JsonNode> ResponsoredAsync(JsonElement operation, bool withoutFactory, EthECKey? key = null)
    {
        var changed = withoutFactory ? operation.With(("factory", null), ("factoryData", null)) : operation.With();
        var sponsorship = (await _rpc.CallAsync("pm_getPaymasterData", changed, EntryPoint, "0x7a69", null)).GetProperty("result");
        foreach (var field in sponsorship.EnumerateObject())
        {
            changed[field.Name] = field.Value.GetString();
        }

        var packed = RpcUserOperation.Read(JsonSerializer.SerializeToElement(changed), isComplete: true);
        var delegation = packed.IsDelegated ? (await sandbox.Chain.Web3.Eth.GetCode.SendRequestAsync(packed.Sender.ToHex(true))).HexToByteArray()[3..] : null;
        var hash = new UserOperations(sandbox.Chain.Deployment.ChainId, EntryPoint).Hash(packed.ToPacked(), delegation);
        changed["signature"] = UserOperations.Sign(hash, key ?? new EthECKey(_owner)).ToHex(prefix: true);
        return changed;
    }
}

internal static class Nonces
{
    /// <summary>How far the nonce lane of an operation is on chain.</summary>
    public static async Task<BigInteger> NonceOfAsync(this SandboxChain chain, JsonElement operation)
    {
        var key = new HexBigInteger(operation.GetProperty("nonce").GetString()!).Value >> 64;
        var nonce = await chain.Web3.Eth.GetContractQueryHandler<GetNonceFunction>().QueryAsync<BigInteger>(
            chain.Deployment.EntryPoint, new GetNonceFunction { Sender = operation.GetProperty("sender").GetString(), Key = key });
        return nonce & ulong.MaxValue;
    }
}
