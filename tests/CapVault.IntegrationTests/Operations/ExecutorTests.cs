using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Operations;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using GetNonceFunction = CapVault.Contracts.EntryPoint.ContractDefinition.GetNonceFunction;
using PackedUserOperation = CapVault.Contracts.EntryPoint.ContractDefinition.PackedUserOperation;

namespace CapVault.IntegrationTests;

/// <summary>What the key that the relayer holds for an agent can do with the agent's account, if it is stolen together with the sponsor's.</summary>
public sealed class ExecutorTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private const string SignatureError = "AA24 signature error";
    private const int OwnersLane = 0;
    private const int FreeLane = 7;

    [Fact]
    public async Task CR54_An_Executor_takes_steps_of_orders_and_nothing_else()
    {
        var pair = await sandbox.NewPairAsync(funds: "10.00", price: "1.00");
        await pair.CompleteOrderAsync();
        var order = await pair.CreateOrderAsync();
        var rejected = await pair.CreateOrderAsync();
        var services = sandbox.Relayer.Services;
        var row = await services.GetRequiredService<Agents>().FindAsync(pair.Requester.AgentId, CancellationToken.None);
        var executor = services.GetRequiredService<ExecutorKeys>().Decrypt(pair.Requester.AgentId, row!.ExecutorKey);
        var wallet = pair.Requester.Wallet;
        var (vault, usdc) = (sandbox.Chain.Deployment.Vault, sandbox.Chain.Deployment.Usdc);
        var terms = order.Terms.ToChain();
        var theft = new TransferFunction { To = executor.GetPublicAddress(), Value = 1_000_000 }.GetCallData();
        var allowance = new ApproveFunction { Spender = vault, Value = terms.Amount }.GetCallData();
        var bigAllowance = new ApproveFunction { Spender = executor.GetPublicAddress(), Value = terms.Amount }.GetCallData();
        var payment = new PayOrderFunction { Order = terms }.GetCallData();
        var rejection = new RejectOrderFunction { Order = rejected.Terms.ToChain(), ReasonHash = new byte[32] }.GetCallData();

        // Order steps work, the same way that everything below is tried.
        (await OutcomeAsync(wallet, executor, FreeLane, Steps((usdc, allowance), (vault, payment)))).Should().Be("done");
        (await OutcomeAsync(wallet, executor, FreeLane, Steps((vault, rejection)))).Should().Be("done");
        // The Owner's entry function is not for the Executor, in no nonce lane.
        (await OutcomeAsync(wallet, executor, FreeLane, Execute(usdc, theft))).Should().Be(SignatureError);
        (await OutcomeAsync(wallet, executor, OwnersLane, Execute(usdc, theft))).Should().Be(SignatureError);
        (await OutcomeAsync(wallet, executor, OwnersLane, Steps((vault, rejection)))).Should().Be(SignatureError);
        (await OutcomeAsync(wallet, executor, FreeLane, new SetExecutorFunction { NewExecutor = executor.GetPublicAddress() }.GetCallData())).Should().Be(SignatureError);
        // Nor does it get a transfer, or an allowance of its own, through as a step.
        (await OutcomeAsync(wallet, executor, FreeLane, Steps((usdc, theft)))).Should().StartWith("NotAllowed(");
        (await OutcomeAsync(wallet, executor, FreeLane, Steps((usdc, allowance), (vault, payment), (usdc, theft)))).Should().StartWith("NotAllowed(");
        (await OutcomeAsync(wallet, executor, FreeLane, Steps((usdc, bigAllowance), (vault, payment)))).Should().StartWith("NotAllowed(");
        // The Owner may take the money, and does not work in the Executor's place.
        (await OutcomeAsync(wallet, TestKeys.Human, OwnersLane, Execute(usdc, theft))).Should().Be("done");
        (await OutcomeAsync(wallet, TestKeys.Human, FreeLane, Steps((vault, rejection)))).Should().Be(SignatureError);
        // And nobody else does anything.
        (await OutcomeAsync(wallet, TestKeys.Stranger, FreeLane, Steps((vault, rejection)))).Should().Be(SignatureError);
    }

    private static byte[] Steps(params (string Target, byte[] Data)[] steps) => new ExecuteOrderStepsFunction
    {
        Steps = [.. steps.Select(step => new Step { Target = step.Target, Data = step.Data })],
    }.GetCallData();

    private static byte[] Execute(string target, byte[] data) => new ExecuteFunction { Calls = [new Call { Target = target, Value = 0, Data = data }] }.GetCallData();

    /// <summary>What a sponsored operation would come to on top of the newest block, at the real EntryPoint.</summary>
    private async Task<string> OutcomeAsync(string sender, EthECKey signer, int lane, byte[] callData)
    {
        var context = sandbox.Relayer.Services.GetRequiredService<ChainContext>();
        var sequence = await sandbox.Chain.Web3.Eth.GetContractQueryHandler<GetNonceFunction>()
            .QueryAsync<BigInteger>(context.EntryPoint, new GetNonceFunction { Sender = sender, Key = lane });
        var now = sandbox.Relayer.Services.GetRequiredService<ChainClock>().HeadTime + 1;
        var operation = new PackedUserOperation
        {
            Sender = sender,
            Nonce = sequence, // key and sequence in one
            InitCode = [],
            CallData = callData,
            AccountGasLimits = UserOperations.AccountGasLimits(150_000, 600_000),
            PreVerificationGas = 60_000,
            GasFees = UserOperations.GasFees(1_000_000_000, 10_000_000_000),
            Signature = [],
        };
        operation.PaymasterAndData = context.Sponsorship.Sign(operation, TestKeys.Lane.GetPublicAddress(), 60_000, 0, 0, (ulong)now + 600, context.SponsorKey);
        operation.Signature = UserOperations.Sign(context.UserOperations.Hash(operation), signer);
        var call = new HandleOpsFunction { Ops = [operation], Beneficiary = TestKeys.Lane.GetPublicAddress() };
        var chain = sandbox.Relayer.Services.GetRequiredService<ChainClient>();
        var head = (await chain.GetHeadAsync(CancellationToken.None)).BlockHash.HexToByteArray();
        var handleOps = new LaneCall(context.EntryPoint, call.GetCallData().ToHex(true), Value: 0, Gas: 3_000_000);
        var result = (await chain.SimulateAsync(TestKeys.Lane.GetPublicAddress(), [handleOps], head, now, CancellationToken.None)).Single();
        if (!result.Succeeded)
        {
            return ((FailedOpError)ContractErrors.Decode(result.RevertData.ToHex(prefix: true))!.Value).Reason;
        }

        var reverted = result.Logs.Where(log => log.IsLogForEvent<UserOperationRevertReasonEventDTO>()).Select(log => log.DecodeEvent<UserOperationRevertReasonEventDTO>().Event).SingleOrDefault();
        var success = result.Logs.Single(log => log.IsLogForEvent<UserOperationEventEventDTO>()).DecodeEvent<UserOperationEventEventDTO>().Event.Success;
        success.Should().Be(reverted is null);
        return reverted is null ? "done" : ContractErrors.Decode(reverted.RevertReason.ToHex(prefix: true))!.Cause.ToString();
    }
}
