// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccount} from "@account-abstraction/contracts/interfaces/IAccount.sol";
import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {Account} from "@openzeppelin/contracts/account/Account.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {MockTokenPaymaster} from "../mocks/MockTokenPaymaster.sol";
import {AccountTest} from "./AccountTest.sol";

contract ValidateUserOpTest is AccountTest {
    uint256 private constant VALID = 0;
    uint256 private constant FAILED = 1;

    bytes private _orderSteps;

    function setUp() public override {
        super.setUp();
        _orderSteps = abi.encodeCall(AgentAccount.executeOrderSteps, (rejectSteps(newOrder(1))));
    }

    function test_RevertWhen_callerIsNotEntryPoint() public {
        PackedUserOperation memory op = newOp(requester, 0, "");
        signOp(op, OWNER_KEY);
        bytes32 userOpHash = entryPoint.getUserOpHash(op);

        vm.expectRevert(abi.encodeWithSelector(Account.AccountUnauthorized.selector, owner));
        vm.prank(owner);
        IAccount(address(requester)).validateUserOp(op, userOpHash, 0);
    }

    function testFuzz_ownerOnKey0(bytes calldata callData, bool sponsored) public {
        vm.assertEq(_validate(OWNER_KEY, 0, callData, sponsored), VALID, "owner");
    }

    function testFuzz_othersOnKey0(bytes calldata callData, bool sponsored) public {
        vm.assertEq(_validate(REQUESTER_KEY, 0, callData, sponsored), FAILED, "executor");
        vm.assertEq(_validate(REQUESTER_KEY, 0, _orderSteps, true), FAILED, "executor's order steps");
        vm.assertEq(_validate(STRANGER_KEY, 0, callData, sponsored), FAILED, "stranger");
    }

    function test_executorOnItsKeys() public {
        for (uint192 key = 1; key <= 64; ++key) {
            vm.assertEq(_validate(REQUESTER_KEY, key, _orderSteps, true), VALID, "executor");
            vm.assertEq(_validate(OWNER_KEY, key, _orderSteps, true), FAILED, "owner");
            vm.assertEq(_validate(PROVIDER_KEY, key, _orderSteps, true), FAILED, "another account's executor");
            vm.assertEq(_validate(STRANGER_KEY, key, _orderSteps, true), FAILED, "stranger");
        }
    }

    function testFuzz_executorCallsAnotherFunction(uint256 key, bytes calldata callData) public {
        vm.assume(bytes4(callData) != AgentAccount.executeOrderSteps.selector);
        vm.assertEq(_validate(REQUESTER_KEY, _executorKey(key), callData, true), FAILED, "another function");
    }

    function testFuzz_executorCallsOwnersFunctions(uint256 key) public {
        bytes memory execute = abi.encodeCall(AgentAccount.execute, (calls(stranger, 0, "")));
        bytes memory rotate = abi.encodeCall(AgentAccount.setExecutor, (stranger));
        vm.assertEq(_validate(REQUESTER_KEY, _executorKey(key), execute, true), FAILED, "execute");
        vm.assertEq(_validate(REQUESTER_KEY, _executorKey(key), rotate, true), FAILED, "setExecutor");
        vm.assertEq(_validate(REQUESTER_KEY, _executorKey(key), "", true), FAILED, "nothing");
        vm.assertEq(_validate(REQUESTER_KEY, _executorKey(key), hex"000000", true), FAILED, "three bytes");
    }

    function testFuzz_executorWithoutPaymaster(uint256 key) public {
        vm.assertEq(_validate(REQUESTER_KEY, _executorKey(key), _orderSteps, false), FAILED, "no paymaster");
    }

    function testFuzz_anotherPaymaster(uint256 key, address other, bytes calldata data) public {
        vm.assume(other != address(paymaster));
        bytes memory paymasterAndData = abi.encodePacked(other, uint128(100_000), uint128(0), data);
        PackedUserOperation memory op = newOp(requester, _executorKey(key), _orderSteps);
        op.paymasterAndData = paymasterAndData;
        signOp(op, REQUESTER_KEY);
        vm.assertEq(_validate(op), FAILED, "executor");

        op = newOp(requester, 0, _orderSteps);
        op.paymasterAndData = paymasterAndData;
        signOp(op, OWNER_KEY);
        vm.assertEq(_validate(op), VALID, "owner");
    }

    function test_cutPaymasterData() public {
        bytes memory whole = abi.encodePacked(paymaster, uint128(100_000), uint128(0));
        for (uint256 length = 0; length <= whole.length; ++length) {
            PackedUserOperation memory op = newOp(requester, 1, _orderSteps);
            op.paymasterAndData = new bytes(length);
            for (uint256 i = 0; i < length; ++i) {
                op.paymasterAndData[i] = whole[i];
            }
            signOp(op, REQUESTER_KEY);
            vm.assertEq(_validate(op), length == whole.length ? VALID : FAILED, "length");
        }
    }

    /// @dev The Owner once paid gas in tokens and left an allowance; a stolen Executor's key names that paymaster and a high price of gas.
    function test_allowanceToTokenPaymaster() public {
        MockTokenPaymaster other = new MockTokenPaymaster(usdc);
        entryPoint.depositTo{value: 50 ether}(address(other));
        mint(requester, 1000e6);
        vm.prank(owner);
        requester.execute(calls(address(usdc), 0, abi.encodeCall(usdc.approve, (address(other), type(uint256).max))));

        PackedUserOperation memory op = _paidInTokens(other, 1, _orderSteps, REQUESTER_KEY);
        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA24 signature error"));
        send(op);
        vm.assertEq(usdc.balanceOf(address(requester)), 1000e6, "nothing taken");

        // Nothing else stands in the attack's way: the Owner can pay so.
        send(_paidInTokens(other, 0, "", OWNER_KEY));
        vm.assertTrue(usdc.balanceOf(address(requester)) < 1000e6, "the Owner paid");
    }

    function test_key65() public {
        testFuzz_keysAbove64(65, true);
    }

    function testFuzz_keysAbove64(uint192 key, bool sponsored) public {
        key = uint192(bound(key, 65, type(uint192).max));
        vm.assertEq(_validate(OWNER_KEY, key, _orderSteps, sponsored), FAILED, "owner");
        vm.assertEq(_validate(REQUESTER_KEY, key, _orderSteps, sponsored), FAILED, "executor");
    }

    function test_replacedExecutor() public {
        vm.prank(owner);
        requester.setExecutor(stranger);

        vm.assertEq(_validate(REQUESTER_KEY, 1, _orderSteps, true), FAILED, "old executor");
        vm.assertEq(_validate(STRANGER_KEY, 1, _orderSteps, true), VALID, "new executor");
    }

    function testFuzz_noExecutor(bytes32 r, bytes32 s, uint8 v) public {
        vm.prank(owner);
        requester.setExecutor(address(0));
        vm.assertEq(_validate(REQUESTER_KEY, 1, _orderSteps, true), FAILED, "old executor");

        PackedUserOperation memory op = newOp(requester, 1, _orderSteps);
        sponsor(op);
        op.signature = abi.encodePacked(r, s, v); // an unrecoverable signature must not match address 0
        vm.assertEq(_validate(op), FAILED, "any signature");
    }

    function testFuzz_malformedSignature(bytes calldata signature, uint256 key) public {
        PackedUserOperation memory op = newOp(requester, uint192(bound(key, 0, 64)), _orderSteps);
        sponsor(op);
        op.signature = signature;
        vm.assertEq(_validate(op), FAILED, "malformed");
    }

    function test_RevertWhen_altered() public {
        PackedUserOperation memory op = executorOp(requester, REQUESTER_KEY, 1, rejectSteps(newOrder(1)));
        op.callData = abi.encodeCall(AgentAccount.executeOrderSteps, (rejectSteps(newOrder(2))));
        sponsor(op);

        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA24 signature error"));
        send(op);
    }

    function test_RevertWhen_signedForAnotherAccount() public {
        AgentAccount twin = newAccount(REQUESTER_KEY, "twin"); // same Owner and Executor
        PackedUserOperation memory op = executorOp(requester, REQUESTER_KEY, 1, rejectSteps(newOrder(1)));
        op.sender = address(twin);
        sponsor(op);

        vm.expectRevert(abi.encodeWithSelector(IEntryPoint.FailedOp.selector, 0, "AA24 signature error"));
        send(op);
    }

    function test_ownerPaysGasFromTheAccount() public {
        vm.deal(address(requester), 1 ether);
        PackedUserOperation memory op =
            newOp(requester, 0, abi.encodeCall(AgentAccount.execute, (calls(stranger, 0.1 ether, ""))));
        signOp(op, OWNER_KEY);

        vm.assertTrue(handle(op), "success");

        vm.assertEq(stranger.balance, 0.1 ether, "sent");
        vm.assertTrue(address(requester).balance < 0.9 ether, "gas");
    }

    /* HELPERS */

    function _executorKey(uint256 seed) private pure returns (uint192) {
        return uint192(bound(seed, 1, 64));
    }

    function _paidInTokens(MockTokenPaymaster other, uint192 key, bytes memory callData, uint256 signer)
        private
        view
        returns (PackedUserOperation memory op)
    {
        op = newOp(requester, key, callData);
        op.gasFees = pack(100 gwei, 200 gwei);
        op.paymasterAndData = abi.encodePacked(other, uint128(200_000), uint128(0));
        signOp(op, signer);
    }

    function _validate(uint256 signer, uint192 key, bytes memory callData, bool sponsored) private returns (uint256) {
        PackedUserOperation memory op = newOp(requester, key, callData);
        if (sponsored) sponsor(op);
        signOp(op, signer);
        return _validate(op);
    }

    function _validate(PackedUserOperation memory op) private returns (uint256) {
        bytes32 userOpHash = entryPoint.getUserOpHash(op);
        vm.prank(address(entryPoint));
        return IAccount(op.sender).validateUserOp(op, userOpHash, 0);
    }
}
