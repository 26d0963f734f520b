using System.Numerics;
using CapVault.Contracts.SandboxToken;
using CapVault.Contracts.SandboxToken.ContractDefinition;
using CapVault.Tests.ContractBindings;
using Nethereum.ABI.FunctionEncoding;
using Nethereum.Contracts;
using Nethereum.Hex.HexTypes;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Signer;
using Nethereum.Web3;
using Nethereum.Web3.Accounts;

namespace CapVault.Tests.NethereumApi;

/// <summary>The chain layer against a real node, through the generated bindings.</summary>
[Collection("anvil")]
public class Web3Tests(Anvil anvil)
{
    [Fact]
    public async Task A_call_is_sent_mined_and_read_back_by_query_and_event()
    {
        var to = EthECKey.GenerateKey().GetPublicAddress();
        var receipt = await anvil.Usdc.MintRequestAndWaitForReceiptAsync(to, 5_000_000);

        receipt.HasErrors().Should().BeFalse();
        (await anvil.Usdc.BalanceOfQueryAsync(to)).Should().Be(5_000_000);
        (await anvil.Usdc.DecimalsQueryAsync()).Should().Be(6);
        (await anvil.Usdc.NameQueryAsync()).Should().Be("USD Coin");
        var transfer = receipt.DecodeAllEvents<TransferEventDTO>().Single();
        (transfer.Event.To, transfer.Event.Value, transfer.Log.BlockNumber.Value).Should().Be((to, 5_000_000, receipt.BlockNumber.Value));

        var transfers = anvil.Usdc.ContractHandler.GetEvent<TransferEventDTO>();
        var logs = await transfers.GetAllChangesAsync(transfers.CreateFilterInput(null!, new object[] { to }, BlockParameter.CreateEarliest(), BlockParameter.CreateLatest()));
        logs.Single().Log.TransactionHash.Should().Be(receipt.TransactionHash);
        logs.Single().Log.IsLogForEvent<ApprovalEventDTO>().Should().BeFalse();
        logs.Single().Log.DecodeEvent<ApprovalEventDTO>().Should().BeNull();
    }

    [Fact]
    public async Task A_query_of_an_earlier_block_has_its_state()
    {
        var to = EthECKey.GenerateKey().GetPublicAddress();
        var receipt = await anvil.Usdc.MintRequestAndWaitForReceiptAsync(to, 1);
        (await anvil.Usdc.BalanceOfQueryAsync(to, new BlockParameter(receipt.BlockNumber))).Should().Be(1);
        (await anvil.Usdc.BalanceOfQueryAsync(to, new BlockParameter(new HexBigInteger(receipt.BlockNumber.Value - 1)))).Should().Be(0);
    }

    [Fact]
    public async Task A_call_that_would_revert_is_not_sent_and_tells_the_contracts_error()
    {
        var poor = new SandboxTokenService(new Web3(Funded(), anvil.Web3.Client), anvil.Usdc.ContractAddress);
        var thrown = await poor.Awaiting(p => p.MintRequestAsync(anvil.Owner.GetPublicAddress(), 1)).Should().ThrowAsync<SmartContractCustomErrorRevertException>();
        thrown.Which.IsCustomErrorFor<AccountBlacklistedError>().Should().BeFalse();
        thrown.Which.DecodeError<NotMinterError>().Caller.Should().Be(poor.ContractHandler.AddressFrom);
        thrown.Which.Invoking(e => e.DecodeError<AccountBlacklistedError>()).Should().Throw<Exception>();
    }

    [Fact]
    public async Task A_query_that_reverts_tells_the_contracts_error()
    {
        var call = () => anvil.Usdc.ContractHandler.QueryAsync<TransferFunction, bool>(
            new TransferFunction { To = anvil.Vault.ContractAddress, Value = 1, FromAddress = anvil.Vault.ContractAddress });
        (await call.Should().ThrowAsync<SmartContractCustomErrorRevertException>()).Which
            .DecodeError<ERC20InsufficientBalanceError>().Needed.Should().Be(1);
    }

