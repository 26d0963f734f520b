// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PackedUserOperation} from "@account-abstraction/contracts/interfaces/PackedUserOperation.sol";
import {AgentAccount} from "../../../contracts/account/AgentAccount.sol";
import {Call, IAgentAccount} from "../../../contracts/interfaces/IAgentAccount.sol";
import {SandboxToken} from "../../../contracts/sandbox/SandboxToken.sol";
import {AccountTest} from "./AccountTest.sol";

contract ExecuteTest is AccountTest {
    /* execute */

    function test_execute_owner() public {
        _fund();
        vm.prank(owner);
        requester.execute(_withdrawal());
        _assertWithdrawn();
    }

    function test_execute_entryPoint() public {
        _fund();
        vm.prank(address(entryPoint));
        requester.execute(_withdrawal());
        _assertWithdrawn();
    }

    function test_execute_sponsoredOwner() public {
        _fund();
        PackedUserOperation memory op = newOp(requester, 0, abi.encodeCall(AgentAccount.execute, (_withdrawal())));
        sponsor(op);
        signOp(op, OWNER_KEY);

        vm.assertTrue(handle(op), "success");

        _assertWithdrawn();
    }

    function test_execute_valueOfTheCall() public {
        vm.deal(owner, 1 ether);
        vm.prank(owner);
        requester.execute{value: 1 ether}(calls(stranger, 1 ether, ""));
        vm.assertEq(stranger.balance, 1 ether, "passed on");
    }

    function test_execute_failingCall() public {
        vm.deal(address(requester), 1 ether);
        Call[] memory list = new Call[](2);
        list[0] = Call(stranger, 1 ether, "");
        list[1] = Call(address(usdc), 0, abi.encodeCall(usdc.mint, (stranger, 1)));

        vm.expectRevert(abi.encodeWithSelector(SandboxToken.NotMinter.selector, address(requester)));
        vm.prank(owner);
        requester.execute(list);

        vm.assertEq(stranger.balance, 0, "undone");
    }

    function test_RevertWhen_execute_others() public {
        address[3] memory callers = [vm.addr(REQUESTER_KEY), stranger, address(requester)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentAccount.Unauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            requester.execute(calls(stranger, 0, ""));
        }
    }

    /* setExecutor */

    function test_setExecutor_owner() public {
        vm.expectEmit(address(requester));
        emit IAgentAccount.ExecutorSet(stranger);
        vm.prank(owner);
        requester.setExecutor(stranger);
        vm.assertEq(requester.executor(), stranger, "executor");
        vm.assertEq(requester.owner(), owner, "owner");
    }

    function test_setExecutor_ownersOperation() public {
        bytes memory rotate = abi.encodeCall(AgentAccount.setExecutor, (stranger));
        PackedUserOperation memory op =
            newOp(requester, 0, abi.encodeCall(AgentAccount.execute, (calls(address(requester), 0, rotate))));
        sponsor(op);
        signOp(op, OWNER_KEY);

        vm.assertTrue(handle(op), "success");

        vm.assertEq(requester.executor(), stranger, "executor");
    }

    function test_setExecutor_none() public {
        address executor = vm.addr(REQUESTER_KEY);
        vm.prank(owner);
        requester.setExecutor(address(0));

        vm.assertEq(requester.executor(), address(0), "executor");
        vm.expectRevert(abi.encodeWithSelector(IAgentAccount.Unauthorized.selector, executor));
        vm.prank(executor);
        requester.executeOrderSteps(rejectSteps(newOrder(1)));
    }

    function test_RevertWhen_setExecutor_others() public {
        address[3] memory callers = [vm.addr(REQUESTER_KEY), stranger, address(entryPoint)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAgentAccount.Unauthorized.selector, callers[i]));
            vm.prank(callers[i]);
            requester.setExecutor(stranger);
        }
    }

    /* HELPERS */

    function _fund() private {
        mint(requester, PRICE);
        vm.deal(address(requester), 1 ether);
    }

    function _withdrawal() private view returns (Call[] memory list) {
        list = new Call[](2);
        list[0] = Call(address(usdc), 0, abi.encodeCall(usdc.transfer, (stranger, PRICE)));
        list[1] = Call(stranger, 1 ether, "");
    }

    function _assertWithdrawn() private view {
        vm.assertEq(usdc.balanceOf(stranger), PRICE, "USDC");
        vm.assertEq(stranger.balance, 1 ether, "ETH");
    }
}
