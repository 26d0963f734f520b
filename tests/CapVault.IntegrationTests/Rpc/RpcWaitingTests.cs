using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Relayer.Rpc;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>One lane with one bundle on its way: what comes after it waits.</summary>
public sealed class OneAtATimeSandbox() : RpcSandbox(["Lanes=1", "InFlight=1"]);

/// <summary>Operations that wait for a place in a bundle.</summary>
public sealed class RpcWaitingTests(OneAtATimeSandbox sandbox) : IClassFixture<OneAtATimeSandbox>
{
    private readonly string _owner = EthECKey.GenerateKey().GetPrivateKey();
    private readonly object[] _nothing = [new { to = "0x000000000000000000000000000000000000dEaD", data = "0x1234" }];

    private string EntryPoint => sandbox.Chain.Deployment.EntryPoint;

    [Fact]
    public async Task One_that_waits_gives_way_to_one_that_offers_more()
    {
        using var rpc = new RawRpc(sandbox.Relayer.Url);
        await sandbox.Viem.CallAsync("wait", await sandbox.Viem.CallAsync("send", _owner, 0, _nothing));
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var inFlight = (await sandbox.Viem.CallAsync("send", _owner, 0, _nothing)).GetString()!;
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        async Task<JsonElement> SignAsync(string fee) => await sandbox.Viem.CallAsync(
            "sign", _owner, 0, _nothing, new { fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["nonce"] = (new BigInteger(9) << 64).ToString(CultureInfo.InvariantCulture), ["maxFeePerGas"] = fee, ["maxPriorityFeePerGas"] = fee } });
        var first = (await rpc.SendAsync((await SignAsync("5000000000")).With(), EntryPoint)).Result();

        var little = await rpc.SendAsync((await SignAsync("5400000000")).With(), EntryPoint);
        var enough = (await rpc.SendAsync((await SignAsync("5500000000")).With(), EntryPoint)).Result();
        mining.Resume();

        little.Code().Should().Be(-32602, little.ToString());
        foreach (var hash in new[] { inFlight, enough })
        {
            (await sandbox.Viem.CallAsync("wait", hash)).GetProperty("success").GetBoolean().Should().BeTrue();
        }

        (await sandbox.Viem.CallAsync("status", first)).GetProperty("status").GetString().Should().Be("rejected");
        (await sandbox.Viem.RequestAsync("eth_getUserOperationReceipt", first)).Result.ValueKind.Should().Be(JsonValueKind.Null);
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    /// <summary>A paymaster that has nothing to lose could void all that hang on it at once.</summary>
    [Fact]
    public async Task Few_may_hang_on_a_paymaster_without_a_stake()
    {
        const string acceptsAll = "0x60405f5260605ff3"; // returns an empty context and 0
        var paymaster = EthECKey.GenerateKey().GetPublicAddress();
        await sandbox.Chain.Node.RequestAsync<object>("anvil_setCode", paymaster, acceptsAll);
        await sandbox.Chain.As(TestKeys.Human).Eth.GetContractTransactionHandler<DepositToFunction>().SendRequestAndWaitForReceiptAsync(
            EntryPoint, new DepositToFunction { Account = paymaster, AmountToSend = BigInteger.Pow(10, 18) });
        using var rpc = new RawRpc(sandbox.Relayer.Url);
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var hashes = new List<string>();
        JsonElement answer;
        do
        {
            answer = await rpc.SendAsync(await PaidByAsync(paymaster), EntryPoint);
            if (answer.Code() == 0)
            {
                hashes.Add(answer.Result());
            }
        }
        while (answer.Code() == 0 && hashes.Count < 20);

        hashes.Should().HaveCount(10);
        answer.Code().Should().Be(-32505, answer.ToString());
        answer.Message().Should().ContainEquivalentOf(paymaster);
        mining.Resume();
        foreach (var hash in hashes)
        {
            (await sandbox.Viem.CallAsync("wait", hash)).GetProperty("paymaster").GetString().Should().BeEquivalentTo(paymaster);
        }
    }

    /// <summary>An operation of a new account that another paymaster pays.</summary>
    private async Task<JsonNode> PaidByAsync(string paymaster)
    {
        var owner = EthECKey.GenerateKey();
        var signed = await sandbox.Viem.CallAsync("sign", owner.GetPrivateKey(), 0, _nothing, new { unsponsored = true });
        var changed = signed.With(("paymaster", paymaster), ("paymasterVerificationGasLimit", "0xffff"), ("paymasterPostOpGasLimit", "0x0"), ("paymasterData", "0x"), ("preVerificationGas", "0x1ffff"));
        var packed = RpcUserOperation.Read(JsonSerializer.SerializeToElement(changed), isComplete: true).ToPacked();
        changed["signature"] = UserOperations.Sign(new UserOperations(sandbox.Chain.Deployment.ChainId, EntryPoint).Hash(packed), owner).ToHex(prefix: true);
        return changed;
    }
}
