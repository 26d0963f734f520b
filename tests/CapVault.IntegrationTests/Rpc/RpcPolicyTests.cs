using System.Net;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.IntegrationTests;

/// <summary>Who may use JSON-RPC, for what, and for how much.</summary>
public sealed class RpcPolicyTests : IAsyncLifetime
{
    private readonly RpcSandbox _sandbox = new();
    private readonly TemporaryFolder _folder = new();
    private readonly string _owner = EthECKey.GenerateKey().GetPrivateKey();
    private readonly object[] _nothing = [new { to = "0x000000000000000000000000000000000000dEaD", data = "0x12345678" }];

    private string EntryPoint => _sandbox.Chain.Deployment.EntryPoint;

    public Task InitializeAsync() => _sandbox.InitializeAsync();

    public async Task DisposeAsync()
    {
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Accounts_of_other_makers_are_let_in_by_their_code_also_behind_the_proxy()
    {
        const string implementationSlot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";
        await _sandbox.Viem.CallAsync("wait", await _sandbox.Viem.CallAsync("send", _owner, 0, _nothing));
        var account = (await _sandbox.Viem.CallAsync("address", _owner, 0)).GetString()!;
        var implementation = "0x" + (await _sandbox.Chain.Node.RequestAsync<string>("eth_getStorageAt", account, implementationSlot, "latest"))[^40..];
        var (proxyHash, implementationHash) = (await CodeHashAsync(account), await CodeHashAsync(implementation));

        await RestartAsync();
        var unknown = await _sandbox.Viem.TryAsync("send", _owner, 0, _nothing);
        await RestartAsync(proxyHash);
        var halfKnown = await _sandbox.Viem.TryAsync("send", _owner, 0, _nothing);
        var beside = await _sandbox.Viem.TryAsync("send", _owner, 0, _nothing, new { unsponsored = true, fields = Gas });
        await RestartAsync(proxyHash, implementationHash);
        var known = await _sandbox.Viem.CallAsync("wait", await _sandbox.Viem.CallAsync("send", _owner, 0, _nothing));

        (unknown.Code, halfKnown.Code).Should().Be((-32501, -32501));
        unknown.Message.Should().Contain(proxyHash);
        halfKnown.Message.Should().Contain(implementationHash);
        halfKnown.Data.GetProperty("code").GetString().Should().Be(ErrorCodes.SponsorPolicyDenied);
        beside.Code.Should().Be(-32501, "what pays for itself is bundled for accounts that are let in, too");
        known.GetProperty("success").GetBoolean().Should().BeTrue();

        // Another call, and an account that is yet to be made.
        var other = await _sandbox.Viem.TryAsync("send", _owner, 0, new[] { new { to = _sandbox.Chain.Deployment.Usdc, data = "0x12345678" } });
        other.Code.Should().Be(-32501);
        other.Data.GetProperty("details").GetProperty("to").GetString().Should().BeEquivalentTo(_sandbox.Chain.Deployment.Usdc);
        var fresh = await _sandbox.Viem.TryAsync("send", _owner, 1, _nothing);
        fresh.Code.Should().Be(-32501);
        fresh.Message.Should().ContainEquivalentOf(_sandbox.Factory);
    }

    [Fact]
    public async Task A_key_has_a_budget_of_its_own()
    {
        await RestartWithAsync("""{"open":true,"caps":{"maxFeeGwei":1,"maxPriorityFeeGwei":1},"budgets":{"perKey":"0.003","perAgent":"0.003"}}""");
        var first = (await _sandbox.Setup.CreateApiKeyAsync(new() { Name = "first", Scopes = [Scope.Write] })).Key;
        var second = (await _sandbox.Setup.CreateApiKeyAsync(new() { Name = "second", Scopes = [Scope.Write] })).Key;
        var agent = await _sandbox.NewAgentAsync("agent");
        foreach (var key in new[] { first, second, agent.Key })
        {
            using var rpc = new RawRpc(_sandbox.Relayer.Url, key);
            var taken = 0;
            JsonElement answer;

            // Many accounts, one key.
            do
            {
                answer = await rpc.CallAsync("pm_getPaymasterData", Operation(EthECKey.GenerateKey().GetPublicAddress()), EntryPoint, "0x7a69", null);
            }
            while (answer.Code() == 0 && ++taken < 50);

            taken.Should().Be(3, "each is promised 0.00094 ETH");
            answer.Code().Should().Be(-32504, answer.ToString());
            answer.GetProperty("error").GetProperty("data").GetProperty("code").GetString().Should().Be(ErrorCodes.SponsorBudgetExceeded);
            answer.GetProperty("error").GetProperty("data").GetProperty("details").GetProperty("resetsAt").GetDateTimeOffset().Should().BeAfter(DateTimeOffset.UnixEpoch);
        }

        await _sandbox.BudgetsFitTheLedgerAsync();
    }

    /// <summary>An account holds one promise per nonce, and eight nonces.</summary>
    [Fact]
    public async Task What_is_sponsored_and_never_sent_holds_little()
    {
        using var rpc = new RawRpc(_sandbox.Relayer.Url);
        var sender = EthECKey.GenerateKey().GetPublicAddress();
        async Task<JsonElement> AskAsync(int key, string callData = "0x") =>
            await rpc.CallAsync("pm_getPaymasterData", Operation(sender, $"0x{key}0000000000000000", callData), EntryPoint, "0x7a69", null);

        for (var again = 0; again < 20; again++)
        {
            (await AskAsync(1, $"0x{again:x2}")).Code().Should().Be(0);
        }

        (await _sandbox.LedgerAsync()).Count(row => row.State == "RESERVED").Should().Be(1, "the newest takes the others' place");
        for (var key = 2; key <= 8; key++)
        {
            (await AskAsync(key)).Code().Should().Be(0);
        }

        (await AskAsync(9)).Code().Should().Be(-32504);
        (await AskAsync(8, "0x1234")).Code().Should().Be(0, "it replaces one");
        await _sandbox.BudgetsFitTheLedgerAsync();
    }

    [Fact]
    public async Task Outside_a_sandbox_a_key_is_needed()
    {
        await using var relayer = await RelayerServer.StartAsync(_sandbox.Chain, "Sandbox=false");
        const string call = """{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]}""";
        using var anonymous = new RawRpc(relayer.Url);
        using var wrong = new RawRpc(relayer.Url, "croo_sk_1_" + new string('a', 43));
        using var right = new RawRpc(relayer.Url, relayer.OperatorKey);

        (await anonymous.PostAsync(call)).Status.Should().Be(HttpStatusCode.Unauthorized);
        (await wrong.PostAsync(call)).Status.Should().Be(HttpStatusCode.Unauthorized);
        (await right.PostAsync(call)).Body.Result().Should().Be("0x7a69");
        (await right.CallAsync("pm_getPaymasterStubData", Operation(TestKeys.Stranger.GetPublicAddress()), EntryPoint, "0x7a69")).Code().Should().Be(-32501, "there is no policy");
    }

    [Fact]
    public async Task A_stub_is_final_where_nothing_is_left_to_estimate()
    {
        using var rpc = new RawRpc(_sandbox.Relayer.Url);
        var operation = Operation(TestKeys.Stranger.GetPublicAddress());
        var incomplete = JsonSerializer.SerializeToElement(operation).With(("callGasLimit", "0x0"));

        var final = (await rpc.CallAsync("pm_getPaymasterStubData", operation, EntryPoint, "0x7a69", null)).GetProperty("result");
        var stub = (await rpc.CallAsync("pm_getPaymasterStubData", incomplete, EntryPoint, "0x7a69")).GetProperty("result");

        (final.GetProperty("isFinal").GetBoolean(), stub.GetProperty("isFinal").GetBoolean()).Should().Be((true, false));
        final.GetProperty("paymasterData").GetString()!.Length.Should().Be(stub.GetProperty("paymasterData").GetString()!.Length);
        (await _sandbox.LedgerAsync()).Should().ContainSingle("the stub promises nothing").Which.State.Should().Be("RESERVED");
    }

    private static Dictionary<string, string> Gas { get; } = new(StringComparer.Ordinal) { ["callGasLimit"] = "100000", ["verificationGasLimit"] = "300000", ["preVerificationGas"] = "100000" };

    // 200k + 600k + 100k + our 40k of gas at 1 gwei.
    private static object Operation(string sender, string nonce = "0x0", string callData = "0x") => new
    {
        sender,
        nonce,
        callData,
        callGasLimit = "0x30d40",
        verificationGasLimit = "0x927c0",
        preVerificationGas = "0x186a0",
        maxFeePerGas = "0x3b9aca00",
        maxPriorityFeePerGas = "0x3b9aca00",
        signature = "0x",
    };

    private Task RestartAsync(params string[] codeHashes) => RestartWithAsync(JsonSerializer.Serialize(new
    {
        calls = new[] { new { to = "0x000000000000000000000000000000000000dead", functions = new[] { "0x12345678" } } },
        accountCode = codeHashes,
        budgets = new { global = "10", perOwner = "10", newOwner = "10", perAgent = "10", perKey = "10", topUps = "10" },
    }));

    private async Task RestartWithAsync(string policy)
    {
        await File.WriteAllTextAsync(_folder.File("policy.json"), policy);
        await _sandbox.Relayer.StopAsync();
        await _sandbox.Relayer.StartAsync($"SponsorPolicyFile={_folder.File("policy.json")}");
    }

    private async Task<string> CodeHashAsync(string address) =>
        Sha3Keccack.Current.CalculateHash((await _sandbox.Chain.Web3.Eth.GetCode.SendRequestAsync(address)).HexToByteArray()).ToHex(prefix: true);
}
