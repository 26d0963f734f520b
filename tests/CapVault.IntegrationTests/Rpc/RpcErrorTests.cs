using System.Net;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.CAPPaymaster;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>What is refused, by which of ERC-7769's codes, before anything is stored.</summary>
public sealed class RpcErrorTests(RpcSandbox sandbox) : IClassFixture<RpcSandbox>, IAsyncLifetime
{
    private readonly string _owner = EthECKey.GenerateKey().GetPrivateKey();
    private readonly object[] _nothing = [new { to = "0x000000000000000000000000000000000000dEaD", data = "0x1234" }];
    private RawRpc _rpc = null!;
    private Dictionary<string, long> _before = [];

    private string EntryPoint => sandbox.Chain.Deployment.EntryPoint;

    public async Task InitializeAsync()
    {
        _rpc = new RawRpc(sandbox.Relayer.Url);
        await sandbox.QuietAsync();
        _before = await sandbox.CountRowsAsync();
    }

    public Task DisposeAsync()
    {
        _rpc.Dispose();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Fields_that_are_malformed_or_beyond_what_is_allowed()
    {
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing);
        foreach (var (field, value, says) in new (string, object?, string)[]
        {
            ("sender", null, "sender: found nothing"), ("sender", "0x12", "sender: found \"0x12\""), ("sender", 5, "sender: found \"5\""),
            ("nonce", "12", "nonce: found \"12\""), ("nonce", "0x", "nonce: found \"0x\""), ("nonce", "0x" + new string('f', 65), "nonce:"), ("nonce", "0x-1", "nonce:"),
            ("nonce", "0x" + new string('f', 16), "below 2^63"),
            ("callData", "0x123", "pairs of hex digits"), ("callData", "0xzz", "pairs of hex digits"), ("callData", "0x" + new string('a', 200_000), "at most 65536 bytes"),
            ("signature", null, "signature: found nothing"), ("signature", "0x" + new string('b', 140_000), "at most 65536 bytes"),
            ("callGasLimit", null, "callGasLimit: found nothing"), ("callGasLimit", "0x" + new string('f', 33), "at most 128 bits"), ("callGasLimit", "0x4c4b41", "at most 0x4c4b40"),
            ("verificationGasLimit", "0xffffffff", "at most"), ("preVerificationGas", "0xffffffffffff", "at most"), ("paymasterPostOpGasLimit", "0xffffffff", "at most"),
            ("paymasterVerificationGasLimit", "0x" + new string('f', 32), "at most"), ("maxFeePerGas", "0x" + new string('f', 30), "at most"), ("maxPriorityFeePerGas", "0x" + new string('f', 30), "at most"),
            ("maxFeePerGas", "0x1", "at most maxFeePerGas"),
            ("paymaster", null, "the paymaster that paymasterData is for"), ("paymasterData", "0x", "the 77 that pm_getPaymasterData returned"), ("factory", null, "the factory that factoryData is for"),
            ("initCode", "0x1234", "EntryPoint v0.6"), ("paymasterAndData", "0x1234", "EntryPoint v0.6"), ("eip7702Auth", new { address = EntryPoint }, "delegate the account by a transaction"),
        })
        {
            var answer = await _rpc.SendAsync(signed.With((field, value)), EntryPoint);

            answer.Code().Should().Be(-32602, $"{field}: {answer}");
            answer.Message().Should().Contain(says);
            answer.Message().Length.Should().BeLessThan(500, "a hostile value must not blow up the answer");
        }

        (await _rpc.SendAsync(signed.With(), "0x0000000071727De22E5E9d8BAf0edAc6f37da032")).Message().Should().Contain("the EntryPoint of this relayer");
        (await _rpc.CallAsync("eth_sendUserOperation", "0x12", EntryPoint)).Code().Should().Be(-32602);
        (await _rpc.CallAsync("eth_sendUserOperation")).Code().Should().Be(-32602);
        (await _rpc.CallAsync("eth_getUserOperationByHash", "0x12")).Code().Should().Be(-32602);
        (await _rpc.CallAsync("pm_getPaymasterData", signed, EntryPoint, "0x1", null)).Message().Should().Contain("31337, the chain of this relayer");
        (await _rpc.CallAsync("eth_estimateUserOperationGas", signed, EntryPoint, new { x = 1 })).Code().Should().Be(-32602);
        await NothingIsStoredAsync();
    }

