using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.AgentAccount;
using CapVault.Contracts.AgentAccount.ContractDefinition;
using CapVault.Contracts.AgentAccountFactory.ContractDefinition;
using CapVault.Contracts.CAPPaymaster.ContractDefinition;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Util;
using PackedUserOperation = CapVault.Contracts.EntryPoint.ContractDefinition.PackedUserOperation;

namespace CapVault.Tests.ContractBindings;

/// <summary>Hashes and signatures as the contracts themselves see them.</summary>
[Collection("anvil")]
public class OnChainTests(Anvil anvil)
{
    private const string Zero = "0x0000000000000000000000000000000000000000";

    private static readonly EthECKey Provider = EthECKey.GenerateKey();

    [Fact]
    public async Task The_vault_computes_the_same_orderId()
    {
        var order = Order("0x70997970C51812dc3A010C7d01b50e0d17dc79C8");
        new OrderTypedData(anvil.ChainId, anvil.Vault.ContractAddress).OrderId(order).Should().Equal(await anvil.Vault.HashOrderQueryAsync(order));
    }

    [Fact]
    public async Task The_account_takes_the_Executors_consent_for_this_order_only()
    {
        var account = await AccountAsync();
        var order = Order(account.ContractAddress);
        var orderId = new OrderTypedData(anvil.ChainId, anvil.Vault.ContractAddress).OrderId(order);
        OrderConsent.Hash(orderId, anvil.ChainId, account.ContractAddress).Should().Equal(await account.ConsentHashQueryAsync(orderId));

        var consent = OrderConsent.Sign(order, orderId, anvil.ChainId, account.ContractAddress, anvil.Executor);
        (await account.IsValidSignatureQueryAsync(orderId, consent)).ToHex().Should().Be("1626ba7e");
        (await account.IsValidSignatureQueryAsync(new byte[32], consent)).ToHex().Should().Be("ffffffff");
        var stranger = OrderConsent.Sign(order, orderId, anvil.ChainId, account.ContractAddress, EthECKey.GenerateKey());
        (await account.IsValidSignatureQueryAsync(orderId, stranger)).ToHex().Should().Be("ffffffff");
    }

    [Fact]
    public async Task The_EntryPoint_computes_the_same_userOpHash()
    {
        var operations = new UserOperations(anvil.ChainId, Anvil.EntryPointAddress);
        var plain = Operation(Zero);
        operations.Hash(plain).Should().Equal(await anvil.EntryPoint.GetUserOpHashQueryAsync(plain));
        var full = Operation(anvil.Vault.ContractAddress);
        (full.InitCode, full.PaymasterAndData, full.Signature) = ([1, 2, 3], [4, 5], [6]);
        operations.Hash(full).Should().Equal(await anvil.EntryPoint.GetUserOpHashQueryAsync(full));
    }

    [Fact]
    public void An_operation_whose_hash_depends_on_a_delegate_is_refused()
    {
        var operation = Operation(Zero);
        operation.InitCode = [0x77, 0x02];
        FluentActions.Invoking(() => new UserOperations(1, Anvil.EntryPointAddress).Hash(operation)).Should().Throw<NotSupportedException>();
    }

    [Fact]
    public async Task The_EntryPoint_runs_an_operation_that_Executor_and_sponsor_signed()
    {
        var account = await AccountAsync();
        await anvil.Paymaster.DepositRequestAndWaitForReceiptAsync(new DepositFunction { AmountToSend = BigInteger.Pow(10, 18) });
        await anvil.Vault.SetTokenRequestAndWaitForReceiptAsync(anvil.Usdc.ContractAddress, true, 1000);
        var order = Order(account.ContractAddress);
        var latest = await anvil.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(BlockParameter.CreateLatest());
        order.PayDeadline = (ulong)latest.Timestamp.Value + 3600;
        var orderId = new OrderTypedData(anvil.ChainId, anvil.Vault.ContractAddress).OrderId(order);
        var providerSig = EthECDSASignature.CreateStringSignature(Provider.SignAndCalculateV(orderId)).HexToByteArray();
        var operation = await SignedAsync(
            account,
            new CreateOrderFunction { Order = order, RequesterSig = [], ProviderSig = providerSig }.GetCallData(),
            new RejectOrderFunction { Order = order, ReasonHash = orderId }.GetCallData());

        var receipt = await anvil.EntryPoint.HandleOpsRequestAndWaitForReceiptAsync([operation], anvil.Owner.GetPublicAddress());

        var outcome = receipt.DecodeAllEvents<UserOperationEventEventDTO>().Single().Event;
        outcome.UserOpHash.Should().Equal(new UserOperations(anvil.ChainId, Anvil.EntryPointAddress).Hash(operation));
        (outcome.Success, outcome.Paymaster, outcome.Nonce).Should().Be((true, Checksum(anvil.Paymaster.ContractAddress), operation.Nonce));
        var created = receipt.DecodeAllEvents<OrderCreatedEventDTO>().Single().Event;
        created.OrderId.Should().Equal(orderId);
        created.Order.Should().BeEquivalentTo(order, o => o.ComparingByMembers<Order>().Excluding(m => m.Token));
        var rejected = receipt.DecodeAllEvents<OrderRejectedEventDTO>().Single().Event;
        (rejected.By, rejected.Refund).Should().Be((account.ContractAddress, 0));
        (await anvil.Vault.OrderStateQueryAsync(orderId)).Phase.Should().Be(6, "that is REJECTED");
    }

