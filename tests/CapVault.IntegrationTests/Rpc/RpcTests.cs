using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>A sandbox with viem beside it, and a factory of accounts that are not ours.</summary>
public class RpcSandbox : Sandbox
{
    public RpcSandbox()
        : this([])
    {
    }

    protected RpcSandbox(string[] settings)
        : base(settings)
    {
    }

    internal ViemClient Viem { get; private set; } = null!;

    /// <summary>SimpleAccountFactory of the EntryPoint's makers.</summary>
    internal string Factory { get; private set; } = "";

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        Viem = new ViemClient(Relayer.Url, Chain.RpcUrl);
        Factory = (await Viem.CallAsync("deployFactory")).GetString()!;
    }

    public override async Task DisposeAsync()
    {
        await Viem.DisposeAsync();
        await base.DisposeAsync();
    }
}

/// <summary>Clients that know nothing of us use the relayer as bundler and paymaster, with accounts that are not ours.</summary>
public sealed class RpcTests(RpcSandbox sandbox) : IClassFixture<RpcSandbox>
{
    private readonly string _owner = EthECKey.GenerateKey().GetPrivateKey();
    private readonly object[] _nothing = [new { to = "0x000000000000000000000000000000000000dEaD", data = "0x1234" }];

    [Fact]
    public async Task viem_has_an_account_of_another_maker_deployed_and_acting_at_our_cost()
    {
        var account = (await sandbox.Viem.CallAsync("address", _owner, 0)).GetString()!;

        var hash = (await sandbox.Viem.CallAsync("send", _owner, 0, _nothing)).GetString()!;
        var receipt = await sandbox.Viem.CallAsync("wait", hash);

        receipt.GetProperty("success").GetBoolean().Should().BeTrue();
        receipt.GetProperty("sender").GetString().Should().BeEquivalentTo(account);
        receipt.GetProperty("paymaster").GetString().Should().BeEquivalentTo(sandbox.Chain.Deployment.Paymaster);
        var operation = (await sandbox.Chain.ReceiptAsync(receipt.GetProperty("receipt").GetProperty("transactionHash").GetString())).OperationsOf(account).Should().ContainSingle().Subject;
        operation.UserOpHash.ToHex(prefix: true).Should().Be(hash);
        receipt.GetProperty("actualGasCost").GetString().Should().Be(operation.ActualGasCost.ToString(CultureInfo.InvariantCulture));
        receipt.GetProperty("actualGasUsed").GetString().Should().Be(operation.ActualGasUsed.ToString(CultureInfo.InvariantCulture));
        (await sandbox.Chain.Web3.Eth.GetBalance.SendRequestAsync(account)).Value.Should().Be(0, "it never had any");

        // And once more, deployed.
        var second = await sandbox.Viem.CallAsync("wait", await sandbox.Viem.CallAsync("send", _owner, 0, _nothing));
        second.GetProperty("success").GetBoolean().Should().BeTrue();
        (await sandbox.LedgerAsync()).Should().ContainSingle(row => row.UserOpHash.ToHex(true) == hash).Which.Should().BeEquivalentTo(
            new { State = "SETTLED", KeyId = "anonymous", AgentId = (string?)null, Cost = (long?)Ledger.Gwei(operation.ActualGasCost) });
        await sandbox.BudgetsFitTheLedgerAsync();
    }

    [Fact]
    public async Task What_the_standard_asks_for_is_answered()
    {
        (await sandbox.Viem.CallAsync("chainId")).GetInt32().Should().Be(31337);
        (await sandbox.Viem.CallAsync("entryPoints")).EnumerateArray().Single().GetString().Should().BeEquivalentTo(sandbox.Chain.Deployment.EntryPoint);
        var unknown = "0x" + new string('1', 64);
        foreach (var method in new[] { "eth_getUserOperationReceipt", "eth_getUserOperationByHash" })
        {
            (await sandbox.Viem.RequestAsync(method, unknown)).Result.ValueKind.Should().Be(JsonValueKind.Null);
        }

        (await sandbox.Viem.CallAsync("status", unknown)).GetProperty("status").GetString().Should().Be("not_found");
        var price = await sandbox.Viem.CallAsync("gasPrice");
        var fees = new[] { "slow", "standard", "fast" }.Select(speed => BigInteger.Parse(price.GetProperty(speed).GetProperty("maxFeePerGas").GetString()!, CultureInfo.InvariantCulture)).ToList();
        fees.Should().BeInAscendingOrder();

        var hash = (await sandbox.Viem.CallAsync("send", _owner, 0, _nothing)).GetString()!;
        await sandbox.Viem.CallAsync("wait", hash);
        var found = await sandbox.Viem.CallAsync("get", hash);
        found.GetProperty("userOperation").GetProperty("factory").GetString().Should().BeEquivalentTo(sandbox.Factory);
        found.GetProperty("transactionHash").GetString().Should().NotBeNull();
        (await sandbox.Viem.CallAsync("status", hash)).GetProperty("status").GetString().Should().Be("included");
        var batch = await sandbox.Viem.CallAsync("batch", [new[] { hash, unknown }]);
        batch[0].GetInt32().Should().Be(31337);
        batch[1].GetProperty("success").GetBoolean().Should().BeTrue();
        batch[2].ValueKind.Should().Be(JsonValueKind.Null);
    }
}