    [Theory]
    [InlineData("{", -32700)]
    [InlineData("[]", -32600)]
    [InlineData("7", -32600)]
    [InlineData("""{"id":1}""", -32600)]
    [InlineData("""{"id":{},"method":"eth_chainId"}""", -32600)]
    [InlineData("""{"id":1,"method":"eth_chainId","params":{}}""", -32602)]
    [InlineData("""{"id":1,"method":"eth_mine","params":[]}""", -32601)]
    [InlineData("""{"id":1,"id":2,"method":"eth_chainId"}""", -32700)]
    public async Task Requests_that_are_none(string body, int code)
    {
        var (status, answer) = await _rpc.PostAsync(body);

        status.Should().Be(HttpStatusCode.OK);
        answer.Code().Should().Be(code, answer.ToString());
        answer.GetProperty("jsonrpc").GetString().Should().Be("2.0");
    }

    [Fact]
    public async Task Batches_are_answered_in_their_order_and_notifications_not_at_all()
    {
        var (_, answers) = await _rpc.PostAsync("""[{"jsonrpc":"2.0","id":"a","method":"eth_chainId"},{"jsonrpc":"2.0","method":"eth_chainId"},{"jsonrpc":"2.0","id":2,"method":"x"},5]""");

        answers.EnumerateArray().Select(answer => answer.GetProperty("id").ToString()).Should().Equal("a", "2", "");
        answers.EnumerateArray().Select(answer => answer.Code()).Should().Equal(0, -32601, -32600);
        (await _rpc.PostAsync("""{"jsonrpc":"2.0","method":"eth_chainId"}""")).Status.Should().Be(HttpStatusCode.NoContent);
        (await _rpc.PostAsync($"[{string.Join(',', Enumerable.Repeat("{\"id\":1,\"method\":\"eth_chainId\"}", 101))}]")).Body.Code().Should().Be(-32600);
    }

    [Fact]
    public async Task Signatures_that_are_not_good()
    {
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing);
        var other = await sandbox.Viem.CallAsync("sign", EthECKey.GenerateKey().GetPrivateKey(), 0, _nothing);
        var answers = new[]
        {
            await _rpc.SendAsync(signed.With(("signature", other.GetProperty("signature").GetString())), EntryPoint),
            await _rpc.SendAsync(signed.With(("callGasLimit", "0xffff")), EntryPoint),
            await _rpc.SendAsync(await UnsponsoredAsync(), EntryPoint),
        };

        answers.Select(answer => answer.Code()).Should().OnlyContain(code => code == -32507);
        answers[0].Message().Should().Contain("AA24 signature error");
        answers[2].Message().Should().Contain("AA34 signature error");
        await NothingIsStoredAsync();

        // Signed by the account, over a sponsorship that is another operation's.
        async Task<System.Text.Json.Nodes.JsonNode> UnsponsoredAsync()
        {
            var altered = signed.With(("paymasterData", other.GetProperty("paymasterData").GetString()));
            var packed = CapVault.Relayer.Rpc.RpcUserOperation.Read(JsonSerializer.SerializeToElement(altered), isComplete: true).ToPacked();
            altered["signature"] = UserOperations.Sign(new UserOperations(sandbox.Chain.Deployment.ChainId, EntryPoint).Hash(packed), new EthECKey(_owner)).ToHex(prefix: true);
            return altered;
        }
    }

    [Fact]
    public async Task A_call_that_would_revert_is_told_with_what()
    {
        object[] theft = [new { to = sandbox.Chain.Deployment.Usdc, data = new TransferFunction { To = TestKeys.Stranger.GetPublicAddress(), Value = 5 }.GetCallData().ToHex(true) }];
        var estimated = await sandbox.Viem.TryAsync("estimate", _owner, 0, theft);
        var sent = await sandbox.Viem.TryAsync("send", _owner, 0, theft, new { fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["callGasLimit"] = "100000", ["verificationGasLimit"] = "500000", ["preVerificationGas"] = "100000" } });

        foreach (var answer in new[] { estimated, sent })
        {
            answer.Code.Should().Be(-32521, answer.Message);
            ContractErrors.Decode(answer.Data.GetString())!.Name.Should().Be("ERC20InsufficientBalance");
        }

        estimated.Name.Should().Contain("ExecutionRevertedError");
    }

    [Fact]
    public async Task Nonces_paymasters_and_factories_that_the_EntryPoint_does_not_take()
    {
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing, new { unsponsored = true });
        var deposit = new DepositToFunction { Account = TestKeys.Stranger.GetPublicAddress(), AmountToSend = System.Numerics.BigInteger.Pow(10, 17) };
        await sandbox.Chain.As(TestKeys.Human).Eth.GetContractTransactionHandler<DepositToFunction>().SendRequestAndWaitForReceiptAsync(EntryPoint, deposit);
        foreach (var (changes, code, says) in new ((string, object?)[], int, string)[]
        {
            ([("factory", "0x" + new string('1', 40))], -32500, "AA13"),
            ([("factory", null), ("factoryData", null)], -32500, "AA20"),
            ([], -32500, "AA21"),
            ([("paymaster", TestKeys.Stranger.GetPublicAddress()), ("paymasterVerificationGasLimit", "0xffff"), ("paymasterPostOpGasLimit", "0x0"), ("preVerificationGas", "0xffff")], -32501, "AA33"),
            ([("paymaster", sandbox.Chain.Deployment.Vault), ("paymasterVerificationGasLimit", "0xffff"), ("paymasterPostOpGasLimit", "0x0"), ("preVerificationGas", "0xffff")], -32508, "AA31"),
        })
        {
            var answer = await _rpc.SendAsync(signed.With(changes), EntryPoint);

            answer.Code().Should().Be(code, answer.ToString());
            answer.Message().Should().Contain(says);
        }

        var ahead = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing, new { fields = new Dictionary<string, string>(StringComparer.Ordinal) { ["nonce"] = "18446744073709551617" } });
        var gap = await _rpc.SendAsync(ahead.With(), EntryPoint);
        gap.Code().Should().Be(-32500, gap.ToString());
        gap.Message().Should().Contain("AA25", "nothing is on its way to take the place before it");
        await NothingIsStoredAsync();
    }

    [Fact]
    public async Task A_sponsorship_whose_time_is_over()
    {
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing);
        await sandbox.Setup.AdvanceClockAsync(580);

        var answer = await _rpc.SendAsync(signed.With(), EntryPoint);

        answer.Code().Should().Be(-32503, answer.ToString());
        answer.Message().Should().Contain("Ask pm_getPaymasterData again");
    }

    [Fact]
    public async Task A_deposit_that_is_drained_refuses_what_it_cannot_pay_and_is_filled_up()
    {
        var paymaster = new CAPPaymasterService(sandbox.Chain.As(TestKeys.Owner), sandbox.Chain.Deployment.Paymaster);
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing);
        await paymaster.WithdrawRequestAndWaitForReceiptAsync(TestKeys.Owner.GetPublicAddress(), System.Numerics.BigInteger.Parse((await sandbox.Setup.GetStatusAsync()).PaymasterDeposit!));

        (await _rpc.SendAsync(signed.With(), EntryPoint)).Code().Should().Be(-32508);

        await Eventually.TrueAsync(async () => (await _rpc.SendAsync(signed.With(), EntryPoint)).Code() == 0, "the deposit is filled up, and the same operation is taken");
    }

    /// <summary>What nobody sponsors must pay for itself, and for our work.</summary>
    [Fact]
    public async Task Fees_that_do_not_pay_the_bundler()
    {
        var signed = await sandbox.Viem.CallAsync("sign", _owner, 0, _nothing, new { unsponsored = true });

        (await _rpc.SendAsync(signed.With(("maxFeePerGas", "0x10"), ("maxPriorityFeePerGas", "0x10")), EntryPoint)).Message().Should().Contain("ask pimlico_getUserOperationGasPrice");
        (await _rpc.SendAsync(signed.With(("preVerificationGas", "0x10")), EntryPoint)).Message().Should().Contain("ask eth_estimateUserOperationGas");
        await NothingIsStoredAsync();
    }

    // What pm_getPaymasterData promises is in the ledger; beside it nothing may be left.
    private async Task NothingIsStoredAsync() => (await sandbox.CountRowsAsync()).Should().Equal(_before);
}
