// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IAccount} from "@account-abstraction/contracts/interfaces/IAccount.sol";
import {IEntryPoint} from "@account-abstraction/contracts/interfaces/IEntryPoint.sol";
import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {Account} from "@openzeppelin/contracts/account/Account.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
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
