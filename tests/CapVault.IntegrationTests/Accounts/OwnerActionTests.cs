using System.Net;
using System.Text.Json;
using CapVault.Cli;
using CapVault.Contracts;
using CapVault.Contracts.AgentAccount;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>What an Owner does with its agent's account: prepared, signed with its own key, submitted; or without any relayer.</summary>
public sealed class OwnerActionTests(Sandbox sandbox) : IClassFixture<Sandbox>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /* BY WAY OF THE RELAYER */

    [Fact]
    public async Task An_Owner_who_signed_in_sets_limits_and_withdraws()
    {
        using var owner = await SetupClient.SignInAsync(sandbox.Config, TestKeys.Human);
        var pair = await sandbox.NewPairAsync(funds: "10.00");
        var signer = Spenders.OwnerOf(pair.Requester.Agent);
        var to = EthECKey.GenerateKey().GetPublicAddress();

        var limited = await owner.SetLimitsAsync(pair.Requester.AgentId, signer, "0.5", "0");
        var withdrawn = await owner.WithdrawAsync(pair.Requester.AgentId, signer, to, "9.25");

        new[] { limited, withdrawn }.Should().OnlyContain(it => it.Status == OwnerActionStatus.Done && it.TxHash != null && it.FailureReason == null);
        (await owner.GetAgentAsync(pair.Requester.AgentId)).Limits.Should().BeEquivalentTo(new { PerOrder = "0.50", PerDay = "0.00", Left = "0.00" });
        (await sandbox.Chain.UsdcOfAsync(to)).Should().Be(9_250_000);
        (await sandbox.Chain.UsdcOfAsync(pair.Requester.Wallet)).Should().Be(750_000);
    }

    [Fact]
    public async Task A_wallet_that_knows_nothing_of_us_signs_what_PUT_limits_returns()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var prepared = await PrepareAsync(HttpMethod.Put, $"agents/{agent.AgentId}/limits", """{"perOrder":"1.50","perDay":"3.00"}""");
        var signature = await ForeignWallet.SignAsync(prepared.GetProperty("typedData"), TestKeys.Human);

        var (first, again) = (await SubmitAsync(prepared, signature), await SubmitAsync(prepared, signature));

        first.Status.Should().Be(HttpStatusCode.OK, first.Body);
        first.Data.GetProperty("status").GetString().Should().Be("done");
        again.Data.GetProperty("txHash").GetString().Should().Be(first.Data.GetProperty("txHash").GetString(), "it was sent once");
        (await sandbox.Setup.GetAgentAsync(agent.AgentId)).Limits.Should().BeEquivalentTo(new { PerOrder = "1.50", PerDay = "3.00" });
    }

    [Fact]
    public async Task Nobody_but_the_Owner_signs()
    {
        var executor = EthECKey.GenerateKey();
        var agent = await sandbox.NewAgentAsync("agent", executor);
        await sandbox.Setup.LiftLimitsAsync(agent.Agent); // its account is there
        using var stranger = await SetupClient.SignInAsync(sandbox.Config, TestKeys.Stranger);
        var prepared = await PrepareAsync(HttpMethod.Post, "ops/prepare", $$"""{"agentId":"{{agent.AgentId}}","action":"set_executor","executor":"{{TestKeys.Stranger.GetPublicAddress()}}"}""");
        var hash = prepared.GetProperty("userOpHash").GetString()!;
        string Sign(EthECKey key) => UserOperations.Sign(hash.HexToByteArray(), key).ToHex(prefix: true);
        var body = $$"""{"signature":"{{Sign(TestKeys.Human)}}"}""";

        foreach (var key in new[] { executor, TestKeys.Stranger })
        {
            var refused = await SubmitAsync(prepared, Sign(key));
            (refused.Status, refused.Code).Should().Be((HttpStatusCode.UnprocessableEntity, ErrorCodes.InvalidSignature));
        }

        foreach (var key in new[] { stranger.Session!.Token, agent.Key })
        {
            var unknown = await sandbox.Api.PostAsync(key, $"ops/{hash}/submit", body);
            (unknown.Status, unknown.Code).Should().Be((HttpStatusCode.NotFound, ErrorCodes.OperationNotFound));
        }

        (await AccountOf(agent).ExecutorQueryAsync()).Should().Be(executor.GetPublicAddress());
    }

    [Fact]
    public async Task What_is_prepared_later_takes_the_place_of_what_waits()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var first = await PrepareAsync(HttpMethod.Put, $"agents/{agent.AgentId}/limits", """{"perOrder":"1.00","perDay":"1.00"}""");
        var second = await PrepareAsync(HttpMethod.Put, $"agents/{agent.AgentId}/limits", """{"perOrder":"2.00","perDay":"2.00"}""");

        (await SubmitAsync(first, SignAsOwner(first))).Code.Should().Be(ErrorCodes.OperationNotFound);
        (await SubmitAsync(second, SignAsOwner(second))).Status.Should().Be(HttpStatusCode.OK);
        (await sandbox.Setup.GetAgentAsync(agent.AgentId)).Limits!.PerOrder.Should().Be("2.00");
    }

    [Fact]
    public async Task What_is_not_submitted_in_time_is_prepared_again()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var prepared = await PrepareAsync(HttpMethod.Put, $"agents/{agent.AgentId}/limits", """{"perOrder":"1.00","perDay":"1.00"}""");
        await sandbox.Setup.AdvanceClockAsync(601);

        var late = await SubmitAsync(prepared, SignAsOwner(prepared));

        (late.Status, late.Code).Should().Be((HttpStatusCode.Gone, ErrorCodes.PreparationExpired));
        (await sandbox.Setup.GetAgentAsync(agent.AgentId)).Limits!.PerOrder.Should().Be("0.00");
    }

    [Theory]
    [InlineData("""{"action":"set_limits","perOrder":"1.00"}""", "perDay", ErrorCodes.MissingRequiredField)]
    [InlineData("""{"action":"set_limits","perOrder":"-1","perDay":"1.00"}""", "perOrder", ErrorCodes.InvalidAmountFormat)]
    [InlineData("""{"action":"set_limits","perOrder":"1.00","perDay":"1208925819614629174.706176"}""", "perDay", ErrorCodes.InvalidAmount)]
    [InlineData("""{"action":"set_limits","perOrder":"1.00","perDay":"1.00","token":"0x00000000000000000000000000000000000000a1"}""", "token", ErrorCodes.ValidationError)]
    [InlineData("""{"action":"set_limits","perOrder":"1.00","perDay":"1.00","amount":"1.00"}""", "amount", ErrorCodes.ValidationError)]
    [InlineData("""{"action":"set_executor","executor":"0x0000000000000000000000000000000000000000"}""", "executor", ErrorCodes.ValidationError)]
    [InlineData("""{"action":"withdraw","amount":"1.00"}""", "to", ErrorCodes.MissingRequiredField)]
    [InlineData("""{"action":"withdraw","to":"{vault}","amount":"1.00"}""", "to", ErrorCodes.ValidationError)]
    [InlineData("""{"action":"withdraw","to":"{account}","amount":"1.00"}""", "to", ErrorCodes.ValidationError)]
    [InlineData("""{"action":"withdraw","to":"0x00000000000000000000000000000000000000a1","amount":"0"}""", "amount", ErrorCodes.InvalidAmount)]
    [InlineData("""{"action":"execute"}""", "action", ErrorCodes.ValidationError)]
    public async Task What_makes_no_sense_is_not_prepared(string body, string field, string code)
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var filled = body.Replace("{vault}", sandbox.Chain.Deployment.Vault, StringComparison.Ordinal).Replace("{account}", agent.Wallet, StringComparison.Ordinal);

        var answer = await sandbox.Api.PostAsync(sandbox.Relayer.OperatorKey, "ops/prepare", filled.Insert(1, $"\"agentId\":\"{agent.AgentId}\","));

        (answer.Status, answer.Code).Should().Be((HttpStatusCode.BadRequest, code));
        answer.Json.GetProperty("error").GetProperty("details").GetProperty("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task More_than_the_account_holds_is_not_withdrawn()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00");

        var refused = (await sandbox.Setup.Awaiting(it => it.WithdrawAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), TestKeys.Human.GetPublicAddress(), "1.01"))
            .Should().ThrowAsync<InsufficientBalanceException>()).Which;

        refused.Should().BeEquivalentTo(new { Required = (System.Numerics.BigInteger)1_010_000, Balance = (System.Numerics.BigInteger)1_000_000 });
    }

    /* ANOTHER EXECUTOR */

    [Fact]
    public async Task The_relayer_makes_and_holds_a_new_Executor()
    {
        var pair = await sandbox.NewPairAsync();
        var before = await AccountOf(pair.Requester).ExecutorQueryAsync();
        var order = await pair.CreatePaidOrderAsync();

        await sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent));

        (await AccountOf(pair.Requester).ExecutorQueryAsync()).Should().NotBe(before);
        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).SelfHeld.Should().BeFalse();
        await pair.DeliverAsync(order.OrderId);
        (await pair.CompleteOrderAsync()).Status.Should().Be(OrderStatus.Completed, "it consents and pays with the new key");
    }

    [Fact]
    public async Task An_agent_takes_its_Executor_into_its_own_hands_and_gives_it_back()
    {
        var pair = await sandbox.NewPairAsync();
        var order = await pair.CreateOrderAsync();
        var executor = EthECKey.GenerateKey();
        var owner = Spenders.OwnerOf(pair.Requester.Agent);

        await sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, owner, executor.GetPublicAddress());

        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).SelfHeld.Should().BeTrue();
        (await pair.Requester.Client.Awaiting(it => it.PayOrderAsync(order.OrderId)).Should().ThrowAsync<CapApiException>())
            .Which.Code.Should().Be(ErrorCodes.InvalidState, "the relayer has no key any more that the account takes");
        using var signing = new AgentClient(sandbox.Config with { Executor = new ExecutorSigner(pair.Requester.Wallet, executor) }, pair.Requester.Key);
        (await signing.PayOrderAsync(order.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);

        await sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, owner);
        (await pair.CreatePaidOrderAsync()).Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task A_stolen_Executor_is_worth_nothing_once_it_is_replaced()
    {
        var (stolen, next) = (EthECKey.GenerateKey(), EthECKey.GenerateKey());
        var pair = await sandbox.NewPairAsync(requesterKey: stolen);
        var order = await pair.CreateOrderAsync();
        var thief = new SelfHeldApi(sandbox.Api, pair.Requester, stolen);
        var prepared = await thief.PrepareAsync(order.OrderId, OrderStep.Pay);

        await sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), next.GetPublicAddress());

        (await thief.SubmitAsync(prepared)).Code.Should().Be(ErrorCodes.InvalidSignature);
        (await new SelfHeldApi(sandbox.Api, pair.Requester, next).SubmitAsync(prepared, wait: 30)).Data.GetProperty("status").GetString().Should().Be("paid");
    }

    [Fact]
    public async Task What_the_Owner_does_is_taken_back_with_its_block_and_done_again()
    {
        var pair = await sandbox.NewPairAsync();
        var (first, executor) = (await AccountOf(pair.Requester).ExecutorQueryAsync(), EthECKey.GenerateKey());
        await using var mining = await sandbox.Chain.Node.StopMiningAsync();
        var rotating = sandbox.Setup.SetExecutorAsync(pair.Requester.AgentId, Spenders.OwnerOf(pair.Requester.Agent), executor.GetPublicAddress());
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        await rotating;
        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).SelfHeld.Should().BeTrue();

        await sandbox.Chain.Node.RequestAsync<object>("anvil_reorg", 1, Array.Empty<object>());

        await Eventually.TrueAsync(async () => !(await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).SelfHeld, "the block that said otherwise is gone");
        (await AccountOf(pair.Requester).ExecutorQueryAsync()).Should().Be(first);
        await sandbox.Chain.Node.HasPendingAsync(transactions: 1);
        await sandbox.Chain.Node.MineAsync();
        await Eventually.TrueAsync(async () => (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).SelfHeld, "it is done again");
        (await AccountOf(pair.Requester).ExecutorQueryAsync()).Should().Be(executor.GetPublicAddress());
    }

    /* WITHOUT THE RELAYER */

    [Fact]
    public async Task An_Owner_needs_no_relayer()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00");
        var usdc = sandbox.Chain.Deployment.Usdc;
        var (to, executor) = (EthECKey.GenerateKey().GetPublicAddress(), EthECKey.GenerateKey());
        var account = new OwnerAccount(sandbox.Chain.RpcUrl, pair.Requester.Wallet, TestKeys.Human);

        await account.SetLimitsAsync(usdc, "1.00", "2.00");
        await account.WithdrawAsync(usdc, to, "4.00");
        await account.SetExecutorAsync(executor.GetPublicAddress());

        (await account.GetLimitsAsync(usdc)).Should().BeEquivalentTo(new { PerOrder = (System.Numerics.BigInteger)1_000_000, PerDay = (System.Numerics.BigInteger)2_000_000 });
        (await sandbox.Chain.UsdcOfAsync(to)).Should().Be(4_000_000);
        (await AccountOf(pair.Requester).ExecutorQueryAsync()).Should().Be(executor.GetPublicAddress());
        // One that is there hears of it from the chain.
        await Eventually.TrueAsync(async () => (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).SelfHeld, "the relayer holds another key");
        using var signing = new AgentClient(sandbox.Config with { Executor = new ExecutorSigner(pair.Requester.Wallet, executor) }, pair.Requester.Key);
        var negotiation = await signing.NegotiateOrderAsync(new() { ServiceId = pair.Service.ServiceId }, new ExpectedTerms { MaxPrice = "1.00" });
        var order = (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;
        (await signing.PayOrderAsync(order.OrderId)).Order.Status.Should().Be(OrderStatus.Paid);
    }

    [Fact]
    public async Task Without_a_relayer_too_only_the_Owner_gets_anywhere()
    {
        var pair = await sandbox.NewPairAsync(funds: "1.00");
        var usdc = sandbox.Chain.Deployment.Usdc;
        OwnerAccount By(EthECKey key, string? account = null, string? rpc = null) => new(rpc ?? sandbox.Chain.RpcUrl, account ?? pair.Requester.Wallet, key);

        await By(TestKeys.Stranger).Awaiting(it => it.SetLimitsAsync(usdc, "1", "1")).Should().ThrowAsync<CapApiException>().WithMessage("*Found a key of*expected that of*");
        await By(TestKeys.Human, TestKeys.Stranger.GetPublicAddress()).Awaiting(it => it.SetLimitsAsync(usdc, "1", "1")).Should().ThrowAsync<CapApiException>().WithMessage("*Found nothing at*deployed*");
        await By(TestKeys.Human).Awaiting(it => it.WithdrawAsync(usdc, TestKeys.Human.GetPublicAddress(), "1.01")).Should().ThrowAsync<CapApiException>().WithMessage("*Nothing was sent*");
        await By(TestKeys.Human).Awaiting(it => it.SetLimitsAsync(usdc, "much", "1")).Should().ThrowAsync<ArgumentException>().WithMessage("Found 'much'*");
        await By(TestKeys.Human, rpc: "http://127.0.0.1:9").Awaiting(it => it.SetLimitsAsync(usdc, "1", "1")).Should().ThrowAsync<CapApiException>().WithMessage("*Could not ask the node*");
        FluentActions.Invoking(() => By(TestKeys.Human, rpc: "node")).Should().Throw<ArgumentException>();
    }

    /* COMMAND LINE */

    [Fact]
    public async Task The_command_line_acts_for_the_Owner_with_a_relayer_and_without()
    {
        var pair = await sandbox.NewPairAsync(funds: "5.00");
        var keyFile = _folder.File("owner.key");
        await File.WriteAllTextAsync(keyFile, TestKeys.Human.GetPrivateKey());
        var (usdc, to) = (sandbox.Chain.Deployment.Usdc, EthECKey.GenerateKey().GetPublicAddress());
        string[] relayer = ["--api", sandbox.Relayer.Url, "--key", sandbox.Relayer.OperatorKey];
        string[] direct = ["--rpc", sandbox.Chain.RpcUrl];

        (await RunAsync(["agents", "limits", pair.Requester.AgentId, "--per-order", "1.00", "--per-day", "2.00", "--key-file", keyFile, .. relayer]))
            .Should().Contain("1.00 USDC per order, 2.00 per day");
        (await RunAsync(["agents", "withdraw", pair.Requester.AgentId, "--to", to, "--amount", "1.00", "--key-file", keyFile, .. relayer])).Should().Contain("0x");
        await RunAsync(["agents", "rotate-executor", pair.Requester.AgentId, "--key-file", keyFile, .. relayer]);
        await RunAsync(["agents", "withdraw", pair.Requester.Wallet, "--to", to, "--amount", "1.00", "--token", usdc, "--key-file", keyFile, .. direct]);
        await RunAsync(["agents", "limits", pair.Requester.Wallet, "--per-order", "3.00", "--per-day", "3.00", "--token", usdc, "--key-file", keyFile, .. direct]);
        await RunAsync(["agents", "rotate-executor", pair.Requester.Wallet, "--executor", TestKeys.Stranger.GetPublicAddress(), "--key-file", keyFile, .. direct]);

        (await sandbox.Chain.UsdcOfAsync(to)).Should().Be(2_000_000);
        (await sandbox.Setup.GetAgentAsync(pair.Requester.AgentId)).Limits!.PerOrder.Should().Be("3.00");
        (await AccountOf(pair.Requester).ExecutorQueryAsync()).Should().Be(TestKeys.Stranger.GetPublicAddress());
    }

    /* HELPERS */

    private AgentAccountService AccountOf(Party party) => new(sandbox.Chain.Web3, party.Wallet);

    private async Task<JsonElement> PrepareAsync(HttpMethod method, string path, string body)
    {
        var answer = await sandbox.Api.SendAsync(method, sandbox.Relayer.OperatorKey, path, RawApi.Json(System.Text.Encoding.UTF8.GetBytes(body)));
        answer.Status.Should().Be(HttpStatusCode.OK, answer.Body);
        return answer.Data;
    }

    private Task<RawAnswer> SubmitAsync(JsonElement prepared, string signature) => sandbox.Api.PostAsync(
        sandbox.Relayer.OperatorKey, $"ops/{prepared.GetProperty("userOpHash").GetString()}/submit?wait=30", $$"""{"signature":"{{signature}}"}""");

    private static string SignAsOwner(JsonElement prepared) =>
        UserOperations.Sign(prepared.GetProperty("userOpHash").GetString()!.HexToByteArray(), TestKeys.Human).ToHex(prefix: true);

    private static async Task<string> RunAsync(string[] line)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CapVaultCli.RunAsync(line, output, error);
        code.Should().Be(0, error.ToString());
        return output.ToString();
    }
}
