// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract RejectOrderTest is VaultTest {
    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed, bool byRequester) public {
        Order memory order = validOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase >= Phase.CLEAR);
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vm.prank(byRequester ? requester : provider);
        vault.rejectOrder(order, REASON);
    }

    function testFuzz_revert_callerIsNoParty(Order memory seed, address caller, bool paid) public {
        // No transaction comes from 0, which is the approver here.
        vm.assume(caller != requester && caller != provider && caller != address(0));
        Order memory order = validOrder(seed);
        bring(order, paid ? Phase.LOCK : Phase.NEGOTIATION);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.rejectOrder(order, REASON);
    }

    function testFuzz_revert_requesterOncePaid(Order memory seed, uint40 later) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        vm.warp(START + later);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, requester));
        vm.prank(requester);
        vault.rejectOrder(order, REASON);
        assertPhase(orderId, Phase.LOCK);
        vm.assertEq(token.balanceOf(address(vault)), order.amount, "escrow");
    }

    function testFuzz_unpaid(Order memory seed, bytes32 reasonHash, bool byRequester, uint32 later) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);
        vm.warp(START + later); // a concession has no deadline
        address by = byRequester ? requester : provider;

        vm.expectEmit(address(vault));
        emit ICAPVault.OrderRejected(orderId, by, reasonHash, 0);
        vm.recordLogs();
        vm.prank(by);
        vault.rejectOrder(order, reasonHash);

        assertEntered(orderId, Phase.REJECTED, 0);
        vm.assertEq(vm.getRecordedLogs().length, 1, "no transfer");
        vm.assertEq(token.balanceOf(requester), order.amount, "requester");
    }

    function testFuzz_paid(Order memory seed, bytes32 reasonHash, uint32 later, uint120 others) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = bring(order, Phase.LOCK);
        token.mint(address(vault), others);
        vm.warp(START + later);

        vm.expectEmit(address(vault));
        emit ICAPVault.OrderRejected(orderId, provider, reasonHash, order.amount);
        vm.prank(provider);
        vault.rejectOrder(order, reasonHash);

        assertEntered(orderId, Phase.REJECTED, 0);
        vm.assertEq(token.balanceOf(requester), order.amount, "requester");
        vm.assertEq(token.balanceOf(address(vault)), others, "vault");
        vm.assertEq(token.balanceOf(provider), 0, "provider");
        vm.assertEq(accruedFees(), 0, "no fee on a refund");
    }
}
