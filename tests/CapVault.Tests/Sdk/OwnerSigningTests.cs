using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using static CapVault.Tests.Sdk.ScriptedApi;

namespace CapVault.Tests.Sdk;

/// <summary>A relayer that lies gets no signature of an Owner.</summary>
public class OwnerSigningTests
{
    private const string Key = "ohk_test_000000000000000000_secret";
    private const string Agent = "agt_000000000000000000001";
    private const string Account = "0x1111111111111111111111111111111111111111";
    private const string Friend = "0x2222222222222222222222222222222222222222";
    private const string Attacker = "0x6666666666666666666666666666666666666666";

    private static readonly Deployment Deployment = new()
    {
        ChainId = 31337,
        EntryPoint = "0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108",
        Vault = "0x3333333333333333333333333333333333333333",
        AccountFactory = Attacker,
        AccountImplementation = Attacker,
        Paymaster = "0x4444444444444444444444444444444444444444",
        Usdc = "0x5555555555555555555555555555555555555555",
        Treasury = Attacker,
        Owner = Attacker,
        DeployBlock = 0,
    };

    private readonly EthECKey _owner = EthECKey.GenerateKey();
    private int _signed;

    [Theory]
    [InlineData("set_limits")]
    [InlineData("set_executor")]
    [InlineData("withdraw")]
    public async Task What_was_asked_for_is_signed(string action)
    {
        var prepared = Prepared(action);
        await using var api = await StartAsync(Data(prepared), Data(Done(prepared)));
        using var client = Client(api);

        (await ActAsync(client, action)).Status.Should().Be(OwnerActionStatus.Done);

        api.Requests.Should().Equal("POST /api/v1/ops/prepare", $"POST /api/v1/ops/{prepared.UserOpHash}/submit?wait=30");
        var sent = JsonSerializer.Deserialize<SubmitRequest>(api.Bodies[1], CapJson.Options)!;
        ExecutorSignature.IsBy(_owner.GetPublicAddressAsBytes(), prepared.UserOpHash.HexToByteArray(), sent.Signature.HexToByteArray()).Should().BeTrue("the account checks exactly this");
    }

