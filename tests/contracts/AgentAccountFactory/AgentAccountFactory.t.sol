// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {IAgentAccount, IAgentAccountFactory} from "../../../contracts/interfaces/IAgentAccount.sol";
import {AccountTest} from "../AgentAccount/AccountTest.sol";

contract AgentAccountFactoryTest is AccountTest {
    function testFuzz_predicted(address owner_, address executor, bytes32 salt, address caller) public {
        address predicted = factory.accountAddress(owner_, executor, salt);
        vm.assertEq(predicted.code.length, 0, "not there yet");

        vm.expectEmit(address(factory));
        emit IAgentAccountFactory.AccountCreated(predicted, owner_, executor, salt);
        vm.prank(caller);
        AgentAccount account = AgentAccount(payable(factory.createAccount(owner_, executor, salt)));

        vm.assertEq(address(account), predicted, "address");
        vm.assertEq(account.owner(), owner_, "owner");
        vm.assertEq(account.executor(), executor, "executor");
        vm.assertEq(account.vault(), address(vault), "vault");
        vm.assertEq(account.paymaster(), address(paymaster), "paymaster");
        vm.assertEq(address(account.entryPoint()), address(entryPoint), "EntryPoint");
    }

    function testFuzz_again(address caller) public {
        vm.prank(owner);
        requester.setExecutor(stranger);
        vm.recordLogs();

        vm.prank(caller);
        address account = factory.createAccount(owner, vm.addr(REQUESTER_KEY), 0);

        vm.assertEq(account, address(requester), "same account");
        vm.assertEq(requester.executor(), stranger, "state kept");
        vm.assertEq(vm.getRecordedLogs().length, 0, "no log");
    }

    function testFuzz_differs(address owner_, address executor, bytes32 salt, address other, bytes32 otherSalt)
        public
        view
    {
        vm.assume(other != owner_ && other != executor && owner_ != executor && salt != otherSalt);
        address account = factory.accountAddress(owner_, executor, salt);
        _assertDiffer(account, factory.accountAddress(other, executor, salt), "owner");
        _assertDiffer(account, factory.accountAddress(owner_, other, salt), "executor");
        _assertDiffer(account, factory.accountAddress(executor, owner_, salt), "swapped");
        _assertDiffer(account, factory.accountAddress(owner_, executor, otherSalt), "salt");
    }

    // Two tests: an expected revert of deployCode ends the test.
    function test_RevertWhen_noCodeAtVault() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentAccount.NotAContract.selector, address(0xBEEF)));
        vm.deployCode("AgentAccountFactory.sol:AgentAccountFactory", abi.encode(address(0xBEEF), paymaster));
    }

    function test_RevertWhen_noCodeAtPaymaster() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentAccount.NotAContract.selector, address(0xCAFE)));
        vm.deployCode("AgentAccountFactory.sol:AgentAccountFactory", abi.encode(vault, address(0xCAFE)));
    }

    function test_fundsBeforeTheAccount() public {
        address predicted = factory.accountAddress(owner, stranger, "later");
        vm.deal(predicted, 1 ether);
        AgentAccount account = newAccount(STRANGER_KEY, "later");

        vm.prank(owner);
        account.execute(calls(owner, 1 ether, ""));

        vm.assertEq(address(account), predicted, "address");
        vm.assertEq(owner.balance, 1 ether, "withdrawn");
    }

    function test_implementationHasNoUsableKeys() public {
        AgentAccount implementation = AgentAccount(payable(factory.implementation()));
        vm.assertEq(implementation.vault(), address(vault), "vault");
        address[4] memory callers = [address(this), owner, vm.addr(REQUESTER_KEY), address(factory)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert();
            vm.prank(callers[i]);
            implementation.setExecutor(stranger);
        }
    }

    function _assertDiffer(address left, address right, string memory what) private pure {
        vm.assertTrue(left != right, what);
    }
}