    [Fact]
    public async Task A_revert_with_a_text_has_the_text()
    {
        // Returns, and thereby deploys, the 87 bytes behind it, which revert with abi.encodeWithSignature("Error(string)", "no").
        const string creation = "0x6057600c60003960576000f3"
            + "7f08c379a000000000000000000000000000000000000000000000000000000000" + "600052"
            + "6020600452"
            + "6002602452"
            + "7f6e6f000000000000000000000000000000000000000000000000000000000000" + "604452"
            + "60646000fd";
        var receipt = await anvil.Web3.TransactionManager.SendTransactionAndWaitForReceiptAsync(new TransactionInput { Data = creation });
        var service = new SandboxTokenService(anvil.Web3, receipt.ContractAddress);
        (await service.Awaiting(s => s.DecimalsQueryAsync()).Should().ThrowAsync<SmartContractRevertException>()).Which.RevertMessage.Should().Be("no");
    }

    [Fact]
    public async Task An_address_without_code_answers_with_the_types_default()
    {
        var nothing = new SandboxTokenService(anvil.Web3, EthECKey.GenerateKey().GetPublicAddress());
        (await nothing.BalanceOfQueryAsync(anvil.Owner.GetPublicAddress())).Should().Be(0);
    }

    [Fact]
    public async Task Ether_is_sent_with_fees_gas_and_nonce_filled_in()
    {
        var to = EthECKey.GenerateKey().GetPublicAddress();
        var receipt = await anvil.Web3.TransactionManager.SendTransactionAndWaitForReceiptAsync(new TransactionInput { To = to, Value = new HexBigInteger(42) });
        (receipt.GasUsed.Value, receipt.Type.Value).Should().Be((21_000, 2));
        (await anvil.Web3.Eth.GetBalance.SendRequestAsync(to)).Value.Should().Be(42);
    }

    [Fact]
    public async Task Parallel_transactions_of_one_account_have_nonces_of_their_own()
    {
        var account = Funded();
        var web3 = new Web3(account, anvil.Web3.Client);
        var receipts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ =>
            web3.TransactionManager.SendTransactionAndWaitForReceiptAsync(new TransactionInput { To = anvil.Owner.GetPublicAddress(), Value = new HexBigInteger(1) })));
        receipts.Should().OnlyContain(r => r.HasErrors() == false);
        (await web3.Eth.Transactions.GetTransactionCount.SendRequestAsync(account.Address)).Value.Should().Be(8);
    }

    [Fact]
    public async Task A_raw_transaction_is_sent_once()
    {
        var account = Funded();
        var web3 = new Web3(account, anvil.Web3.Client);
        var raw = await web3.TransactionManager.SignTransactionAsync(new TransactionInput { To = account.Address, Value = new HexBigInteger(0) });
        var hash = await web3.Eth.Transactions.SendRawTransaction.SendRequestAsync(raw);
        (await web3.TransactionReceiptPolling.PollForReceiptAsync(hash)).TransactionHash.Should().Be(hash);
        (await web3.Eth.Transactions.SendRawTransaction.Awaiting(s => s.SendRequestAsync(raw)).Should().ThrowAsync<RpcResponseException>())
            .Which.RpcError.Message.Should().Contain("nonce");
    }

    [Fact]
    public async Task A_receipt_that_does_not_come_can_be_given_up()
    {
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await anvil.Web3.TransactionReceiptPolling.Awaiting(p => p.PollForReceiptAsync("0x" + new string('1', 64), cancel.Token))
            .Should().ThrowAsync<OperationCanceledException>();
    }

    [Fact]
    public async Task Blocks_code_and_chain_are_read()
    {
        var eth = anvil.Web3.Eth;
        (await eth.ChainId.SendRequestAsync()).Value.Should().Be(31_337);
        var number = await eth.Blocks.GetBlockNumber.SendRequestAsync();
        var block = await eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(number);
        block.Number.Should().Be(number);
        (await eth.Blocks.GetBlockWithTransactionsHashesByHash.SendRequestAsync(block.BlockHash)).ParentHash.Should().Be(block.ParentHash);
        (await eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(new HexBigInteger(1_000_000))).Should().BeNull();
        (await eth.GetCode.SendRequestAsync(anvil.Usdc.ContractAddress)).Length.Should().BeGreaterThan(100);
        (await eth.GetCode.SendRequestAsync(EthECKey.GenerateKey().GetPublicAddress())).Should().Be("0x");
    }

    /// <summary>A new account with some ether, sent by Anvil.</summary>
    private Account Funded()
    {
        var account = new Account(EthECKey.GenerateKey(), anvil.ChainId);
        anvil.Web3.Client.SendRequestAsync<string>("anvil_setBalance", null, account.Address, "0xde0b6b3a7640000").GetAwaiter().GetResult();
        return account;
    }
}