    public static readonly TheoryData<string, string> Lies = new()
    {
        { "set_limits", "another agent" }, { "set_limits", "another account" }, { "set_limits", "higher limits" }, { "set_limits", "another token" },
        { "set_limits", "another action" }, { "set_limits", "another paymaster" }, { "set_limits", "a nonce key of the Executor" }, { "set_limits", "the hash of another operation" },
        { "set_executor", "another Executor" }, { "set_executor", "another action" },
        { "withdraw", "another recipient" }, { "withdraw", "a larger amount" }, { "withdraw", "bytes behind the call" },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task Nothing_else_is_signed(string action, string lie)
    {
        await using var api = await StartAsync(Data(Lying(action, lie)));
        using var client = Client(api);

        var acting = () => ActAsync(client, action);

        (await acting.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(CapApiException.SignatureRefused);
        _signed.Should().Be(0);
        api.Requests.Should().ContainSingle("nothing is sent after it");
    }

    [Fact]
    public async Task What_was_not_taken_is_prepared_and_signed_again()
    {
        var prepared = Prepared("set_limits");
        await using var api = await StartAsync(
            Data(prepared), Error(410, "PREPARATION_EXPIRED"), Data(prepared), Error(404, "OPERATION_NOT_FOUND"), Data(prepared), Data(Done(prepared)));
        using var client = Client(api);

        await ActAsync(client, "set_limits");

        _signed.Should().Be(3);
    }

    [Fact]
    public async Task What_is_on_its_way_is_asked_for_with_the_same_signature()
    {
        var prepared = Prepared("withdraw");
        await using var api = await StartAsync(Data(prepared), Data(Done(prepared) with { Status = OwnerActionStatus.Pending }, 202), Data(Done(prepared)));
        using var client = Client(api);

        await ActAsync(client, "withdraw");

        _signed.Should().Be(1);
        api.Bodies[1].Should().Be(api.Bodies[2]);
    }

    [Fact]
    public async Task What_failed_on_chain_is_thrown_with_its_reason()
    {
        var prepared = Prepared("withdraw");
        await using var api = await StartAsync(Data(prepared), Data(Done(prepared) with { Status = OwnerActionStatus.Failed, FailureReason = "Blacklisted" }));
        using var client = Client(api);

        (await client.Awaiting(it => ActAsync(it, "withdraw")).Should().ThrowAsync<CapApiException>()).WithMessage("*Blacklisted*");
    }

    [Fact]
    public async Task An_amount_that_is_none_is_not_asked_for()
    {
        await using var api = await StartAsync(Data(Prepared("set_limits")));
        using var client = Client(api);

        await client.Awaiting(it => it.SetLimitsAsync(Agent, Signer(), "1e3", "1")).Should().ThrowAsync<ArgumentException>();
        _signed.Should().Be(0);
    }

    private static SetupClient Client(ScriptedApi api) => new(new Config { BaseUrl = api.Address, Deployment = Deployment }, Key);

    private OwnerSigner Signer() => new(Account, (data, _) =>
    {
        _signed++;
        return Task.FromResult(UserOperations.Sign(data.Digest, _owner).ToHex(prefix: true));
    });

    private Task<OwnerActionResult> ActAsync(SetupClient client, string action) => action switch
    {
        "set_limits" => client.SetLimitsAsync(Agent, Signer(), "1.00", "2.00"),
        "set_executor" => client.SetExecutorAsync(Agent, Signer(), Friend),
        _ => client.WithdrawAsync(Agent, Signer(), Friend, "3.00"),
    };

    private static OwnerActionResult Done(PreparedOwnerAction prepared) => new() { AgentId = Agent, Status = OwnerActionStatus.Done, UserOpHash = prepared.UserOpHash, TxHash = "0xa1" };

    private static byte[] CallData(string action) => action switch
    {
        "set_limits" => OwnerCalls.SetLimits(Account, Deployment.Usdc, 1_000_000, 2_000_000),
        "set_executor" => OwnerCalls.SetExecutor(Account, Friend),
        _ => OwnerCalls.Withdraw(Deployment.Usdc, Friend, 3_000_000),
    };

    private static PreparedOwnerAction Prepared(string action, byte[]? callData = null, string sender = Account, string? paymaster = null, BigInteger? nonce = null)
    {
        var operation = new PackedUserOperation
        {
            Sender = sender,
            Nonce = nonce ?? UserOperations.Nonce(UserOperations.OwnerKey, 7),
            InitCode = [],
            CallData = callData ?? CallData(action),
            AccountGasLimits = UserOperations.AccountGasLimits(80_000, 100_000),
            PreVerificationGas = 60_000,
            GasFees = UserOperations.GasFees(1_000_000_000, 5_000_000_000),
            PaymasterAndData = new Sponsorship(Deployment.ChainId, paymaster ?? Deployment.Paymaster).PaymasterAndData(40_000, 0, 0, 1_900_000_000, new byte[65]),
            Signature = [],
        };
        var operations = new UserOperations(Deployment.ChainId, Deployment.EntryPoint);
        return new PreparedOwnerAction
        {
            AgentId = Agent,
            Action = OwnerAction.Parse(action),
            UserOp = UserOperation.From(operation),
            UserOpHash = operations.Hash(operation).ToHex(prefix: true),
            TypedData = TypedData.From(operations.TypedData(operation)),
            ValidUntil = DateTimeOffset.UnixEpoch,
        };
    }

    private static PreparedOwnerAction Lying(string action, string lie) => lie switch
    {
        "another agent" => Prepared(action) with { AgentId = "agt_000000000000000000002" },
        "another account" => Prepared(action, sender: Attacker),
        "higher limits" => Prepared(action, OwnerCalls.SetLimits(Account, Deployment.Usdc, 1_000_000, 2_000_001)),
        "another token" => Prepared(action, OwnerCalls.SetLimits(Account, Attacker, 1_000_000, 2_000_000)),
        "another action" => Prepared(action, OwnerCalls.Withdraw(Deployment.Usdc, Attacker, 1)),
        "another paymaster" => Prepared(action, paymaster: Attacker),
        "a nonce key of the Executor" => Prepared(action, nonce: UserOperations.Nonce(1, 7)),
        "the hash of another operation" => Prepared(action) with { UserOpHash = Prepared("withdraw").UserOpHash },
        "another Executor" => Prepared(action, OwnerCalls.SetExecutor(Account, Attacker)) with { Executor = Attacker },
        "another recipient" => Prepared(action, OwnerCalls.Withdraw(Deployment.Usdc, Attacker, 3_000_000)),
        "a larger amount" => Prepared(action, OwnerCalls.Withdraw(Deployment.Usdc, Friend, 3_000_001)),
        "bytes behind the call" => Prepared(action, [.. CallData(action), .. new byte[32]]),
        _ => throw new ArgumentOutOfRangeException(nameof(lie), lie, "Found a lie that nobody tells."),
    };
}
