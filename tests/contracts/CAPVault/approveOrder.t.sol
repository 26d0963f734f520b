// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ICAPVault, Order, Phase} from "../../../contracts/interfaces/ICAPVault.sol";
import {VaultTest} from "./VaultTest.sol";

contract ApproveOrderTest is VaultTest {
    /// @dev Each call breaks all that the next ones do.
    function testFuzz_revert_termsThenPhaseThenCallerThenFlag(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        Order memory ungated = sibling(order);
        ungated.approver = address(0);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "approver"));
        vault.approveOrder(ungated);

        bytes32 orderId = vault.hashOrder(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, Phase.NONE));
        vault.approveOrder(order);

        create(order);
        approve(order);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, address(this)));
        vault.approveOrder(order);

        vm.expectRevert(ICAPVault.AlreadyApproved.selector);
        approve(order);
    }

    function testFuzz_revert_noApprover(Order memory seed, uint256 phaseSeed, address caller) public {
        Order memory order = anyOrder(seed);
        order.approver = address(0);
        bring(order, reachablePhase(order, phaseSeed));
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.InvalidTerms.selector, "approver"));
        vm.prank(caller);
        vault.approveOrder(order);
    }

    function testFuzz_revert_phase(Order memory seed, uint256 phaseSeed) public {
        Order memory order = gatedOrder(seed);
        Phase phase = reachablePhase(order, phaseSeed);
        vm.assume(phase != Phase.NEGOTIATION && phase != Phase.LOCK);
        bytes32 orderId = bring(order, phase);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.WrongPhase.selector, orderId, phase));
        approve(order);
    }

    function testFuzz_revert_caller(Order memory seed, address caller, uint256 which, bool paid) public {
        address[6] memory others = [requester, provider, arbiter, commissionTo, owner, caller];
        caller = others[bound(which, 0, 5)];
        vm.assume(caller != approver);
        Order memory order = gatedOrder(seed);
        bytes32 orderId = bring(order, paid ? Phase.LOCK : Phase.NEGOTIATION);
        vm.expectRevert(abi.encodeWithSelector(ICAPVault.Unauthorized.selector, caller));
        vm.prank(caller);
        vault.approveOrder(order);
        assertEntered(orderId, paid ? Phase.LOCK : Phase.NEGOTIATION, 0);
    }

    function testFuzz_revert_twice(Order memory seed, bool paidBetween) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = create(order);
        approve(order);
        if (paidBetween) pay(order);
        vm.expectRevert(ICAPVault.AlreadyApproved.selector);
        approve(order);
        assertState(orderId, paidBetween ? Phase.LOCK : Phase.NEGOTIATION, true, false, START, 0);
    }

    function testFuzz_approves(Order memory seed, bool paid, bool isDisputed, uint40 later) public {
        Order memory order = gatedOrder(seed);
        isDisputed = isDisputed && paid && order.arbiter != address(0);
        bytes32 orderId = bring(order, paid ? Phase.LOCK : Phase.NEGOTIATION);
        if (isDisputed) dispute(order);
        vm.warp(START + later); // it has no deadline

        vm.recordLogs();
        vm.expectEmit(address(vault));
        emit ICAPVault.OrderApproved(orderId);
        approve(order);

        vm.assertEq(logCount(), 1, "logs");
        // A flag moves no deadline: the phase began when it did.
        assertState(orderId, paid ? Phase.LOCK : Phase.NEGOTIATION, true, isDisputed, START, 0);
        assertMoney(Holdings({held: paid ? order.amount : 0, toProvider: 0, toRequester: 0, fee: 0, commission: 0}));
    }

    function testFuzz_opensThisOrderOnly(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        Order memory other = sibling(order);
        bring(order, Phase.LOCK);
        bring(other, Phase.LOCK);
        approve(order);
        vm.expectRevert(ICAPVault.NotApproved.selector);
        deliver(other);
        deliver(order);
    }

    /// @dev What was approved before payment is approved.
    function testFuzz_outlivesPayment(Order memory seed) public {
        Order memory order = gatedOrder(seed);
        bytes32 orderId = create(order);
        approve(order);
        pay(order);
        assertState(orderId, Phase.LOCK, true, false, START, 0);
        deliver(order);
        assertState(orderId, order.reviewSeconds == 0 ? Phase.CLEAR : Phase.DELIVER, true, false, START, DELIVERABLE);
    }
}
