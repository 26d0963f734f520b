using System.Numerics;
using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;

namespace CapVault.Tests.ContractBindings;

public class ContractErrorsTests
{
    private const string Address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";

    [Fact]
    public void An_error_has_its_name_and_arguments()
    {
        var error = ContractErrors.Decode(Repository.Cast("calldata", "FeeOutOfRange(uint256,uint256,uint256)", "1", "2", "3"))!;
        error.Value.Should().BeOfType<FeeOutOfRangeError>().Which.Max.Should().Be(3);
        error.Arguments.Should().Equal(("bps", (BigInteger)1), ("min", (BigInteger)2), ("max", (BigInteger)3));
        error.ToString().Should().Be("FeeOutOfRange(bps: 1, min: 2, max: 3)");
    }

    [Fact]
    public void The_cause_is_inside_what_the_EntryPoint_reports()
    {
        var inner = Repository.Cast("calldata", "Unauthorized(address)", Address);
        var error = ContractErrors.Decode(Repository.Cast("calldata", "FailedOpWithRevert(uint256,string,bytes)", "2", "AA23 reverted", inner))!;
        error.Value.Should().BeOfType<FailedOpWithRevertError>().Which.OpIndex.Should().Be(2);
        error.Cause.ToString().Should().Be($"Unauthorized(caller: {Address})");
        error.ToString().Should().StartWith("FailedOpWithRevert(opIndex: 2, reason: AA23 reverted, ").And.EndWith($": Unauthorized(caller: {Address})");

        var postOp = ContractErrors.Decode(Repository.Cast("calldata", "PostOpReverted(bytes)", Repository.Cast("calldata", "Error(string)", "no")))!;
        postOp.Cause.ToString().Should().Be("Error(message: no)");
    }

    [Fact]
    public void Solidity_has_errors_of_its_own()
    {
        ContractErrors.Decode(Repository.Cast("calldata", "Error(string)", "broke"))!.ToString().Should().Be("Error(message: broke)");
        ContractErrors.Decode(Repository.Cast("calldata", "Panic(uint256)", "17"))!.ToString().Should().Be("Panic(code: 17)");
    }

    [Theory]
    [InlineData(null)]
    [InlineData("0x")]
    [InlineData("0x123456")]
    [InlineData("0xdeadbeef")]
    public void Data_of_no_known_error_is_none(string? data) => ContractErrors.Decode(data).Should().BeNull();

    [Fact]
    public void Rubbish_behind_a_known_selector_is_none() =>
        ContractErrors.Decode(Repository.Cast("calldata", "InvalidTerms(string)", "salt")[..80]).Should().BeNull();

    [Theory]
    [InlineData("WrongPhase(bytes32,uint8)")]
    [InlineData("BadSignature(address)")]
    [InlineData("TooLate(uint256)")]
    [InlineData("TooEarly(uint256)")]
    [InlineData("TokenDisabled(address)")]
    [InlineData("WrongDeposit(uint256,uint256)")]
    [InlineData("NothingToClaim(address,address)")]
    [InlineData("InsufficientGas(uint256,uint256)")]
    [InlineData("NotAllowed(address,bytes4)")]
    [InlineData("NotMinter(address)")]
    [InlineData("ERC20InsufficientBalance(address,uint256,uint256)")]
    [InlineData("ERC20InsufficientAllowance(address,uint256,uint256)")]
    [InlineData("OwnableUnauthorizedAccount(address)")]
    [InlineData("FailedOp(uint256,string)")]
    public void Errors_of_every_contract_are_known(string signature)
    {
        var data = Repository.Cast("sig", signature) + string.Concat(Enumerable.Repeat(new string('0', 64), 4));
        ContractErrors.Decode(data)!.Name.Should().Be(signature[..signature.IndexOf('(', StringComparison.Ordinal)]);
    }
}
