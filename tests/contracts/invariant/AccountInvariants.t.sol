// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {SandboxToken} from "../../../contracts/sandbox/SandboxToken.sol";
import {Test} from "../Test.sol";
import {ExecutorHandler} from "./handlers/ExecutorHandler.sol";

/// @notice The protocol's invariant 13: an Executor key, whatever it signs, cannot debit its account anywhere but into the vault, nor beyond its limits.
contract AccountInvariantsTest is Test {
    ExecutorHandler private handler;
    AgentAccount private account;

    function setUp() public {
        handler = new ExecutorHandler();
        account = handler.account();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev How forge reads targetSelectors.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function targetSelectors() public view returns (FuzzSelector[] memory targeted) {
        targeted = new FuzzSelector[](1);
        targeted[0] = FuzzSelector(address(handler), new bytes4[](7));
        targeted[0].selectors[0] = ExecutorHandler.steps.selector;
        targeted[0].selectors[1] = ExecutorHandler.operation.selector;
        targeted[0].selectors[2] = ExecutorHandler.signature.selector;
        targeted[0].selectors[3] = ExecutorHandler.provide.selector;
        targeted[0].selectors[4] = ExecutorHandler.fund.selector;
        targeted[0].selectors[5] = ExecutorHandler.limit.selector;
        targeted[0].selectors[6] = ExecutorHandler.wait.selector;
    }

    /// @dev One that is nobody here: forge gives its senders ETH for gas, and would choose the account itself.
    function targetSenders() public pure returns (address[] memory senders) {
        senders = new address[](1);
        senders[0] = address(0x5E4DE2);
    }

    function invariant_executor() public view {
        vm.assertEq(handler.beyondLimits(), 0, "13: beyond the limits");
        for (uint256 t = 0; t < 2; ++t) {
            SandboxToken token = handler.tokens(t);
            vm.assertEq(
                token.balanceOf(address(account)) + handler.inOrders(token),
                handler.given(token),
                "13: debited for its orders alone"
            );
            vm.assertEq(token.allowance(address(account), handler.vaultAddress()), 0, "13: allowance of the vault");
            vm.assertEq(token.allowance(address(account), handler.outsider()), 0, "13: allowance of others");
        }
        vm.assertEq(address(account).balance, 1 ether, "13: ETH");
        vm.assertEq(handler.deposit(), 0, "13: deposit");
        vm.assertEq(account.executor(), handler.executorAddress(), "13: keys");
    }
}
