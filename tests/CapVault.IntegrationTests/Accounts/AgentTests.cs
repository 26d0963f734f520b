using System.Net;
using CapVault.Contracts;
using CapVault.Contracts.AgentAccount;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.EntryPoint;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Sdk;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Contracts;
using Nethereum.Signer;
using PackedUserOperation = CapVault.Contracts.EntryPoint.ContractDefinition.PackedUserOperation;

namespace CapVault.IntegrationTests;

/// <summary>Agents: account, presence, pause, keys.</summary>
public sealed class AgentTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR53_The_address_is_known_before_the_account_is_there()
    {
        CreateAgentResult created;
        await using (await sandbox.Chain.Node.StopMiningAsync())
        {
            created = await sandbox.Setup.CreateAgentAsync(new() { Name = "early", Owner = TestKeys.Human.GetPublicAddress() });
            created.Agent.Deployed.Should().BeFalse();
            (await sandbox.Chain.Web3.Eth.GetCode.SendRequestAsync(created.Agent.WalletAddress)).Should().Be("0x");
        }

        using var client = new AgentClient(sandbox.Config, created.SdkKey);
        var pair = await sandbox.NewPairAsync();
        var negotiation = await client.NegotiateOrderAsync(new() { ServiceId = pair.Service.ServiceId });
        var order = (await pair.Provider.Client.AcceptNegotiationAsync(negotiation.NegotiationId)).Order;

        (await sandbox.Setup.GetAgentAsync(created.Agent.AgentId)).Deployed.Should().BeTrue();
        (await sandbox.Chain.ReceiptAsync(order.CreateTxHash)).OperationsOf(created.Agent.WalletAddress).Should().ContainSingle("the first operation is its own");
        (await new AgentAccountService(sandbox.Chain.Web3, created.Agent.WalletAddress).OwnerQueryAsync()).Should().Be(TestKeys.Human.GetPublicAddress());
    }

    [Fact]
    public async Task CR54_The_Executor_takes_order_steps_and_moves_no_money_the_Owner_does()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CompleteOrderAsync(); // every step, by both Executors
        var wallet = pair.Requester.Wallet;
        var services = sandbox.Relayer.Services;
        var row = await services.GetRequiredService<Relayer.Accounts.Agents>().FindAsync(pair.Requester.AgentId, CancellationToken.None);
        var executor = services.GetRequiredService<ExecutorKeys>().Decrypt(row!.AgentId, row.ExecutorKey);
        var transfer = new TransferFunction { To = executor.GetPublicAddress(), Value = 1 }.GetCallData();
        var usdc = sandbox.Chain.Deployment.Usdc;
        var execute = new ExecuteFunction { Calls = [new Call { Target = usdc, Value = 0, Data = transfer }] }.GetCallData();

        foreach (var lane in new[] { 0, 1, UserOperations.ExecutorLanes, UserOperations.ExecutorLanes + 1 })
        {
            (await OperationRefusalAsync(wallet, lane, execute, executor))!.Value.Should().BeOfType<FailedOpError>().Which.Reason.Should().StartWith("AA24", "lane {0}", lane);
        }

        var asStep = new ExecuteOrderStepsFunction { Steps = [new Step { Target = usdc, Data = transfer }] };
        (await sandbox.Chain.RefusalAsync(asStep, executor.GetPublicAddress(), to: wallet))!.Value.Should().BeOfType<NotAllowedError>();
        (await OperationRefusalAsync(wallet, lane: 0, execute, TestKeys.Human)).Should().BeNull("the Owner may");
    }

    [Fact]
    public async Task CR56_An_agent_is_a_draft_until_it_connects_then_online_or_offline()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        Task<OnlineStatus> StatusAsync() => sandbox.Setup.GetAgentAsync(agent.AgentId).ContinueWith(task => task.Result.OnlineStatus, TaskScheduler.Default);

        (await sandbox.Setup.ListAgentsAsync(new() { Limit = 100 })).Items.Single(item => item.AgentId == agent.AgentId).OnlineStatus.Should().Be(OnlineStatus.Draft);
        await using (await agent.ListenAsync())
        {
            (await StatusAsync()).Should().Be(OnlineStatus.Online);
        }

        await Eventually.TrueAsync(async () => await StatusAsync() == OnlineStatus.Offline, "the agent is offline");
    }

    [Fact]
    public async Task CR59_A_rotated_key_is_dead_at_once_and_its_sockets_are_closed()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var (one, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        var (two, _) = await RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        await using var first = one;
        await using var second = two;

        var key = await sandbox.Setup.RotateSdkKeyAsync(agent.AgentId);

        var old = await sandbox.Api.GetAsync(agent.Key, "orders");
        old.Status.Should().Be(HttpStatusCode.Unauthorized);
        old.Code.Should().Be(ErrorCodes.InvalidApiKey);
        await one.ReadToCloseAsync();
        await two.ReadToCloseAsync();
        one.CloseCode.Should().Be(4401);
        two.CloseCode.Should().Be(4401);
        var handshake = () => RawStream.ConnectAsync(sandbox.Relayer.Url, agent.Key);
        (await handshake.Should().ThrowAsync<HttpRequestException>()).Which.StatusCode.Should().Be(HttpStatusCode.Unauthorized);

        key.Should().StartWith("croo_sk_").And.NotBe(agent.Key);
        using var client = new AgentClient(sandbox.Config, key);
        (await client.ListOrdersAsync(new())).Items.Should().BeEmpty();
        await using var stream = await client.ConnectWebSocketAsync();
    }

    [Fact]
    public async Task CR59_A_key_is_shown_once()
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var key = await sandbox.Setup.RotateSdkKeyAsync(agent.AgentId);

        foreach (var path in new[] { "agents", $"agents/{agent.AgentId}", $"public/agents/{agent.AgentId}", "auth/api-keys", $"agents/{agent.AgentId}/stats" })
        {
            (await sandbox.Api.GetAsync(sandbox.Relayer.OperatorKey, path)).Body.Should().NotContain(key[^43..]).And.NotContain(agent.Key[^43..]).And.NotContain(key.Split('_')[2]);
        }
    }

    [Fact]
    public async Task Parallel_rotations_leave_one_key_that_works()
    {
        var agent = await sandbox.NewAgentAsync("agent");

        var keys = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => sandbox.Setup.RotateSdkKeyAsync(agent.AgentId)));

        var answers = await Task.WhenAll(keys.Append(agent.Key).Select(key => sandbox.Api.GetAsync(key, "orders")));
        answers.Count(answer => answer.Status == HttpStatusCode.OK).Should().Be(1);
        answers.Count(answer => answer.Status == HttpStatusCode.Unauthorized).Should().Be(10);
    }

    [Fact]
    public async Task A_paused_agent_takes_no_new_negotiations_and_finishes_what_it_has_begun()
    {
        var pair = await sandbox.NewPairAsync();
        var negotiated = await pair.NegotiateAsync();
        var paid = await pair.CreatePaidOrderAsync();

        (await sandbox.Setup.PauseAgentAsync(pair.Provider.AgentId)).Status.Should().Be(AgentStatus.Paused);

        var negotiate = () => pair.NegotiateAsync();
        var refusal = (await negotiate.Should().ThrowAsync<CapApiException>()).Which;
        refusal.HttpStatus.Should().Be(409);
        refusal.Code.Should().Be(ErrorCodes.ServiceDisabled);
        refusal.Reason.Should().Contain("paused");
        refusal.Details["agentStatus"].GetString().Should().Be("paused");
        (await pair.Provider.Client.AcceptNegotiationAsync(negotiated.NegotiationId)).Order.Status.Should().Be(OrderStatus.Created);
        (await pair.DeliverAsync(paid.OrderId)).Status.Should().Be(OrderStatus.Completed);

        (await sandbox.Setup.ResumeAgentAsync(pair.Provider.AgentId)).Status.Should().Be(AgentStatus.Active);
        (await negotiate()).Status.Should().Be(NegotiationStatus.Pending);
    }

    [Theory]
    [InlineData("PATCH", "agents/{a}", """{"name":""}""", "name")]
    [InlineData("PATCH", "agents/{a}", """{"description":"\u0000"}""", "description")]
    [InlineData("PATCH", "agents/{a}", """{"tags":["two words"]}""", "tags")]
    [InlineData("PATCH", "agents/{a}", """{"tags":[""]}""", "tags")]
    [InlineData("PATCH", "agents/{a}", """{"tags":[null]}""", "tags")]
    [InlineData("PATCH", "agents/{a}", """{"tags":["%"]}""", "tags")]
    [InlineData("PATCH", "agents/{a}", """{"tags":["1","2","3","4","5","6","7","8","9","10","11"]}""", "tags")]
    [InlineData("PATCH", "agents/{a}", """{"owner":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"}""", "owner")]
    [InlineData("POST", "agents/{a}/status", """{"status":"gone"}""", "status")]
    [InlineData("POST", "agents/{a}/status", """{"status":1}""", "status")]
    public async Task What_is_malformed_is_named_and_changes_nothing(string method, string path, string body, string field)
    {
        var agent = await sandbox.NewAgentAsync("agent");
        var before = await sandbox.Setup.GetAgentAsync(agent.AgentId);

        var answer = await sandbox.Api.SendAsync(
            new HttpMethod(method), sandbox.Relayer.OperatorKey, path.Replace("{a}", agent.AgentId, StringComparison.Ordinal), RawApi.Json(System.Text.Encoding.UTF8.GetBytes(body)));

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Code.Should().Be(ErrorCodes.ValidationError);
        answer.Detail("field").GetString().Should().Be(field);
        (await sandbox.Setup.GetAgentAsync(agent.AgentId)).Should().BeEquivalentTo(before, options => options.Excluding(x => x.Deployed));
    }

    /// <summary>With what the EntryPoint would refuse a sponsored operation; null if it would take it.</summary>
    private async Task<ContractError?> OperationRefusalAsync(string account, int lane, byte[] callData, EthECKey signer)
    {
        var context = sandbox.Relayer.Services.GetRequiredService<ChainContext>();
        var sequence = (ulong)((await new EntryPointService(sandbox.Chain.Web3, context.EntryPoint).GetNonceQueryAsync(account, lane)) & ulong.MaxValue);
        var operation = new PackedUserOperation
        {
            Sender = account,
            Nonce = UserOperations.Nonce(lane, sequence),
            InitCode = [],
            CallData = callData,
            AccountGasLimits = UserOperations.AccountGasLimits(200_000, 200_000),
            PreVerificationGas = 60_000,
            GasFees = UserOperations.GasFees(1, 10_000_000_000),
            Signature = [],
        };
        operation.PaymasterAndData = context.Sponsorship.Sign(
            operation, TestKeys.Lane.GetPublicAddress(), 100_000, 0, validAfter: 0, validUntil: uint.MaxValue, TestKeys.Sponsor);
        operation.Signature = UserOperations.Sign(context.UserOperations.Hash(operation), signer);
        return await sandbox.Chain.RefusalAsync(
            new HandleOpsFunction { Ops = [operation], Beneficiary = TestKeys.Lane.GetPublicAddress() }, TestKeys.Lane.GetPublicAddress(), to: context.EntryPoint);
    }
}
