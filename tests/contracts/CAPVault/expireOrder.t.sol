// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract ExpireOrderTest is VaultTest {
    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = validOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.NEGOTIATION && phase != Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        vm.warp(START + 400 days); // past every deadline
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        vault.expireOrder(order);
    }

    function testFuzz_unpaid(Order memory seed, address caller) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = create(order);
        token.mint(requester, order.amount);

        vm.warp(order.payDeadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, order.payDeadline));
        vm.prank(caller);
        vault.expireOrder(order);

        vm.warp(uint256(order.payDeadline) + 1);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(orderId, 0);
        vm.recordLogs();
        vm.prank(caller);
        vault.expireOrder(order);

        assertEntered(orderId, Phase.EXPIRED, 0);
        vm.assertEq(vm.getRecordedLogs().length, 1, "no transfer");
        vm.assertEq(token.balanceOf(requester), order.amount, "requester");
    }

    function testFuzz_paid(Order memory seed, address caller, uint256 paidAt, uint120 others) public {
        Order memory order = validOrder(seed);
        bytes32 orderId = create(order);
        paidAt = bound(paidAt, START, order.payDeadline);
        vm.warp(paidAt);
        pay(order);
        token.mint(address(vault), others);
        uint256 deadline = paidAt + order.slaSeconds;

        vm.warp(deadline);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.TooEarly.selector, deadline));
        vm.prank(caller);
        vault.expireOrder(order);

        vm.warp(deadline + 1);
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderExpired(orderId, order.amount);
        vm.prank(caller);
        vault.expireOrder(order);

        assertEntered(orderId, Phase.EXPIRED, 0);
        vm.assertEq(token.balanceOf(requester), order.amount, "requester");
        vm.assertEq(token.balanceOf(address(vault)), others, "vault");
        vm.assertEq(accruedFees(), 0, "no fee on a refund");
    }

    /// @dev No second in which both are valid, and none in which neither is.
    function testFuzz_deliveryOrExpiry(Order memory seed, uint40 later) public {
        Order memory order = validOrder(seed);
        bring(order, Phase.LOCK);
        vm.warp(START + later);
        uint256 before = vm.snapshotState();
        vm.prank(provider);
        (bool delivered,) = address(vault).call(abi.encodeCall(vault.deliverOrder, (order, DELIVERABLE)));
        vm.revertToState(before);
        (bool expired,) = address(vault).call(abi.encodeCall(vault.expireOrder, (order)));
        vm.assertTrue(delivered != expired, "exactly one of deliver and expire");
    }

    function testFuzz_paymentOrExpiry(Order memory seed, uint40 later) public {
        Order memory order = validOrder(seed);
        create(order);
        token.mint(requester, order.amount);
        vm.prank(requester);
        token.approve(address(vault), order.amount);
        vm.warp(START + later);
        uint256 before = vm.snapshotState();
        vm.prank(requester);
        (bool paid,) = address(vault).call(abi.encodeCall(vault.payOrder, (order)));
        vm.revertToState(before);
        (bool expired,) = address(vault).call(abi.encodeCall(vault.expireOrder, (order)));
        vm.assertTrue(paid != expired, "exactly one of pay and expire");
    }
}