    [Fact]
    public async Task An_operation_that_reverts_tells_the_vaults_error()
    {
        var account = await AccountAsync();
        await anvil.Paymaster.DepositRequestAndWaitForReceiptAsync(new DepositFunction { AmountToSend = BigInteger.Pow(10, 18) });
        var order = Order(account.ContractAddress);
        var operation = await SignedAsync(account, new PayOrderFunction { Order = order }.GetCallData());

        var receipt = await anvil.EntryPoint.HandleOpsRequestAndWaitForReceiptAsync([operation], anvil.Owner.GetPublicAddress());

        receipt.DecodeAllEvents<UserOperationEventEventDTO>().Single().Event.Success.Should().BeFalse();
        var reason = receipt.DecodeAllEvents<UserOperationRevertReasonEventDTO>().Single().Event.RevertReason;
        var orderId = await anvil.Vault.HashOrderQueryAsync(order);
        ContractErrors.Decode(reason)!.ToString().Should().Be($"WrongPhase(orderId: {orderId.ToHex(prefix: true)}, phase: 0)");
        ContractErrors.Decode(reason)!.Value.Should().BeOfType<WrongPhaseError>().Which.OrderId.Should().Equal(orderId);
    }

    [Fact]
    public async Task An_operation_whose_sponsor_did_not_sign_what_is_sent_is_refused_with_a_reason()
    {
        var account = await AccountAsync();
        await anvil.Paymaster.DepositRequestAndWaitForReceiptAsync(new DepositFunction { AmountToSend = BigInteger.Pow(10, 18) });
        var operation = await SignedAsync(account);
        operation.PreVerificationGas += 1;
        operation.Signature = UserOperations.Sign(new UserOperations(anvil.ChainId, Anvil.EntryPointAddress).Hash(operation), anvil.Executor);

        var thrown = await anvil.EntryPoint.Awaiting(e => e.HandleOpsRequestAsync([operation], anvil.Owner.GetPublicAddress()))
            .Should().ThrowAsync<SmartContractCustomErrorRevertException>();
        ContractErrors.Decode(thrown.Which.ExceptionEncodedData)!.ToString().Should().Be("FailedOp(opIndex: 0, reason: AA34 signature error)");
    }

    private async Task<PackedUserOperation> SignedAsync(AgentAccountService account, params byte[][] vaultCalls)
    {
        var key = UserOperations.ExecutorKey(new byte[32]);
        var operation = Operation(account.ContractAddress);
        operation.Nonce = await anvil.EntryPoint.GetNonceQueryAsync(account.ContractAddress, key);
        operation.CallData = new ExecuteOrderStepsFunction
        {
            Steps = [.. vaultCalls.Select(data => new Step { Target = anvil.Vault.ContractAddress, Data = data })],
        }.GetCallData();
        operation.PaymasterAndData = new Sponsorship(anvil.ChainId, anvil.Paymaster.ContractAddress)
            .Sign(operation, anvil.Owner.GetPublicAddress(), 100_000, 0, 0, 4_000_000_000, anvil.Sponsor);
        operation.Signature = UserOperations.Sign(new UserOperations(anvil.ChainId, Anvil.EntryPointAddress).Hash(operation), anvil.Executor);
        return operation;
    }

    private static string Checksum(string address) => AddressUtil.Current.ConvertToChecksumAddress(address);

    private async Task<AgentAccountService> AccountAsync()
    {
        var receipt = await anvil.Factory.CreateAccountRequestAndWaitForReceiptAsync(
            anvil.Owner.GetPublicAddress(), anvil.Executor.GetPublicAddress(), Guid.NewGuid().ToByteArray());
        var account = new AgentAccountService(anvil.Web3, receipt.DecodeAllEvents<AccountCreatedEventDTO>().Single().Event.Account);
        await account.SetLimitsRequestAndWaitForReceiptAsync(anvil.Usdc.ContractAddress, perOrder: 1_000_000, perDay: 1_000_000);
        return account;
    }

    private static PackedUserOperation Operation(string sender) => new()
    {
        Sender = sender,
        Nonce = UserOperations.Nonce(5, 7),
        InitCode = [],
        CallData = [1, 2, 3],
        AccountGasLimits = UserOperations.AccountGasLimits(200_000, 300_000),
        PreVerificationGas = 50_000,
        GasFees = UserOperations.GasFees(1_000_000_000, 3_000_000_000),
        PaymasterAndData = [],
        Signature = [],
    };

    private Order Order(string requester) => new()
    {
        Requester = requester,
        Provider = Provider.GetPublicAddress(),
        Token = anvil.Usdc.ContractAddress,
        Arbiter = Zero,
        Approver = Zero,
        CommissionTo = Zero,
        Amount = 1_000_000,
        FeeBps = 1000,
        PayDeadline = 4_000_000_000,
        SlaSeconds = 3600,
        TermsHash = new byte[32],
        Salt = 1,
    };
}
